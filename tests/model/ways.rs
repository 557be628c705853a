//! In every state, the program names a command that leads on.

use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;

use odoo_deploy::event::{Event, Events};
use odoo_deploy::host::{Cmd, Host, Output, Programs};
use odoo_deploy::resource::{Resource as _, Service};
use serde_json::json;
use support::act::{Act, Ended, act};
use support::advice::{commands, follow, type_as_it_is, type_in};
use support::expected::well;
use support::machine::{Death, Machine};
use support::runtime::paused;
use support::scenario::installed;
use support::site::{SiteFile, SiteSpec};
use support::snapshot::{differences, snapshot};

/// The errors of steps that could not be rolled back.
fn not_undone(ended: &Ended) -> Vec<&str> {
    let events = ended.events.iter();
    events
        .filter_map(|event| match event {
            Event::UndoFailed { error, .. } => Some(error.as_str()),
            _ => None,
        })
        .collect()
}

/// Adds a certificate of the owner, and its key.
fn plant_certificate(machine: &Machine, name: &str) {
    let certificate = format!(
        "-----BEGIN CERTIFICATE-----\nof {name}\nby {name}\nfor erp.example.org\n-----END CERTIFICATE-----\n"
    );
    let key = format!("-----BEGIN PRIVATE KEY-----\nkey {name}\n-----END PRIVATE KEY-----\n");
    machine
        .disk
        .put(&format!("/etc/ssl/{name}.crt"), certificate);
    let path = format!("/etc/ssl/{name}.key");
    machine.disk.put(&path, key);
    machine.disk.own(&path, (0, 0), 0o600);
}

#[test]
fn the_commands_in_an_advice_are_found() {
    let advice = "odoo-deploy rollback --site odoo   (tries again) or odoo-deploy rollback --site odoo --keep a   (leaves it)";
    assert_eq!(
        commands(advice),
        ["rollback --site odoo", "rollback --site odoo --keep a"]
    );
}

/// The record of nginx's start under the earlier configuration has nothing of the later configuration's files.
#[test]
fn a_change_of_the_certificate_is_rolled_back() {
    if support::skipped() {
        return;
    }
    let files = "tls = \"files\"\ncertificate = \"/etc/ssl/erp.crt\"\nkey = \"/etc/ssl/erp.key\"";
    let other =
        "tls = \"files\"\ncertificate = \"/etc/ssl/other.crt\"\nkey = \"/etc/ssl/other.key\"";
    for (earlier, later) in [
        ("tls = \"self-signed\"", files),
        (files, "tls = \"self-signed\""),
        (files, other),
        ("tls = \"none\"", files),
        (files, "tls = \"none\""),
    ] {
        let machine = Machine::bare();
        for name in ["erp", "other"] {
            plant_certificate(&machine, name);
        }
        let (earlier, later) = (SiteFile::with_proxy(earlier), SiteFile::with_proxy(later));
        well(act(&machine, &earlier, Act::Install));
        let before = snapshot(&machine);
        well(act(&machine, &later, Act::Install));
        let back = act(&machine, &later, Act::Rollback).unwrap();
        assert_eq!(back.code, 0, "{} {:?}", back.error, not_undone(&back));
        let mut wrong = differences(&before, &snapshot(&machine));
        // an authority that has signed a certificate stays
        wrong.retain(|wrong| !wrong.starts_with("/etc/ssl/odoo-deploy"));
        assert_eq!(wrong, Vec::<String>::new());
        assert!(
            well(act(&machine, &earlier, Act::DryRun))
                .pending()
                .is_empty()
        );
        well(act(&machine, &later, Act::Install));
    }
}

/// For instance, `/opt` was moved to a larger disk, before the first install or after it.
#[test]
fn a_folder_may_be_a_link() {
    if support::skipped() {
        return;
    }
    let site = SiteFile::new(&SiteSpec::default());
    let linked = |machine: &Machine| {
        for folder in ["opt", "var/lib/odoo-deploy"] {
            let (from, to) = (format!("/{folder}"), format!("/srv/disk/{folder}"));
            let (from, to) = (machine.disk.at(&from), machine.disk.at(&to));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            let up = "../".repeat(folder.matches('/').count());
            if from.exists() {
                fs::rename(&from, &to).unwrap();
            } else {
                fs::create_dir_all(&to).unwrap();
            }
            std::os::unix::fs::symlink(format!("{up}srv/disk/{folder}"), &from).unwrap();
        }
    };
    let (first, later) = (Machine::bare(), installed(&SiteSpec::default()));
    linked(&first);
    linked(&later);
    for machine in [first, later] {
        let ended = act(&machine, &site, Act::Install).unwrap();
        assert_eq!(ended.code, 0, "{}", ended.error);
        assert!(well(act(&machine, &site, Act::DryRun)).pending().is_empty());
        well(act(&machine, &site, Act::Rollback));
        assert!(machine.disk.at("/opt").is_symlink());
        well(act(&machine, &site, Act::Install));
    }
}

/// A step that cannot be rolled back is reported with both values, and the owner may keep it as it is.
#[test]
fn a_step_that_cannot_be_rolled_back_can_be_kept() {
    if support::skipped() {
        return;
    }
    let machine = installed(&SiteSpec::default());
    let site = SiteFile::new(&SiteSpec::default());
    let threaded = SiteFile::new(&SiteSpec {
        workers: 0,
        ..SiteSpec::default()
    });
    well(act(&machine, &threaded, Act::Install));
    // a folder has replaced the configuration
    machine.disk.remove("/etc/odoo.conf");
    machine.disk.put("/etc/odoo.conf/mine", "");
    let back = act(&machine, &site, Act::Rollback).unwrap();
    assert_eq!(back.code, 4, "{}", back.error);
    let next = back.next.clone().unwrap();
    assert_eq!(
        commands(&next),
        [
            "rollback --site odoo",
            "rollback --site odoo --keep service --keep conf"
        ],
    );
    let config = threaded.path().display().to_string();
    let finished = type_in(&machine, &format!("install --config {config}"));
    assert_eq!(
        (finished.1, finished.2.as_deref()),
        (4, Some(next.as_str()))
    );
    let (_, code, _) = type_in(&machine, "rollback --site odoo --keep nothing");
    assert_eq!(code, 64);
    assert_eq!(follow(&machine, Some(&next)), Vec::<String>::new());
    assert!(machine.disk.exists("/etc/odoo.conf/mine"));
    fs::remove_dir_all(machine.disk.at("/etc/odoo.conf")).unwrap();
    well(act(&machine, &site, Act::Install));
    assert!(well(act(&machine, &site, Act::DryRun)).pending().is_empty());
}

/// Without a terminal and without `--yes`, a question counts as declined.
#[test]
fn without_a_terminal_nothing_is_changed() {
    if support::skipped() {
        return;
    }
    let machine = installed(&SiteSpec::default());
    let site = SiteFile::new(&SiteSpec {
        workers: 0,
        ..SiteSpec::default()
    });
    let config = site.path().display().to_string();
    let before = snapshot(&machine);
    for line in [
        format!("install --config {config}"),
        "rollback --site odoo".to_owned(),
    ] {
        let (_, code, next) = type_as_it_is(&machine, &line);
        assert_eq!(code, 1, "{line}");
        assert_eq!(next, Some(format!("odoo-deploy {line} --yes")));
    }
    let (_, code, _) = type_as_it_is(&machine, "rollback --site odoo --dry-run");
    assert_eq!(code, 0);
    assert_eq!(
        differences(&before, &snapshot(&machine)),
        Vec::<String>::new()
    );
}

/// A second rollback rolls back an earlier run, and says so.
#[test]
fn a_second_rollback_names_the_earlier_run() {
    if support::skipped() {
        return;
    }
    let machine = installed(&SiteSpec::default());
    let site = SiteFile::new(&SiteSpec {
        workers: 0,
        ..SiteSpec::default()
    });
    well(act(&machine, &site, Act::Install));
    let notes = |ended: &Ended| -> Vec<String> {
        let notes = ended.events.iter().filter_map(|event| match event {
            Event::Note { text } => Some(text.clone()),
            _ => None,
        });
        notes.filter(|text| text.contains("earlier one")).collect()
    };
    assert_eq!(notes(&well(act(&machine, &site, Act::Rollback))).len(), 0);
    let second = notes(&well(act(&machine, &site, Act::Rollback)));
    assert!(
        second[0].contains("run 2, the last one, is taken back already"),
        "{second:?}"
    );
    assert!(second[0].contains("run 1 of "), "{second:?}");
}

/// The cluster that PostgreSQL's packages created is removed with them, unless it has a database of an owner.
#[test]
fn a_rollback_removes_a_cluster_that_the_run_made() {
    if support::skipped() {
        return;
    }
    let site = SiteFile::new(&SiteSpec::default());
    for own in [false, true] {
        // the first of some kills that comes after the packages are installed
        let killed = (120..).step_by(10).map(|number| {
            let machine = Machine::bare();
            machine.fuse.arm(number, Death::Before);
            assert!(act(&machine, &site, Act::Install).is_none());
            machine.fuse.disarm();
            machine
        });
        let mut killed = killed.filter(|machine| machine.disk.exists("/etc/postgresql/15/main"));
        let machine = killed.next().unwrap();
        let database = "/var/lib/postgresql/15/main/base/16999/1";
        if own {
            machine.disk.put(database, "");
        }
        well(act(&machine, &site, Act::Rollback));
        for folder in ["/etc/postgresql/15", "/var/lib/postgresql/15"] {
            assert_eq!(machine.disk.exists(folder), own, "{folder}");
        }
        assert_eq!(machine.disk.exists(database), own);
        well(act(&machine, &site, Act::Install));
    }
}

/// Right after a boot, a unit may still be starting. It counts as running: it will start with the files that are there.
#[test]
fn a_unit_that_is_about_to_start_counts_as_running() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("etc")).unwrap();
    fs::write(root.path().join("etc/odoo.conf"), "[options]\n").unwrap();
    let service = Service {
        unit: "odoo.service".into(),
        inputs: BTreeMap::from([("conf".into(), "/etc/odoo.conf".into())]),
        certificates: BTreeMap::new(),
        record: "/run/odoo-deploy/odoo.started".into(),
        shared: false,
        shows: Vec::new(),
        listens: None,
        test: Vec::new(),
    };
    let outdated = json!(["conf"]);
    for (shown, expected) in [
        ("ActiveState=active", Some(outdated)),
        (
            "ActiveState=activating\nSubState=start-pre",
            Some(json!([])),
        ),
        ("ActiveState=inactive\nJob=77", Some(json!([]))),
        ("ActiveState=activating\nSubState=auto-restart", None),
        ("ActiveState=inactive\nJob=", None),
    ] {
        let answer = format!("{shown}\n");
        let model = move |_: &Host, _: &Cmd| {
            Some(Output {
                code: Some(0),
                stdout: answer.clone(),
                ..Output::default()
            })
        };
        let programs = Programs::Model(Rc::new(model));
        let host = Host::at(root.path(), programs, Events::silent());
        let state = paused().block_on(service.read(&host)).unwrap();
        let state = state.map(|state| serde_json::to_value(state).unwrap());
        assert_eq!(
            state.map(|state| state["outdated"].clone()),
            expected,
            "{shown}"
        );
    }
}
