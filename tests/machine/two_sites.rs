//! Two sites side by side, with one nginx and one PostgreSQL.

use std::thread::sleep;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::support::proxy::{ask, pid, site, status};
use super::support::run::Run;
use super::support::server::{SITE, Server};
use super::support::tally::show;
use super::support::world::SHARED;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("two_sites_side_by_side", two)]
}

const OTHER: &str = "/srv/lab/site.toml";

/// The folder of both configurations.
const ALL: &str = "/srv/all";

/// The second site, on other ports.
fn lab(workers: u32, port: u32) -> String {
    let text = site("lab.example.org", "");
    text.replace("[site]\n", "[site]\nname = \"lab\"\n")
        .replace(
            "workers = 2",
            &format!("workers = {workers}\nport = {port}\ngevent_port = 8172"),
        )
}

fn on_other(server: &Server, words: &[&str]) -> Run {
    let mut command = server.command(&format!("{SHARED}/odoo-deploy"));
    command.args(words).args(["--config", OTHER]);
    Run::to_end(command)
}

/// Runs commands on both sites of a folder at once; both are installed already. Returns the run of the install.
fn at_once(server: &Server) -> Run {
    server.write(&format!("{ALL}/erp.toml"), &site("erp.example.org", ""));
    server.write(&format!("{ALL}/lab.toml"), &lab(3, 8169));
    let all = |words: &[&str]| {
        let mut command = server.command(&format!("{SHARED}/odoo-deploy"));
        command.args(words).args(["--config", ALL]);
        Run::to_end(command)
    };
    for words in [
        &["audit"][..],
        &["status"],
        &["install", "--dry-run", "--exit-code"],
    ] {
        all(words)
            .expect_code(0)
            .expect_told("2 sites: 2 unchanged.");
    }
    let install = all(&["install", "--yes"]);
    install.expect_code(0).expect_told("2 sites: 2 unchanged.");
    install
}

fn two() {
    let server = Server::ready("two-sites", bases::installed());
    web::await_health(&server);
    server.write(SITE, &site("erp.example.org", ""));
    server.odoo(&["install", "--yes"]).expect_code(0);

    server.write(OTHER, &lab(2, 8069));
    let taken = on_other(&server, &["install", "--yes"]);
    taken.expect_code(1).expect_told("port 8069 is taken by");
    taken.expect_told("that of the site `odoo`");
    server.write(OTHER, &lab(2, 8169).replace("lab.example", "erp.example"));
    on_other(&server, &["install", "--yes"])
        .expect_code(1)
        .expect_told("nginx has a site for `erp.example.org`");

    let processes = || [pid(&server, "odoo.service"), pid(&server, "nginx.service")];
    let before = processes();
    server.write(OTHER, &lab(2, 8169));
    let first = on_other(&server, &["install", "--yes"]);
    first.expect_code(0);
    let asked = |domain| status(&ask(&server, domain, "/web/login"));
    let both = |when: &str| {
        for domain in ["erp.example.org", "lab.example.org"] {
            assert_eq!(asked(domain), 200, "{domain} {when}");
        }
    };
    both("beside each other");
    assert_eq!(
        before,
        processes(),
        "the first site and nginx keep their processes"
    );
    let lab_before = pid(&server, "lab.service");
    server.write(OTHER, &lab(3, 8169));
    on_other(&server, &["install", "--yes"]).expect_code(0);
    assert_ne!(
        lab_before,
        pid(&server, "lab.service"),
        "the changed site is restarted"
    );
    assert_eq!(
        before,
        processes(),
        "a change to one leaves the other untouched"
    );
    both("after a change");
    let settled = server.json(&["install", "--yes"]);
    assert_eq!(settled.outcome(), "unchanged", "{}", settled.out);
    let all = at_once(&server);
    assert_eq!(before, processes(), "a run of both leaves them untouched");
    on_other(&server, &["rollback", "--yes"]).expect_code(0);
    // a rollback does not wait until Odoo answers
    let until = Instant::now() + Duration::from_secs(60);
    while asked("lab.example.org") == 502 {
        assert!(Instant::now() < until, "it never answers again");
        sleep(Duration::from_millis(200));
    }
    both("after a way back");
    assert_eq!(
        before,
        processes(),
        "going back with one leaves the other untouched"
    );
    show(
        13,
        format!(
            "two sites by their names on one nginx and one PostgreSQL: the second in {:.0} s; a change to it and a way back \
             left the first's process and nginx's as they were; a taken port and a taken name refused; a folder of both: \
             nothing to do in {:.2} s",
            first.seconds, all.seconds
        ),
    );
}
