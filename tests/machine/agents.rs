//! Several odoo-deploy processes on one site: one installs, the others name it and exit.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::unistd::Pid;

use super::support::run::Run;
use super::support::server::{SITE, Server, site};
use super::support::tally::{arrived, count, show};
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("two_processes_at_once", two_processes),
        scenario("ten_processes_at_once", ten_processes),
    ]
}

/// The number of processes that start at the same moment.
const PROCESSES: usize = 10;

fn two_processes() {
    let server = Server::ready("processes", bases::packed());
    let mut first = server.start(&["install", "--yes"]);
    first.await_step("venv");
    let holder = server.lock_holder();
    for words in [&["install", "--yes"], &["rollback", "--yes"]] {
        let second = server.odoo(words);
        second.expect_code(6).expect_told("holds the lock since");
        second.expect_told(&format!("`odoo-deploy install` (pid {holder})"));
    }
    server.kill_lock_holder();
    drop(first.finish());
    let third = server.json(&["install", "--yes"]);
    third.expect_code(0);
    web::expect_alive(&server);
    arrived();
    count("agents at once", 3);
    show(
        8,
        "the second process exits 6 and names the holder and since when; the lock of a killed process blocks no other",
    );
}

/// Ten processes at once on an installed server whose site was changed.
fn ten_processes() {
    let server = Server::ready("ten-processes", bases::installed());
    web::await_health(&server);
    server.write(SITE, &site("[http]\nworkers = 2\n"));
    let started: Vec<_> = (0..PROCESSES)
        .map(|_| server.start(&["install", "--yes"]))
        .collect();
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let ends: Vec<_> = started
            .into_iter()
            .map(|process| scope.spawn(move || process.finish()))
            .collect();
        ends.into_iter()
            .map(|end| end.join().expect("its end"))
            .collect()
    });
    let (acted, locked): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| run.code == 0);
    assert_eq!(acted.len(), 1, "one acts");
    assert_eq!(acted[0].outcome(), "changed");
    let holder = server.lock_holder();
    for run in &locked {
        run.expect_code(6);
        run.expect_told(&format!(
            "`odoo-deploy install` (pid {holder}) holds the lock since"
        ));
    }
    web::expect_alive(&server);

    server.write(SITE, &site(""));
    let mut working = server.start(&["install", "--yes"]);
    working.await_step("conf");
    let (run, (looked, children)) = {
        let (run, looked) = working.finish_while(|process| meanwhile(&server, process));
        (run, looked.expect("a process at work"))
    };
    run.expect_code(0);
    server.json(&["audit"]).expect_code(0);
    count("agents at once", PROCESSES + 1 + looked);
    show(
        8,
        format!(
            "{PROCESSES} processes at one moment: 1 acts, {} exit 6 and name it; beside one that acts {looked} others plan, \
             audit, tell the status or are refused; {children} of its children were looked at, none holds its lock or journal",
            locked.len()
        ),
    );
}

/// Runs other commands while an install works. Returns how many commands ran, and how many of the install's
/// children were seen; a child must not inherit the lock or the journal.
fn meanwhile(server: &Server, process: Pid) -> (usize, usize) {
    let mut looked = 0;
    let mut seen = BTreeSet::new();
    let works = || fs::exists(format!("/proc/{process}/fd/0")).unwrap_or_default();
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            while works() {
                for child in children(process.as_raw()) {
                    expect_nothing_inherited(child);
                    seen.insert(child);
                }
                sleep(Duration::from_millis(1));
            }
        });
        let refused = server.odoo(&["rollback", "--yes"]);
        let status = server.json(&["status"]);
        let plan = server.json(&["install", "--dry-run"]);
        let audit = server.json(&["audit"]);
        refused.expect_code(6);
        status.expect_code(0).expect_told("holds the lock since");
        plan.expect_code(0);
        // the unfinished install shows as pending changes, or as a service that does not answer yet
        assert!([0, 2, 5].contains(&audit.code), "{}", audit.told());
        looked = 4;
        watch.join().expect("nothing inherited");
    });
    assert!(!seen.is_empty(), "it had no children");
    (looked, seen.len())
}

/// All descendants of a process.
fn children(pid: i32) -> Vec<i32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let own = fs::read_to_string(path).unwrap_or_default();
    let own: Vec<i32> = own
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect();
    own.iter()
        .flat_map(|child| children(*child))
        .chain(own.iter().copied())
        .collect()
}

fn expect_nothing_inherited(child: i32) {
    // between fork and exec, the child is still a copy of odoo-deploy
    let program = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
    if program.trim() == "odoo-deploy" {
        return;
    }
    let open = fs::read_dir(format!("/proc/{child}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    let open = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    let ours: Vec<PathBuf> = open
        .filter(|path| {
            path.ends_with("odoo-deploy/odoo.lock")
                || path.extension().is_some_and(|e| e == "jsonl")
        })
        .collect();
    assert!(ours.is_empty(), "`{}` inherited {ours:?}", program.trim());
}
