//! What the executor must guarantee during a run, and what no final state shows.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::rc::Rc;

use odoo_deploy::engine::apply::{self, apply};
use odoo_deploy::engine::journal::{self, FORMAT, Journal, Lock, Record};
use odoo_deploy::engine::observe::observe;
use odoo_deploy::event::{Event, Events};
use odoo_deploy::host::disk::Call;
use odoo_deploy::host::{Cmd, Disk, Host, Ownership, Programs, Store};
use odoo_deploy::odoo::facts::Facts;
use odoo_deploy::odoo::target::Target;
use odoo_deploy::plan::blueprint::Blueprint;
use odoo_deploy::site::Site;
use support::act::{Act, Ended, act, journals};
use support::machine::{Machine, Trouble};
use support::runtime::{paused, real};
use support::scenario::installed;
use support::site::{SiteFile, SiteSpec};

fn opened() -> Record {
    Record::Opened {
        format: FORMAT,
        site: "odoo".into(),
        version: "0".into(),
        time: 1,
        moment: None,
    }
}

/// Plans for an installed machine, calls `meanwhile`, and applies the plan.
fn apply_after(meanwhile: impl FnOnce(&Machine)) -> Result<usize, apply::Error> {
    apply_between(|_| (), meanwhile)
}

/// Like `apply_after`, and calls `earlier` before the plan.
fn apply_between(
    earlier: impl FnOnce(&Machine),
    meanwhile: impl FnOnce(&Machine),
) -> Result<usize, apply::Error> {
    let machine = installed(&SiteSpec::default());
    earlier(&machine);
    let file = SiteFile::new(&SiteSpec::default());
    let folder = journals(&machine);
    let host = machine.host(Events::silent());
    let host = host.with_store(Store::new(&Disk::default(), &folder, 2));
    let site = Site::load(&file.path()).unwrap();
    let facts = Facts::read(&host).unwrap();
    let release = Target::on(&facts, site.odoo.version).unwrap();
    let beside = file.path().parent().unwrap().to_owned();
    let blueprint = Blueprint::new(site, release, facts, &beside, BTreeMap::new());
    let mut blueprint = blueprint.unwrap();
    let runtime = paused();
    runtime.block_on(async {
        blueprint.resolve_unknowns(&host).await.unwrap();
        let mut plan = blueprint.compile().unwrap();
        let observed = observe(&host, &plan).await.unwrap();
        meanwhile(&machine);
        let mut journal = Journal::begin(&Disk::default(), &folder, 2, opened()).unwrap();
        apply(&host, &mut journal, &mut blueprint, &mut plan, &observed).await
    })
}

#[test]
fn what_changed_since_the_plan_is_not_touched() {
    if support::skipped() {
        return;
    }
    assert_eq!(apply_after(|_| ()).unwrap(), 0);
    let edited = |machine: &Machine| {
        let text = machine.disk.text("/etc/odoo.conf") + "limit_time_cpu = 60\n";
        machine.disk.put("/etc/odoo.conf", text);
    };
    let retargeted = |machine: &Machine| machine.disk.link("/opt/odoo/current", "/elsewhere");
    let promoted = |machine: &Machine| {
        let mut state = machine.state.borrow_mut();
        state.postgres.roles.get_mut("odoo").unwrap().superuser = true;
    };
    for (changed, error) in [
        ("conf", apply_after(edited)),
        ("release", apply_after(retargeted)),
        ("role", apply_after(promoted)),
    ] {
        let error = error.unwrap_err();
        assert!(
            matches!(&error, apply::Error::Changed { step, .. } if step == changed),
            "{changed}: {error}"
        );
    }
}

/// systemd may still be finishing the start that a killed process asked for.
#[test]
fn a_step_that_became_as_wanted_since_the_plan_does_not_stop_the_run() {
    if support::skipped() {
        return;
    }
    let stop = |machine: &Machine| {
        let unit = &mut machine.state.borrow_mut().units;
        unit.get_mut("odoo.service").unwrap().pid = None;
    };
    let start = |machine: &Machine| {
        let unit = &mut machine.state.borrow_mut().units;
        unit.get_mut("odoo.service").unwrap().pid = Some(1001);
    };
    assert_eq!(apply_between(stop, start).unwrap(), 0);
}

/// Collects what the events tell of a step.
fn told(ended: &Ended, what: impl Fn(&Event) -> Option<&str>) -> Vec<String> {
    let told = ended.events.iter().filter_map(what);
    told.map(str::to_owned).collect()
}

/// A program fails while other steps are under way; which steps these are depends on the call that fails.
#[test]
fn steps_under_way_end_when_another_step_fails() {
    if support::skipped() {
        return;
    }
    let site = SiteFile::new(&SiteSpec::default());
    let whole = Machine::bare();
    act(&whole, &site, Act::Install).unwrap();
    let mut beside = 0;
    for number in 1..=whole.fuse.calls().len() {
        let machine = Machine::bare();
        machine.fuse.trouble(number, Trouble::Fails, false);
        let ended = act(&machine, &site, Act::Install).unwrap();
        let began = told(&ended, |event| match event {
            Event::StepBegan { step, .. } => Some(step),
            _ => None,
        });
        let over = told(&ended, |event| match event {
            Event::StepDone { step, .. } | Event::StepFailed { step, .. } => Some(step),
            _ => None,
        });
        for step in &began {
            assert!(over.contains(step), "{number}: `{step}` came to no end");
        }
        let failed = |event: &&Event| matches!(event, Event::StepFailed { .. });
        let after = ended.events.iter().skip_while(|event| !failed(event));
        let done = after.filter(|event| matches!(event, Event::StepDone { .. }));
        beside += usize::from(done.count() > 0);
    }
    assert!(beside > 5, "only {beside} times there was a step beside");
}

/// Others cannot read even the first byte of a file before its owner and mode are set.
#[test]
fn nothing_is_written_into_a_file_that_others_can_read() {
    if support::skipped() {
        return;
    }
    let machine = Machine::bare();
    let written = Rc::new(Cell::new(0));
    let count = written.clone();
    let disk = Disk::watched(move |call| {
        if let Call::Write(path, bytes) = call {
            let mode = path.metadata()?.permissions().mode();
            let secret = bytes.windows(4).any(|part| part == b"hush");
            assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
            count.set(count.get() + usize::from(secret));
        }
        Ok(())
    });
    let host = Host::at(machine.root(), Programs::Real, Events::silent()).with_disk(disk.clone());
    let conf = Path::new("/etc/odoo.conf");
    host.write(conf, b"hush", Ownership::root(0o644)).unwrap();
    let folder = journals(&machine);
    journal::make_folder(&disk, &folder).unwrap();
    let store = Store::new(&disk, &folder, 1);
    store.keep(b"hush").unwrap();
    store.note_written(conf, "hush").unwrap();
    let mut journal = Journal::begin(&disk, &folder, 1, opened()).unwrap();
    let source = "hush".to_owned();
    let commit = "1".repeat(40);
    journal.write(Record::Resolved { source, commit }).unwrap();
    drop(Lock::take(&disk, &folder.join("lock"), "hush").unwrap());
    assert_eq!(written.get(), 5);
}

#[test]
fn kept_bytes_that_are_not_what_their_name_says_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(&Disk::default(), folder.path(), 1);
    let name = store.keep(b"[options]\n").unwrap();
    assert_eq!(store.kept(&name).unwrap(), b"[options]\n");
    std::fs::write(folder.path().join("blobs").join(&name), b"[option]\n").unwrap();
    let error = store.kept(&name).unwrap_err().to_string();
    assert!(error.contains("not the ones that were kept"), "{error}");
}

#[test]
fn a_thing_that_is_begun_again_is_noted_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(&Disk::default(), folder.path(), 1);
    for note in ["begun", "begun", "5e1f", "begun"] {
        store.note_made("tree /opt/x", note).unwrap();
    }
    assert_eq!(
        store.made("tree /opt/x").unwrap(),
        ["begun", "5e1f", "begun"]
    );
}

/// Several installs of packages in a run share one log, with those of an earlier process of the same run.
#[test]
fn each_call_is_appended_to_the_log_and_returns_its_own_output() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(&Disk::default(), folder.path(), 7);
    let log = store.log_path("apt-install");
    let host = Host::this(Events::silent()).with_store(store);
    let runtime = real();
    let say = |script: &str| {
        let call = Cmd::new("sh").args(["-c", script]).log("apt-install");
        runtime.block_on(host.run(&call))
    };
    assert_eq!(say("echo one; echo two >&2").unwrap().stdout, "one\ntwo\n");
    assert_eq!(say("echo three").unwrap().stdout, "three\n");
    let error = say("exit 3").unwrap_err().to_string();
    assert!(!error.contains("three"), "{error}");
    assert!(error.contains(log.to_str().unwrap()), "{error}");
    assert_eq!(
        std::fs::read_to_string(log).unwrap(),
        "# sh -c 'echo one; echo two >&2'\none\ntwo\n# sh -c 'echo three'\nthree\n# sh -c 'exit 3'\n"
    );
}

/// Starting a program costs more than reading all the files.
#[test]
fn a_settled_machine_is_asked_once_by_psql_and_once_by_systemctl() {
    if support::skipped() {
        return;
    }
    let specs = [
        SiteSpec::default(),
        SiteSpec {
            proxy: true,
            ..SiteSpec::default()
        },
    ];
    for spec in specs {
        let machine = installed(&spec);
        for (what, health) in [(Act::Install, true), (Act::DryRun, false)] {
            machine.fuse.disarm();
            assert_eq!(act(&machine, &SiteFile::new(&spec), what).unwrap().code, 0);
            let mut programs: Vec<String> = machine.fuse.calls();
            for call in &mut programs {
                let program = call.split(' ').next().unwrap();
                *call = program.rsplit('/').next().unwrap().to_owned();
            }
            // certificates are read by `openssl`, and health is checked over the network
            programs.retain(|program| program != "openssl" && (program != "GET" || !health));
            programs.sort();
            // the site's firewall table is in the kernel, and only `nft` can read it
            assert_eq!(programs, ["nft", "psql", "systemctl"], "{what:?}");
        }
    }
}
