//! An administrator's own steps, and playbooks and templates of version 0.1.0.

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

use odoo_deploy::plan::Plan;
use odoo_deploy::plan::playbook::Notes;
use odoo_deploy::report::{Json, Report};
use odoo_deploy::resource::AnyResource;
use odoo_deploy::site::Site;
use support::machine::Machine;
use support::site::{own_steps, plan_beside, plan_of, quick_playbook};
use support::typed::{Paper, typed};

const SITES: [&str; 5] = [
    "",
    "[logs]\nfile = true\n[firewall]\nenabled = true\n[postgres]\ntuning = true\n[wkhtmltopdf]\nbuild = \"patched\"\n",
    "[site]\ndomain = \"erp.example.org\"\n[proxy]\n[fail2ban]\nenabled = true\n\
     [[addons]]\nname = \"web\"\nrepository = \"https://git.example.org/web.git\"\n",
    "[site]\ndomain = \"erp.example.org\"\n[proxy]\ntls = \"acme\"\nemail = \"it@example.org\"\n",
    "[postgres]\nhost = \"db.example.org\"\npassword = { file = \"/root/password\" }\nsslmode = \"require\"\n",
];

fn site(lines: &str) -> Site {
    let text = format!("[odoo]\nversion = \"19.0\"\n{lines}");
    Site::parse(Path::new("site.toml"), &text).unwrap()
}

/// A plan without what version 0.1.0 did not have: notes, and the inputs of `remote`.
fn as_before(mut plan: Plan) -> Plan {
    for step in &mut plan.steps {
        step.notes = Notes::default();
        step.needs.sort_unstable();
        if let AnyResource::Remote(remote) = &mut step.resource {
            remote.inputs.clear();
        }
    }
    plan
}

#[test]
fn a_playbook_and_templates_of_version_0_1_0_make_the_same_plan() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for (name, from) in [
        ("odoo.toml", "playbook-0.1.0.toml"),
        ("nginx.service", "nginx-0.1.0.service"),
        ("fail2ban-unit.conf", "fail2ban-unit-0.1.0.conf"),
    ] {
        fs::copy(fixtures.join(from), folder.path().join(name)).unwrap();
    }
    for lines in SITES {
        let before = plan_beside(site(lines), folder.path()).unwrap();
        let now = as_before(plan_of(site(lines)));
        let before = as_before(before);
        for (before, now) in before.steps.iter().zip(&now.steps) {
            // now every input is a need, also if another need already depends on it
            assert!(
                before.needs.iter().all(|need| now.needs.contains(need)),
                "{}",
                now.id
            );
            assert_eq!(before.resource, now.resource, "{lines}");
        }
        assert_eq!(before.steps.len(), now.steps.len(), "{lines}");
        assert_eq!(before.checks, now.checks, "{lines}");
    }
}

/// The plan of a small site with this `extra.toml`, or the error.
fn extended(extra: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("extra.toml"), extra).unwrap();
    plan_beside(site(""), folder.path()).map_err(|error| error.to_string())
}

#[test]
fn wrong_own_steps_are_refused() {
    let file = |path: &str| {
        format!(
            "[[step]]\nid = \"own-x\"\nafter = \"conf\"\nfile = {{ path = \"{path}\", owner = \"root\", group = \"root\", \
             mode = \"0644\", content = \"x\" }}\n"
        )
    };
    assert!(extended(&file("/etc/x.conf")).is_ok());
    let service = |inputs: &str| {
        format!(
            "[[step]]\nid = \"own-x\"\nafter = \"unit\"\nservice = {{ unit = \"x.service\", inputs = {inputs}, record = \"/run/x\" }}\n"
        )
    };
    for (extra, part) in [
        (
            file("/etc/odoo.conf"),
            "`/etc/odoo.conf` is what the step `conf` makes too",
        ),
        (file("/opt/odoo"), "is what the step `home` makes too"),
        (service("[\"confi\"]"), "no step above has the id `confi`"),
        (
            service("[\"service\"]"),
            "no step above has the id `service`",
        ),
        (service("[\"user\"]"), "the step `user` makes no file"),
        (
            service("[\"unit\"]").replace("x.service", "odoo.service"),
            "is what the step `service` makes too",
        ),
        (
            file("/etc/x.conf").replace("file =", "fil ="),
            "there is no kind `fil`",
        ),
        (
            file("/etc/x.conf").replace("mode", "mod"),
            "unknown field `mod`",
        ),
        ("[[step]]\nid = \"own-x\"\n".to_owned(), "no resource"),
    ] {
        let told = extended(&extra).expect_err(&extra);
        assert!(told.contains(part), "{told}");
        assert!(told.contains("extra.toml"), "{told}");
    }
}

/// Two steps that use apt, or the files of accounts, at the same time would fail on each other's locks.
#[test]
fn own_steps_wait_for_steps_that_use_the_same_exclusive_thing() {
    let extra = "[[step]]\nid = \"own-tools\"\nafter = \"lists\"\npackages = { names = [\"htop\"] }\n\
                 [[step]]\nid = \"own-user\"\nafter = \"unit\"\nuser = { name = \"report\", home = \"/var/lib/report\" }\n";
    let plan = extended(extra).unwrap();
    let place = |id: &str| plan.steps.iter().position(|step| step.id == id).unwrap();
    let needs = |id: &str, other: &str| plan.steps[place(id)].needs.contains(&place(other));
    assert!(needs("own-tools", "lists") && needs("git", "own-tools"));
    assert!(needs("own-user", "packages"));
}

/// Runs a command on a machine. Returns its exit code and its output.
fn said(machine: &Machine, folder: &Path, line: &str) -> (u8, String) {
    let out = Paper::default();
    let report = Report::Json(Rc::new(Json::new(out.clone(), SystemTime::now)));
    let place = ("FOLDER", folder.to_str().unwrap());
    let code = typed(machine.host(report.events()), line, place, &report);
    (code, out.text())
}

#[test]
fn the_examples_in_docs_playbook_md_are_installed_audited_and_rolled_back() {
    let examples = own_steps();
    assert_eq!(examples.len(), 4, "examples in docs/playbook.md");
    for extra in examples {
        let folder = tempfile::tempdir().unwrap();
        let site =
            "[odoo]\nversion = \"19.0\"\nrepository = \"https://git.example.org/odoo.git\"\n";
        for (name, text) in [
            ("site.toml", site),
            ("odoo.toml", &quick_playbook()),
            ("extra.toml", &extra),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let made = plan_beside(
            Site::parse(Path::new("site.toml"), site).unwrap(),
            folder.path(),
        );
        let made: Vec<String> = made
            .unwrap()
            .steps
            .iter()
            .filter(|step| step.id.starts_with("own-"))
            .filter_map(|step| match &step.resource {
                AnyResource::File(file) => Some(file.path.display().to_string()),
                _ => None,
            })
            .collect();
        assert!(!made.is_empty(), "{extra}");
        let machine = Machine::bare();
        let (code, told) = said(
            &machine,
            folder.path(),
            "install --yes --json --config FOLDER/site.toml",
        );
        assert_eq!(code, 0, "{told}");
        machine.fuse.disarm();
        let (code, told) = said(
            &machine,
            folder.path(),
            "audit --json --config FOLDER/site.toml",
        );
        assert_eq!(code, 0, "{told}");
        assert!(machine.fuse.seen().is_empty(), "a look changed something");
        for path in &made {
            let text = machine.disk.text(path);
            machine.disk.put(path, format!("{text}# by hand\n"));
            let (code, told) = said(
                &machine,
                folder.path(),
                "audit --json --config FOLDER/site.toml",
            );
            assert_eq!(code, 2, "{told}");
            let (code, told) = said(
                &machine,
                folder.path(),
                "install --yes --json --config FOLDER/site.toml",
            );
            assert_eq!(code, 0, "{told}");
            assert_eq!(machine.disk.text(path), text);
        }
        // without their steps in the file, the resources are reported until they are removed
        fs::rename(folder.path().join("extra.toml"), folder.path().join("away")).unwrap();
        let (code, told) = said(
            &machine,
            folder.path(),
            "audit --json --config FOLDER/site.toml",
        );
        assert_eq!(code, 0, "{told}");
        assert!(
            told.contains("no longer in `extra.toml`") && told.contains(&made[0]),
            "{told}"
        );
        for _ in 0..=made.len() {
            let (code, told) = said(
                &machine,
                folder.path(),
                "rollback --yes --json --config FOLDER/site.toml",
            );
            assert_eq!(code, 0, "{told}");
        }
        for path in &made {
            assert!(!machine.disk.exists(path), "{path} stays");
        }
    }
}
