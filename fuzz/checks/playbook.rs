//! Playbooks are refused with a place for every mistake, or give steps that need only earlier steps, with
//! resources that stay the same when written and read again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use odoo_deploy::odoo::distribution::Distribution;
use odoo_deploy::odoo::facts::Facts;
use odoo_deploy::odoo::release::Release;
use odoo_deploy::odoo::target::target;
use odoo_deploy::plan::blueprint::Blueprint;
use odoo_deploy::plan::playbook::{Playbook, Task};
use odoo_deploy::resource::AnyResource;
use odoo_deploy::site::Site;
use odoo_deploy::text::diagnostic::Diagnostics;
use odoo_deploy::text::template::Context;
use serde_json::json;

const SITE: &str = "[odoo]\nversion = \"19.0\"\nmodules = [\"sale\", \"stock\"]\n\
                    [[addons]]\nname = \"web\"\nrepository = \"https://git.example.org/web\"\n";

static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
    let site = Site::parse(Path::new("site.toml"), SITE).expect("a site");
    let distribution = Distribution::of("debian", "12").expect("a distribution");
    let release = target(Release::of(site.odoo.version), distribution).expect("a pair");
    let facts = Facts {
        distribution: Some(distribution),
        distribution_name: "Debian 12".into(),
        architecture: "amd64".into(),
        cores: 2,
        memory: 4096,
        systemd: true,
        network: true,
        ipv6: true,
    };
    let nowhere = Path::new("/nonexistent");
    let blueprint = Blueprint::new(site, release, facts, nowhere, BTreeMap::new());
    blueprint
        .and_then(|blueprint| blueprint.context())
        .expect("a context")
});

/// Checks one text.
pub(super) fn check(text: &str) {
    let playbook = match Playbook::parse(Path::new("odoo.toml"), text) {
        Ok(playbook) => playbook,
        Err(errors) => {
            told(&errors);
            return;
        }
    };
    match playbook.expand(&CONTEXT) {
        Ok(tasks) => are_in_order(&tasks),
        Err(errors) => told(&errors),
    }
}

fn told(errors: &Diagnostics) {
    assert!(!errors.items().is_empty());
    assert!(!errors.render(80, false).is_empty());
    assert!(errors.to_string().starts_with("odoo.toml:"));
}

fn are_in_order(tasks: &[Task]) {
    for (place, task) in tasks.iter().enumerate() {
        let above = |need: &String| tasks[..place].iter().any(|task| task.id == *need);
        assert!(task.needs.iter().all(above), "{task:?}");
        assert!(
            !tasks[..place].iter().any(|other| other.id == task.id),
            "{}",
            task.id
        );
        if task.check {
            continue;
        }
        let written = json!({ &task.kind: task.fields });
        let Ok(thing) = serde_json::from_value::<AnyResource>(written) else {
            continue;
        };
        is_read_again(thing);
    }
}

/// Asserts that a resource survives the journal, which is all that a rollback needs.
fn is_read_again(thing: AnyResource) {
    let written = serde_json::to_string(&thing).expect("a thing in words");
    let again: AnyResource = serde_json::from_str(&written).expect("a thing of words");
    let expected = match thing {
        // the journal has no content: content is in the store, and its secrets are only in their files
        AnyResource::File(mut file) => {
            file.content.clear();
            AnyResource::File(file)
        }
        other => other,
    };
    assert_eq!(expected, again, "{written}");
    assert!(again.want(&None).expect("a state").is_some());
}
