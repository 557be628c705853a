//! A dry run tells everything and touches nothing.

use libtest_mimic::Trial;

use super::support::allowed::BACKGROUND;
use super::support::server::{SITE, Server, short_site, text};
use super::support::snapshot::{Precision, Snapshot};
use super::support::tally::show;
use super::support::world::SHARED;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("dry_run_on_bare_debian", bare),
        scenario("dry_run_of_settled_site", settled),
    ]
}

/// Every file system that can be written to becomes read-only, for this one process and its like.
const FROZEN: &str = "
    awk '$4 ~ /^rw/ && $2 !~ /^\\/(proc|sys|dev)(\\/|$)/ {print $2}' /proc/mounts | while read -r place; do
        mount -o remount,bind,ro \"$place\"
    done
    ! touch /probe /run/probe /var/lib/probe 2>/dev/null
";

fn bare() {
    let server = Server::boot("dry", bases::bare("bookworm"));
    server.write(SITE, &short_site());
    let before = Snapshot::take(&server, &["/"], BACKGROUND);
    let run = server.json(&["install", "--dry-run"]);
    run.expect_code(0);
    assert_eq!(run.outcome(), "pending");
    let pending = run.pending_steps();
    for step in [
        "packages", "role", "user", "source", "venv", "conf", "unit", "database", "service",
    ] {
        assert!(pending.contains(&step), "`{step}` is not in {pending:?}");
    }
    let told = server.odoo(&["install", "--dry-run"]);
    told.expect_code(0)
        .expect_told("+list_db = False")
        .expect_told("package");
    server
        .odoo(&["install", "--dry-run", "--exit-code"])
        .expect_code(2);
    let command = format!("{FROZEN}\nexec {SHARED}/odoo-deploy install --dry-run --config {SITE}");
    let mut frozen = server.command("unshare");
    let frozen = frozen
        .args(["-m", "sh", "-euc", &command])
        .output()
        .expect("unshare");
    assert!(
        frozen.status.success(),
        "{}\n{}",
        text(&frozen.stdout),
        text(&frozen.stderr)
    );
    assert_eq!(
        text(&frozen.stdout),
        told.out,
        "told alike where nothing can be written"
    );
    let after = Snapshot::take(&server, &["/"], BACKGROUND);
    let found = before.differences(&after, Precision::Exact);
    assert!(found.is_empty(), "{found:#?}");
    assert!(!server.exists("/run/odoo-deploy"));
    let packages = run.pending().iter().find_map(|change| {
        (change["step"] == "packages").then(|| change["summary"].as_str().unwrap_or_default())
    });
    show(
        3,
        format!(
            "bare: {} steps pending in {:.1} s ({}), exit 0, with --exit-code 2; the same on read-only file systems; {} files untouched",
            pending.len(),
            run.seconds,
            packages.unwrap_or_default(),
            after.len()
        ),
    );
}

fn settled() {
    let server = Server::ready("dry-settled", bases::installed());
    web::await_health(&server);
    let run = server.json(&["install", "--dry-run", "--exit-code"]);
    run.expect_code(0);
    assert_eq!(run.pending_steps(), [""; 0]);
    show(
        3,
        format!(
            "settled: --exit-code gives 0, nothing pending, {:.1} s",
            run.seconds
        ),
    );
}
