//! The plans of sites.

use std::collections::BTreeSet;
use std::path::Path;

use odoo_deploy::plan::{Plan, Unknown};
use odoo_deploy::resource::AnyResource;
use odoo_deploy::site::Site;
use support::site::plan_of;

fn plan(site: &str) -> Plan {
    plan_of(Site::parse(Path::new("site.toml"), site).unwrap())
}

const ADDONS: &str = "[odoo]\nversion = \"19.0\"\n\
    [[addons]]\nname = \"one\"\nrepository = \"ssh://git@host/one.git\"\n\
    [[addons]]\nname = \"two\"\nrepository = \"https://host/two.git\"\n";

/// Otherwise a change would not be noticed, or the service would be restarted in every run.
#[test]
fn the_unit_records_at_its_start_exactly_what_the_service_is_compared_with() {
    for site in ["[odoo]\nversion = \"19.0\"\n", ADDONS] {
        let plan = plan(site);
        let service = plan.steps.iter().find_map(|step| match &step.resource {
            AnyResource::Service(service) => Some(service.clone()),
            _ => None,
        });
        let unit = plan.steps.iter().find_map(|step| match &step.resource {
            AnyResource::File(file) if step.id == "unit" => Some(file.content.clone()),
            _ => None,
        });
        let (service, unit) = (service.unwrap(), unit.unwrap());
        let line = unit
            .lines()
            .find(|line| line.starts_with("ExecStartPre="))
            .unwrap();
        let between = |from: &str, to: &str| {
            line.split_once(from)
                .unwrap()
                .1
                .split_once(to)
                .unwrap()
                .0
                .to_owned()
        };
        let written = between("sha256sum ", ";") + " " + &between("for link in ", ";");
        let written: BTreeSet<&str> = written.split_whitespace().collect();
        let compared: BTreeSet<&str> = service
            .inputs
            .values()
            .map(|path| path.to_str().unwrap())
            .collect();
        assert_eq!(written, compared);
        let steps: BTreeSet<&String> = plan.steps.iter().map(|step| &step.id).collect();
        for step in service.inputs.keys() {
            assert!(steps.contains(step), "`{step}` is no step of the plan");
        }
    }
}

/// Otherwise the marker would be written into the file.
#[test]
fn a_file_whose_template_has_an_unknown_value_waits_for_it() {
    let plan = plan("[odoo]\nversion = \"19.0\"\n");
    let conf = plan.steps.iter().find(|step| step.id == "conf").unwrap();
    assert_eq!(conf.awaits, Some(Unknown::Connections));
}

#[test]
fn only_a_repository_over_ssh_needs_the_ssh_client() {
    let has_client = |site| {
        plan(site).steps.iter().any(|step| match &step.resource {
            AnyResource::Packages(packages) => {
                packages.names.iter().any(|name| name == "openssh-client")
            }
            _ => false,
        })
    };
    assert!(has_client(ADDONS));
    assert!(!has_client("[odoo]\nversion = \"19.0\"\n"));
}

/// A playbook cannot contain a cycle, because a step needs only steps above it.
#[test]
fn every_step_needs_only_steps_above_it_and_has_a_unique_name() {
    let plan = plan(ADDONS);
    for (place, step) in plan.steps.iter().enumerate() {
        assert!(step.needs.iter().all(|need| *need < place), "{}", step.id);
    }
    let names: BTreeSet<&String> = plan.steps.iter().map(|step| &step.id).collect();
    assert_eq!(names.len(), plan.steps.len());
}
