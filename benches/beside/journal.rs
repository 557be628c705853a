//! The cost of the journal in a first install on a disk: the time of every system call that writes to it.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde::{Deserialize, Serialize};

use super::contender::Contender;
use super::ours::peak;
use super::report::Results;
use super::server::{SITE, Server};
use super::world::{World, say};

/// The folder of journals and of the store.
const STATE: &str = "/var/lib/odoo-deploy/";
const TRACE: &str = "/root/trace";

/// The system calls of one first install, and their seconds. Tracing takes time too, so the true cost is at
/// most this.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Journal {
    /// Lines of the journal.
    pub(crate) records: u64,
    /// Calls to sync the journal's file or its folder.
    pub(crate) syncs: u64,
    /// Seconds in calls on the journal's file and its folder.
    pub(crate) seconds: f64,
    /// Seconds in calls on everything that odoo-deploy stores of a run, including the store.
    pub(crate) kept: f64,
    /// The number of calls on the journal, by name.
    pub(crate) calls: BTreeMap<String, u64>,
}

pub(crate) fn measure(world: &World, results: &mut Results) {
    use rehearse::Storage;

    let server = Server::boot(world, Contender::Ours, Storage::Disk);
    server.sh("apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
         apt-get -qq install --yes --no-install-recommends strace >/dev/null 2>&1");
    // no `-f`: odoo-deploy writes its journal itself, so its children need not be traced
    let mut watched = server.command("strace");
    watched.args(["--syscall-times", "--decode-fds=path", "--output", TRACE]);
    watched.args(["--trace=write,fsync,fdatasync,openat,renameat,renameat2,ftruncate,mkdirat"]);
    watched.args([
        "/run/bench/odoo-deploy",
        "install",
        "--yes",
        "--config",
        SITE,
    ]);
    watched.stdout(Stdio::null()).stderr(Stdio::null());
    results.peaks.insert("first".into(), peak(watched));
    server.expect_alive();
    let mut journal = read(&server.sh(&format!("cat {TRACE}")));
    let lines = server.sh("cat /var/lib/odoo-deploy/odoo/run-*.jsonl | wc -l");
    journal.records = lines.trim().parse().expect("a number");
    say(format!(
        "journal of a first install: {} records, {} syncs, {:.3} s",
        journal.records, journal.syncs, journal.seconds
    ));
    results.journal = Some(journal);
    server.stop();
}

/// Reads strace's lines: `fdatasync(9</var/lib/odoo-deploy/odoo/run-0001.jsonl>) = 0 <0.001234>`.
fn read(trace: &str) -> Journal {
    let mut journal = Journal::default();
    for line in trace.lines().filter(|line| line.contains(STATE)) {
        let Some(seconds) = line
            .rsplit_once(" <")
            .and_then(|(_, time)| time.strip_suffix('>')?.parse::<f64>().ok())
        else {
            continue;
        };
        let call = line.split('(').next().unwrap_or_default();
        journal.kept += seconds;
        let on_folder = call.ends_with("sync") && line.contains("/odoo>)");
        if line.contains(".jsonl") || on_folder {
            journal.seconds += seconds;
            journal.syncs += u64::from(call.ends_with("sync"));
            *journal.calls.entry(call.to_owned()).or_default() += 1;
        }
    }
    journal
}
