//! Drift is found, named and repaired; nothing else changes.

use libtest_mimic::Trial;
use serde_json::json;

use super::support::server::{SITE, Server, site};
use super::support::tally::show;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("one_setting_changes_one_file", one_setting),
        scenario("drift_is_named_and_repaired", drift),
        scenario("a_stopped_postgresql_is_started", stopped),
    ]
}

fn one_setting() {
    let server = Server::ready("setting", bases::installed());
    web::await_health(&server);
    let started = || server.sh("systemctl show -p ExecMainStartTimestampMonotonic odoo.service");
    let before = started();
    server.write(SITE, &site("[http]\nworkers = 2\n"));
    let run = server.json(&["install", "--yes"]);
    run.expect_code(0);
    assert_eq!(run.pending_steps(), ["conf", "service"]);
    assert_eq!(run.pending()[1]["causes"], json!(["conf"]));
    let began = run.of("step_began");
    let began: Vec<_> = began
        .iter()
        .filter_map(|event| event["step"].as_str())
        .collect();
    assert_eq!(began, ["conf", "service"]);
    assert_ne!(before, started(), "it was restarted");
    assert!(server.read("/etc/odoo.conf").contains("\nworkers = 2\n"));
    web::expect_alive(&server);
    show(
        4,
        format!(
            "workers = 2: steps {began:?}, restarted because of [\"conf\"], {:.1} s",
            run.seconds
        ),
    );
}

fn drift() {
    let server = Server::ready("drift", bases::installed());
    web::await_health(&server);
    let hand = "; by hand\n";
    server.sh(&format!("printf '{hand}' >> /etc/odoo.conf"));
    let edited = server.read("/etc/odoo.conf");
    server.sh("chmod 0777 /var/lib/odoo; systemctl stop odoo.service");
    server.sql("postgres", "alter role odoo superuser");
    let audit = server.json(&["audit"]);
    audit.expect_code(2);
    let mut named = audit.pending_steps();
    named.sort_unstable();
    assert_eq!(named, ["conf", "data", "role", "service"]);
    let install = server.json(&["install", "--yes"]);
    install.expect_code(0);
    server.json(&["audit"]).expect_code(0);
    let kept = server.sh("cat /etc/odoo.conf.kept-*");
    assert_eq!(kept, edited.trim(), "the edit is put aside");
    assert!(!server.read("/etc/odoo.conf").contains(hand));
    web::expect_alive(&server);
    let named = named.join(", ");
    show(
        4,
        format!(
            "edit, mode, superuser, stopped service: audit exits 2 and names {named}; one install ({:.1} s) repairs all and keeps the edit",
            install.seconds
        ),
    );
}

fn stopped() {
    let server = Server::ready("stopped", bases::installed());
    web::await_health(&server);
    let users = || {
        server.sql(
            "odoo",
            "select id, login, password from res_users order by id",
        )
    };
    let before = users();
    server.sh("systemctl stop postgresql@15-main.service");
    let audit = server.json(&["audit"]);
    audit.expect_code(2);
    assert_eq!(audit.pending_steps().first(), Some(&"postgresql"));
    let install = server.json(&["install", "--yes"]);
    install.expect_code(0);
    let began: Vec<_> = install
        .of("step_began")
        .iter()
        .filter_map(|event| event["step"].as_str().map(str::to_owned))
        .collect();
    // Odoo may have exited when its database stopped, and then needs a start
    let (first, rest) = began.split_first().expect("a step");
    assert_eq!(first, "postgresql");
    assert!(
        rest.iter().all(|step| step == "service"),
        "touched: {began:?}"
    );
    assert_eq!(before, users(), "the database");
    web::expect_alive(&server);
    show(
        4,
        format!(
            "PostgreSQL stopped: audit exits 2, one install ({:.1} s) starts it; touched: {}",
            install.seconds,
            began.join(", ")
        ),
    );
}
