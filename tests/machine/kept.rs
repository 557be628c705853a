//! A rollback keeps the owner's data, and everything that existed before.

use libtest_mimic::Trial;

use super::support::allowed::{Allowance, EVERY_RUN, PACKAGES};
use super::support::server::Server;
use super::support::start::Start;
use super::support::tally::show;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("rollback_keeps_data_and_what_was_there", kept)]
}

/// What was on the server before odoo-deploy.
const BEFORE: &str = "
    apt-get -qq -o Dpkg::Use-Pty=0 --yes --no-install-recommends install git >/dev/null
    useradd --system --home-dir /var/lib/odoo --comment 'an old friend' --shell /bin/bash odoo
    mkdir -m 0700 /var/lib/odoo && echo precious > /var/lib/odoo/letter && chown -R odoo: /var/lib/odoo
    printf '[options]\\nworkers = 7\\n' > /etc/odoo.conf && chmod 0604 /etc/odoo.conf
";

/// What stays on the server because of the owner's data.
const DATA: &[Allowance] = &[
    ("/var/lib/odoo/*", "the filestore"),
    (
        "/var/lib/odoo-deploy/odoo/secrets*",
        "the password of the database's admin",
    ),
    ("/etc/alternatives/*", "the manual pages of PostgreSQL"),
    (
        "/var/lib/dpkg/alternatives/*",
        "the manual pages of PostgreSQL",
    ),
    ("/var/lib/dpkg/info/*", "what dpkg knows of PostgreSQL"),
    ("/var/lib/dpkg/diversions", "what dpkg knows of PostgreSQL"),
    ("/var/lib/dpkg/triggers/*", "what dpkg knows of PostgreSQL"),
    ("/usr/share/man/man*", "the manual pages of PostgreSQL"),
    ("/usr/bin/*", "what PostgreSQL links to"),
];

fn kept() {
    let server = Server::ready("kept", bases::fetched());
    server.sh(BEFORE);
    let start = Start::of(&server);
    let first = server.json(&["install", "--yes"]);
    first.expect_code(0);
    web::expect_alive(&server);
    let password = web::password(&server);
    let data = || {
        let users = server.sql("odoo", "select count(*), max(id) from res_users");
        let files = server
            .sh("cd /var/lib/odoo/filestore && find . -type f -exec sha256sum {} + | sort -k 2");
        (users, files)
    };
    let before = data();
    let back = server.json(&["rollback", "--yes"]);
    back.expect_code(0);
    assert_eq!(before, data(), "database and filestore");
    let (left, held) = start.expect_again_with_data(&server, &[EVERY_RUN, PACKAGES, DATA]);
    for needless in ["gcc", "python3-venv", "libpq-dev"] {
        assert!(
            !held.iter().any(|package| package == needless),
            "{needless} stays: {held:?}"
        );
    }
    let again = server.json(&["install", "--yes"]);
    again.expect_code(0);
    web::expect_alive(&server);
    assert_eq!(password, web::password(&server), "the same password");
    show(
        6,
        format!(
            "rollback of a committed install ({:.0} s): {} files as before, {left} kept or left as named residue, {} packages held by the database; database and {} attachments kept; \
             installed again in {:.0} s, the same password signs in",
            back.seconds,
            start.files(),
            held.len(),
            before.1.lines().count(),
            again.seconds
        ),
    );
}
