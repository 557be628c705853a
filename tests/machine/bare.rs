//! From a bare Debian, over the network, to a running Odoo that survives a reboot.

use libtest_mimic::Trial;

use super::support::server::{SITE, Server, short_site};
use super::support::tally::show;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("bare_debian_13", || from_nothing("trixie")),
        scenario("bare_debian_12", || from_nothing("bookworm")),
    ]
}

/// The highest exposure to attacks that the service may have; `systemd-analyze security` counts from 0 to 10.
const EXPOSURE: f64 = 2.0;

fn from_nothing(suite: &str) {
    let mut server = Server::boot(suite, bases::bare(suite));
    server.write(SITE, &short_site());
    let run = server.odoo(&["install", "--yes"]);
    run.expect_code(0);
    web::expect_alive(&server);
    assert!(!web::signs_in(&server, "admin"), "admin/admin signs in");
    let exposure = exposure(&server);
    assert!(exposure <= EXPOSURE, "exposure {exposure}");
    expect_modest_rights(&server);
    server.reboot();
    let back = web::await_health(&server);
    web::expect_alive(&server);
    server.json(&["audit"]).expect_code(0);
    show(
        1,
        format!(
            "{suite}: installed in {:.0} s; health 200, login page, generated password signs in, admin/admin does not; \
             exposure {exposure}; answers {back:.1} s after a reboot",
            run.seconds
        ),
    );
}

pub(crate) fn exposure(server: &Server) -> f64 {
    let told = server.sh("systemd-analyze security --no-pager odoo.service");
    let line = told
        .lines()
        .find(|line| line.contains("Overall exposure level"))
        .expect("a level");
    let number = line
        .rsplit(": ")
        .next()
        .and_then(|rest| rest.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{line}"))
}

fn expect_modest_rights(server: &Server) {
    assert_eq!(server.sh("systemctl is-enabled odoo.service"), "enabled");
    assert_eq!(
        server.sh("stat -c '%U:%G %a' /etc/odoo.conf"),
        "root:odoo 640"
    );
    assert!(
        server
            .read("/etc/odoo.conf")
            .contains("\nlist_db = False\n")
    );
    let role = "select rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = 'odoo'";
    assert_eq!(server.sql("postgres", role), "f|f|f");
}
