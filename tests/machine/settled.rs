//! A run on a settled server changes nothing, and says so.

use libtest_mimic::Trial;

use super::support::server::Server;
use super::support::snapshot::{Precision, Snapshot};
use super::support::tally::show;
use super::support::{bases, scenario, start, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("settled_runs_change_nothing", settled)]
}

/// Paths that PostgreSQL, Odoo and systemd write at any time.
const OTHERS: &[&str] = &[
    "/var/lib/postgresql",
    "/var/lib/odoo/sessions",
    "/var/lib/systemd",
];

struct Seen {
    files: Snapshot,
    rest: [String; 3],
}

impl Seen {
    fn of(server: &Server) -> Self {
        let roles = "select rolname, rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolpassword from pg_authid order by 1";
        let service =
            "systemctl show -p MainPID,ExecMainStartTimestampMonotonic,NRestarts odoo.service";
        Self {
            files: Snapshot::take(server, &["/etc", "/opt", "/var/lib"], OTHERS),
            rest: [
                Vec::from_iter(start::packages(server)).join("\n"),
                server.sql("postgres", roles),
                server.sh(service),
            ],
        }
    }
}

fn settled() {
    let server = Server::ready("settled", bases::installed());
    web::await_health(&server);
    let first = Seen::of(&server);
    for again in ["second", "third"] {
        let run = server.json(&["install", "--yes"]);
        run.expect_code(0);
        assert_eq!(run.outcome(), "unchanged", "{again} run");
        assert_eq!(run.pending_steps(), [""; 0], "{again} run");
        let now = Seen::of(&server);
        let found = first.files.differences(&now.files, Precision::Exact);
        assert!(found.is_empty(), "{again} run: {found:#?}");
        assert_eq!(first.rest, now.rest, "{again} run");
        show(
            2,
            format!(
                "{again} run: unchanged in {:.1} s; {} files of /etc, /opt, /var/lib alike in content, mode, owner and time; \
                 packages, roles, process alike",
                run.seconds,
                now.files.len()
            ),
        );
    }
    server
        .odoo(&["install", "--yes"])
        .expect_code(0)
        .expect_told("Nothing to do");
}
