//! Whatever accounts plant in the paths that root touches, nothing outside is changed or shown, no run hangs,
//! and every refusal names the path.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use nix::unistd::{setfsgid, setfsuid};
use odoo_deploy::event::Events;
use odoo_deploy::host::{Host, Programs};
use support::act::{Act, act};
use support::counts;
use support::machine::{Disk, Machine};
use support::plant::{CANARY, PLANTS, Plant, leaks, seen, victim, way_to};
use support::scenario::installed;
use support::site::{SiteFile, SiteSpec};

/// Much longer than any case takes.
const HUNG: Duration = Duration::from_secs(60);

/// Paths in folders of the builder; `RELEASE`, `ADDONS` and `VENV` stand for whole paths.
const BUILDERS: [&str; 14] = [
    "RELEASE",
    "RELEASE/.git",
    "RELEASE/.git/HEAD",
    "RELEASE/requirements.txt",
    "RELEASE/odoo-bin",
    "ADDONS",
    "ADDONS/.git",
    "ADDONS/.git/HEAD",
    "ADDONS/requirements.txt",
    "VENV",
    "VENV/.odoo-deploy-complete",
    "VENV/.tools",
    "/opt/odoo/releases/.partial-1111111111111111111111111111111111111111",
    "/opt/odoo/releases/.partial-web-2222222222222222222222222222222222222222",
];

/// Paths in folders of the service.
const SERVICES: [&str; 5] = [
    "/var/lib/odoo/filestore",
    "/var/lib/odoo/filestore/odoo",
    "/var/lib/odoo/sessions",
    "/var/lib/odoo/.local",
    "/var/lib/odoo/.odoo-deploy",
];

/// Paths in folders of root, where only root could have left something.
const ROOTS: [&str; 22] = [
    "/etc/odoo.conf",
    "/etc/.odoo.conf.odoo-deploy",
    "/etc/systemd/system/odoo.service",
    "/etc/systemd/system/.odoo.service.odoo-deploy",
    "/opt/odoo/current",
    "/opt/odoo/.current.odoo-deploy",
    "/opt/odoo/venv",
    "/opt/odoo/.venv.odoo-deploy",
    "/opt/odoo/addons/web",
    "/opt/odoo/addons/.web.odoo-deploy",
    "/var/lib/odoo-deploy/odoo/secrets/master-password",
    "/var/lib/odoo-deploy/odoo/secrets/.master-password.odoo-deploy",
    "/var/lib/odoo-deploy/odoo/secrets/master-password.hash",
    "/var/lib/odoo-deploy/odoo/secrets/admin-password",
    "/var/lib/odoo-deploy/odoo/run-0001.jsonl",
    "/var/lib/odoo-deploy/odoo/logs",
    "/var/lib/odoo-deploy/odoo/made",
    "/var/lib/odoo-deploy/odoo/written",
    "/run/odoo-deploy/odoo.lock",
    "/run/odoo-deploy/odoo.started",
    "/run/odoo-deploy/odoo-venv",
    "/run/odoo-deploy/odoo-build-ssh",
];

/// The path that a place stands for.
fn at(disk: &Disk, place: &str) -> String {
    let release = || disk.resolve("/opt/odoo/current");
    let addons = || disk.resolve("/opt/odoo/addons/web");
    let venv = || disk.resolve("/opt/odoo/venv");
    place
        .replace("RELEASE", &release())
        .replace("ADDONS", &addons())
        .replace("VENV", &venv())
}

fn uid(machine: &Machine, name: &str) -> u32 {
    let text = machine.disk.text("/etc/passwd");
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name}:")));
    line.unwrap().split(':').nth(2).unwrap().parse().unwrap()
}

/// Runs `work` with an account's rights on the file system.
fn as_account<T>(uid: u32, work: impl FnOnce() -> T) -> T {
    setfsgid(uid.into());
    setfsuid(uid.into());
    let done = work();
    setfsuid(0.into());
    setfsgid(0.into());
    done
}

/// Runs `work` in a thread, and panics if a case hangs. `work` gets a function to announce each case.
fn watched(work: impl FnOnce(&dyn Fn(&str)) + Send + 'static) {
    let (at, heard): (Sender<String>, _) = channel();
    let working = thread::spawn(move || work(&|case| at.send(case.to_owned()).unwrap()));
    let mut case = "the beginning".to_owned();
    loop {
        match heard.recv_timeout(HUNG) {
            Ok(next) => case = next,
            Err(RecvTimeoutError::Disconnected) => return working.join().unwrap(),
            Err(RecvTimeoutError::Timeout) => panic!("it hangs: {case}"),
        }
    }
}

/// Runs an install over the planted file, then a rollback.
fn suffer(machine: &Machine, path: &str, plant: Plant, private: bool) -> Result<(), String> {
    let before = seen(machine);
    let changed = SiteSpec {
        workers: 0,
        ..SiteSpec::default()
    };
    for way in [Act::InstallOrGoBack, Act::Rollback] {
        let ended = act(machine, &SiteFile::new(&changed), way).unwrap();
        if seen(machine) != before {
            return Err(format!("{way:?} changed the victim"));
        }
        let told = format!("{} {:?}", ended.error, ended.events);
        // in its own folders, root may read and show what root itself left
        if !private && told.contains(CANARY) {
            return Err(format!("{way:?} told of the victim: {told}"));
        }
        let leaks = leaks(machine);
        let planted = |leak: &&String| plant != Plant::HardLink || !leak.ends_with(path);
        if let Some(leak) = leaks.iter().find(planted) {
            return Err(format!("{way:?} gave the victim away: {leak}"));
        }
        let named = path.split('/').next_back().unwrap();
        let folder = path.split('/').rev().nth(1).unwrap();
        // if the service does not start, systemd's journal names the path
        let of_a_start = path.contains("/releases/") && told.contains("restart -- odoo.service");
        if ended.code != 0 && !told.contains(named) && !told.contains(folder) && !of_a_start {
            return Err(format!(
                "{way:?} ended with {} and no place: {told}",
                ended.code
            ));
        }
    }
    Ok(())
}

#[test]
fn planted_files_never_change_or_show_anything_outside() {
    if support::skipped() {
        return;
    }
    watched(|tell| {
        let whole = installed(&SiteSpec::default());
        victim(&whole);
        let begun = Machine::bare();
        begun.fuse.arm(140, support::machine::Death::Before);
        assert!(act(&begun, &SiteFile::new(&SiteSpec::default()), Act::Install).is_none());
        begun.fuse.disarm();
        victim(&begun);
        let (builder, service) = (uid(&whole, "odoo-build"), uid(&whole, "odoo"));
        let places = BUILDERS
            .iter()
            .map(|place| (*place, builder))
            .chain(SERVICES.iter().map(|place| (*place, service)))
            .chain(ROOTS.iter().map(|place| (*place, 0)));
        let (mut tried, mut wrong) = (0, Vec::new());
        for (place, owner) in places {
            let path = at(&whole.disk, place);
            for (start, name) in [(&whole, "installed"), (&begun, "begun")] {
                let folder = path.rsplit_once('/').unwrap().0;
                if !start.disk.at(folder).is_dir() || (owner == 0 && name == "begun") {
                    continue;
                }
                for plant in PLANTS {
                    // a link that root made to another folder is a choice of the owner, and is followed
                    let is_choice = owner == 0 && plant == Plant::LinkToFolder;
                    if is_choice && start.disk.at(&path).is_dir() {
                        continue;
                    }
                    let case = format!("{plant:?} at {path}, {name}");
                    tell(&case);
                    let machine = start.twin();
                    plant.put(&machine, &path, owner);
                    tried += 1;
                    let suffered = || suffer(&machine, &path, plant, owner == 0);
                    match catch_unwind(AssertUnwindSafe(suffered)) {
                        Ok(Ok(())) => (),
                        Ok(Err(what)) => wrong.push(format!("{case}: {what}")),
                        Err(_) => wrong.push(format!("{case}: it panicked")),
                    }
                }
            }
        }
        assert!(
            wrong.is_empty(),
            "{} cases:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        counts::tell("planted", "hostile", tried);
    });
}

/// The kernel must refuse both accounts every path that only root writes.
#[test]
fn nobody_but_root_can_plant_where_root_writes() {
    if support::skipped() {
        return;
    }
    let machine = installed(&SiteSpec::default());
    let mut refused = 0;
    for account in ["odoo", "odoo-build"] {
        let uid = uid(&machine, account);
        for path in ROOTS {
            let inside = machine.disk.at(path);
            let aside = inside.with_file_name("aside");
            as_account(uid, || {
                let tries = [
                    fs::write(&aside, "planted"),
                    fs::rename(&inside, &aside),
                    fs::remove_file(&inside),
                    fs::OpenOptions::new().append(true).open(&inside).map(drop),
                ];
                for tried in tries {
                    let error = tried.expect_err(path);
                    let kind = error.kind();
                    let known = [
                        std::io::ErrorKind::PermissionDenied,
                        std::io::ErrorKind::NotFound,
                        std::io::ErrorKind::IsADirectory,
                    ];
                    assert!(known.contains(&kind), "{account} at {path}: {error}");
                    refused += 1;
                }
            });
        }
    }
    println!("refused by the kernel: {refused}");
}

#[test]
fn folders_that_others_can_change_are_refused() {
    if support::skipped() {
        return;
    }
    let above = [
        "/etc",
        "/etc/systemd/system",
        "/opt",
        "/opt/odoo",
        "/var/lib",
        "/var/lib/odoo-deploy",
        "/run",
        "/run/odoo-deploy",
    ];
    let whole = installed(&SiteSpec::default());
    let uid = uid(&whole, "odoo");
    for folder in above {
        for (owner, mode) in [((0, 0), 0o777), ((0, uid), 0o775), ((uid, uid), 0o755)] {
            let machine = whole.twin();
            machine.disk.own(folder, owner, mode);
            // so that the install must create everything in it
            machine.disk.remove("/etc/odoo.conf");
            machine.disk.remove("/etc/systemd/system/odoo.service");
            machine.disk.remove("/opt/odoo/current");
            machine.disk.remove("/var/lib/odoo");
            let ended = act(&machine, &SiteFile::new(&SiteSpec::default()), Act::Install).unwrap();
            let refused = ended
                .error
                .contains("others than root can change the folder");
            // a folder that is itself a step is repaired first
            let mended = ended.code == 0 && folder == "/opt/odoo";
            assert!(
                mended || refused,
                "{folder} {owner:?} {mode:o}: {} {}",
                ended.code,
                ended.error
            );
            assert!(
                mended || ended.error.contains(folder),
                "{folder}: {}",
                ended.error
            );
        }
    }
}

#[test]
fn a_folder_closed_to_the_builder_is_opened() {
    if support::skipped() {
        return;
    }
    for mode in [0o700, 0o750] {
        let machine = Machine::bare();
        machine.disk.folder_as("/run/odoo-deploy", (0, 0), mode);
        let ended = act(&machine, &SiteFile::new(&SiteSpec::default()), Act::Install).unwrap();
        assert_eq!(ended.code, 0, "{mode:o}: {}", ended.error);
    }
}

/// The number of races for each way to move.
const RACES: usize = 250;

/// Swaps `this` and `that` as fast as the kernel allows, until told to stop.
fn swap(
    uid: u32,
    this: PathBuf,
    that: PathBuf,
    stop: Arc<AtomicBool>,
) -> thread::JoinHandle<usize> {
    thread::spawn(move || {
        setfsgid(uid.into());
        setfsuid(uid.into());
        let mut swaps = 0;
        while !stop.load(Ordering::Relaxed) {
            let flags = RenameFlags::RENAME_EXCHANGE;
            swaps += usize::from(renameat2(AT_FDCWD, &this, AT_FDCWD, &that, flags).is_ok());
        }
        swaps
    })
}

#[test]
fn a_folder_swapped_under_roots_hands_leads_nowhere() {
    if support::skipped() {
        return;
    }
    watched(|tell| {
        let stop = Arc::new(AtomicBool::new(false));
        let machine = installed(&SiteSpec::default());
        victim(&machine);
        let before = seen(&machine);
        let builder = uid(&machine, "odoo-build");
        let disk = &machine.disk;
        let partial = "/opt/odoo/releases/.partial-x";
        let evil = "/opt/odoo/releases/evil";
        disk.folder_as("/opt/odoo/releases/safe", (builder, builder), 0o755);
        let make = || {
            as_account(builder, || {
                let _ = fs::create_dir_all(disk.at(&format!("{partial}/tree/.git")));
                let _ = fs::write(disk.at(&format!("{partial}/tree/.git/HEAD")), "theirs");
                let _ = std::os::unix::fs::symlink(way_to(evil, "house"), disk.at(evil));
            });
        };
        make();
        let swapping = swap(builder, disk.at(partial), disk.at(evil), stop.clone());
        // a plain host: no program is called, and the model's disk would follow the paths that are being
        // swapped
        let host = Host::at(machine.root(), Programs::Real, Events::silent());
        let tree = Path::new(partial).join("tree");
        let mut kept_out = 0;
        for race in 0..RACES {
            tell(&format!("race {race}"));
            for head in [tree.join(".git/HEAD"), Path::new(partial).join("HEAD")] {
                match host.text(&head) {
                    Ok(text) => assert_ne!(text.as_deref(), Some(CANARY), "{}", head.display()),
                    Err(_) => kept_out += 1,
                }
            }
            kept_out += usize::from(host.sync(&tree).is_err());
            let safe = Path::new("/opt/odoo/releases/safe/moved");
            kept_out += usize::from(host.rename(&tree, safe).is_err());
            assert!(
                !disk.at("/opt/odoo/releases/safe/moved/HEAD").exists(),
                "moved out of the victim"
            );
            host.remove_tree(safe).unwrap();
            if race % 5 == 0 {
                let _ = host.remove_tree(Path::new(partial));
                let _ = host.remove_tree(Path::new(evil));
            }
            make();
        }
        stop.store(true, Ordering::Relaxed);
        let swaps = swapping.join().unwrap();
        assert_eq!(before, seen(&machine));
        println!("{swaps} swaps, {kept_out} times kept out");
        assert!(
            swaps > RACES && kept_out > 0,
            "{swaps} swaps, {kept_out} times kept out"
        );
        counts::tell("races", "hostile", 4 * RACES);
    });
}
