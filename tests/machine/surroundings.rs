//! Installs in poor surroundings: no variables, a strange umask, no terminal, too little memory.

use libtest_mimic::Trial;

use super::support::allowed::{EVERY_RUN, RUNNING};
use super::support::run::Run;
use super::support::server::{SITE, Server};
use super::support::snapshot::{Precision, Snapshot};
use super::support::start::Start;
use super::support::tally::show;
use super::support::world::SHARED;
use super::support::{bases, scenario, web};
use ::support::counts;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("an_install_with_nothing_around_it", bare_of_all),
        scenario("an_install_with_too_little_memory", little_memory),
    ]
}

/// The folders that an install writes to.
const TREES: &[&str] = &["/etc", "/opt", "/usr/local", "/var/lib/odoo-deploy"];

/// What differs between any two installs: secrets, times, and paths named after them.
const OWN: &[&str] = &[
    "/var/lib/odoo-deploy/odoo/run-*",
    "/var/lib/odoo-deploy/odoo/logs/*",
    "/var/lib/odoo-deploy/odoo/blobs/*",
    "/var/lib/odoo-deploy/odoo/made/*",
    "/var/lib/odoo-deploy/odoo/written/*",
];

/// The modes and owners of everything that an install creates.
fn modes(server: &Server) -> Snapshot {
    Snapshot::take(server, TREES, OWN)
}

fn bare_of_all() {
    let usual = Server::ready("usual", bases::packed());
    usual.odoo(&["install", "--yes"]).expect_code(0);
    let expected = modes(&usual);
    usual.stop();
    let tried = [
        "umask 0",
        "umask 777",
        "unset HOME PATH TERM LANG; umask 077; cd /; ulimit -n 256",
    ];
    for arrange in tried {
        let server = Server::ready("around", bases::packed());
        let script = format!(
            "{arrange}; exec {SHARED}/odoo-deploy install --yes --config {SITE} <&- >/srv/said 2>&1"
        );
        let done = server.try_sh(&script);
        assert!(
            done.status.success(),
            "{arrange}: {}",
            server.read("/srv/said")
        );
        web::expect_alive(&server);
        let found = expected.differences(&modes(&server), Precision::Mode);
        assert!(found.is_empty(), "{arrange}: {found:#?}");
        server.json(&["audit"]).expect_code(0);
        server.stop();
    }
    counts::tell("environments", "machine", tried.len());
    show(
        15,
        format!(
            "installed with stdin closed and {}: modes and owners of {} files as usual",
            tried.join(" | "),
            expected.len()
        ),
    );
}

/// The address space limit of the run and of each program that it starts, in KiB: too little for Odoo, for uv,
/// and for odoo-deploy itself.
const MEMORY: [u32; 3] = [200_000, 100_000, 20_000];

fn little_memory() {
    let server = Server::ready("memory", bases::packed());
    let start = Start::of(&server);
    let mut told = Vec::new();
    for memory in MEMORY {
        let mut command = server.command("sh");
        let script =
            format!("ulimit -v {memory}; exec {SHARED}/odoo-deploy install --yes --config {SITE}");
        command.args(["-c", &script]);
        let run = Run::to_end(command);
        assert_ne!(run.code, 0, "{memory} KiB is enough\n{}", run.told());
        told.push(format!("{memory} KiB: exit {}", run.code));
        println!("machine: memory: {}", told.last().expect("what was told"));
        // a rollback must work even if odoo-deploy itself was killed
        if run.code != 3 {
            server.json(&["rollback", "--yes"]).expect_code(0);
        }
        start.expect_again(&server, &[EVERY_RUN, RUNNING]);
    }
    server.json(&["install", "--yes"]).expect_code(0);
    web::expect_alive(&server);
    counts::tell("small memories", "machine", MEMORY.len());
    show(
        15,
        format!("too little memory, all as before: {}", told.join(", ")),
    );
}
