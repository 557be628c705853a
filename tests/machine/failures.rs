//! A first install that fails is rolled back, and says why.

use libtest_mimic::Trial;

use super::support::allowed::{EVERY_RUN, PACKAGES};
use super::support::run::Run;
use super::support::server::{SITE, Server, short_site, site};
use super::support::start::Start;
use super::support::tally::show;
use super::support::{bases, scenario};

/// The failures.
const ALL: [(&str, fn()); 4] = [
    ("failure_repository_missing", repository),
    ("failure_module_missing", module),
    ("failure_check_never_passes", check),
    ("failure_service_never_starts", service),
];

pub(crate) fn names() -> Vec<String> {
    ALL.map(|(name, _)| name.to_owned()).into()
}

pub(crate) fn trials() -> Vec<Trial> {
    ALL.map(|(name, work)| scenario(name, work)).into()
}

const PLAYBOOK: &str = include_str!("../../playbooks/odoo.toml");
const UNIT: &str = include_str!("../../templates/odoo.service");

/// The most lines that fit on a screen without scrolling.
const SCREEN: usize = 25;

fn expect_cause(run: &Run, cause: &str) {
    run.expect_code(3);
    let told = run.told();
    let lines: Vec<&str> = told.trim().lines().collect();
    let tail = &lines[lines.len().saturating_sub(SCREEN)..];
    assert!(
        tail.iter().any(|line| line.contains(cause)),
        "no `{cause}` in the last lines:\n{told}"
    );
}

fn told(what: &str, run: &Run, start: &Start, left: usize) {
    show(
        5,
        format!(
            "{what}: exit 3 in {:.0} s, cause on the last screen; {} files as before, {left} left as named residue",
            run.seconds,
            start.files()
        ),
    );
}

/// On a bare machine, where the rollback also removes the packages.
fn repository() {
    let server = Server::boot("no-repository", bases::fetched());
    server.write(SITE, &short_site().replace("odoo.git", "nowhere.git"));
    let start = Start::of(&server);
    let run = server.odoo(&["install", "--yes"]);
    expect_cause(&run, "nowhere.git");
    let left = start.expect_again(&server, &[EVERY_RUN, PACKAGES]);
    told("repository that does not exist", &run, &start, left);
}

fn module() {
    let server = Server::ready("no-module", bases::packed());
    let sited = site("").replace("[python]", "modules = [\"no_such_module\"]\n\n[python]");
    server.write(SITE, &sited);
    fails(&server, "module that does not exist", "no_such_module");
}

fn check() {
    let server = Server::ready("no-health", bases::packed());
    let playbook = PLAYBOOK.replacen("status = 200", "status = 418", 1);
    server.write(
        "/srv/site/odoo.toml",
        &playbook.replacen("within = 120", "within = 6", 1),
    );
    fails(&server, "check that never passes", "418");
}

fn service() {
    let server = Server::ready("no-service", bases::packed());
    server.write(
        "/srv/site/odoo.toml",
        &PLAYBOOK.replace("within = 120", "within = 10"),
    );
    let begin = UNIT
        .find("ExecStart={{")
        .expect("the line that starts Odoo");
    let end = begin + UNIT[begin..].find('\n').expect("a line's end");
    server.write(
        "/srv/site/odoo.service",
        &UNIT.replace(&UNIT[begin..end], "ExecStart=/bin/false"),
    );
    fails(&server, "service that never starts", "odoo.service");
}

fn fails(server: &Server, what: &str, cause: &str) {
    let start = Start::of(server);
    let run = server.odoo(&["install", "--yes"]);
    expect_cause(&run, cause);
    let left = start.expect_again(server, &[EVERY_RUN]);
    told(what, &run, &start, left);
}
