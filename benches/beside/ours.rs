//! Measurements of odoo-deploy alone: its quick commands, many times, and its memory.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::contender::Contender;
use super::measure::measure;
use super::report::Results;
use super::sample::Sample;
use super::server::{SITE, Server};
use super::world::{World, say};

/// A site with a playbook without checks, so that a run does not wait for Odoo's health page.
const UNCHECKED: &str = "/srv/unchecked/site.toml";

/// What is measured on the settled server: names in the results, and arguments.
const COMMANDS: [(&str, &[&str]); 5] = [
    ("install", &["install", "--yes", "--config", SITE]),
    (
        "install-unchecked",
        &["install", "--yes", "--config", UNCHECKED],
    ),
    ("dry-run", &["install", "--dry-run", "--config", SITE]),
    ("audit", &["audit", "--config", SITE]),
    ("status", &["status", "--config", SITE]),
];

/// The built-in playbook without its checks.
pub(crate) fn unchecked() -> String {
    let playbook = include_str!("../../playbooks/odoo.toml");
    let end = playbook.find("[[check]]").expect("checks");
    playbook[..end].to_owned()
}

/// Runs each command many times, in turns.
pub(crate) fn commands(world: &World, server: &Server, results: &mut Results) {
    let site = fs::read_to_string(server.path(SITE)).expect("the site");
    server.write(UNCHECKED, &site);
    server.write("/srv/unchecked/odoo.toml", &unchecked());
    let log = world.work.join("quick.log");
    let mut take = |what: &str, round: usize, command: &Command| {
        let (cost, _) = measure(command, &log);
        results.samples.push(Sample {
            who: Contender::Ours.name().into(),
            what: what.into(),
            round,
            cost,
        });
    };
    for round in 1..=world.quick {
        for (what, words) in COMMANDS {
            take(what, round, &server.ours(words));
        }
        // the cost of entering a machine
        take("nothing", round, &server.command("true"));
        // these two need no machine, and are quicker than entering one
        for word in ["--help", "--version"] {
            let mut command = Command::new(&world.binary);
            command.arg(word);
            take(word, round, &command);
        }
    }
    say(format!("{} runs of each quick command", world.quick));
}

/// The peak memory of odoo-deploy itself, without the programs that it calls; read from `/proc` in separate
/// runs.
pub(crate) fn peaks(server: &Server, results: &mut Results) {
    for (what, words) in COMMANDS {
        let mut command = server.ours(words);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        results.peaks.insert(what.into(), peak(command));
    }
}

/// Runs a command of odoo-deploy; returns the peak memory of its process, in MiB.
pub(crate) fn peak(mut command: Command) -> f64 {
    let mut entered = command.spawn().expect("it starts");
    let mut most = 0;
    while entered.try_wait().expect("its state").is_none() {
        if let Some(seen) = find(entered.id()).and_then(|pid| high_water(&pid)) {
            most = most.max(seen);
        }
        sleep(Duration::from_millis(1));
    }
    assert!(most > 0, "it was never seen");
    f64::from(most) / 1024.0
}

/// The process of odoo-deploy among the descendants of a process.
fn find(pid: u32) -> Option<String> {
    let mut below = vec![pid.to_string()];
    while let Some(pid) = below.pop() {
        let proc = Path::new("/proc").join(&pid);
        let name = fs::read_to_string(proc.join("comm")).unwrap_or_default();
        if name.trim() == "odoo-deploy" {
            return Some(pid);
        }
        let children = fs::read_to_string(proc.join("task").join(&pid).join("children"));
        below.extend(
            children
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned),
        );
    }
    None
}

/// The peak memory of a process, in KiB.
fn high_water(pid: &str) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
