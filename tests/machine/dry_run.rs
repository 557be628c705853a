//! A dry run reports everything and changes nothing.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use serde_json::Value;

use super::support::allowed::BACKGROUND;
use super::support::run::Run;
use super::support::server::{SITE, Server, short_site, text};
use super::support::snapshot::{Precision, Snapshot};
use super::support::tally::show;
use super::support::world::SHARED;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("dry_run_on_bare_debian", bare),
        scenario("dry_run_counts_packages", listed),
        scenario("dry_run_of_settled_site", settled),
    ]
}

/// Makes every writable file system read-only, in a mount namespace for this process and its children.
const FROZEN: &str = "
    awk '$4 ~ /^rw/ && $2 !~ /^\\/(proc|sys|dev)(\\/|$)/ {print $2}' /proc/mounts | while read -r place; do
        mount -o remount,bind,ro \"$place\"
    done
    for place in / /run /tmp /etc /opt /var/lib; do
        if touch \"$place/probe\" 2>/dev/null; then echo \"$place can be written to\"; exit 99; fi
    done
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
        .expect_told("+ list_db = False")
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
    let said = text(&frozen.stderr);
    assert_eq!(frozen.status.code(), Some(1), "{said}");
    let words: Vec<&str> = said.split_whitespace().collect();
    let said = words.join(" ");
    assert!(said.contains("is mounted read-only"), "{said}");
    let after = Snapshot::take(&server, &["/"], BACKGROUND);
    let mut found = before.differences(&after, Precision::Exact);
    // when systemd sets up the unit's sandbox, it creates temporary folders there
    found.retain(|line| {
        !["~ /tmp: modified ", "~ /var/tmp: modified "]
            .iter()
            .any(|tried| line.starts_with(tried))
    });
    assert!(found.is_empty(), "{found:#?}");
    assert!(!server.exists("/run/odoo-deploy"));
    show(
        3,
        format!(
            "bare: {} steps pending in {:.1} s ({}), exit 0, with --exit-code 2; read-only file systems are named; {} files untouched",
            pending.len(),
            run.seconds,
            summary(&run, "packages"),
            after.len()
        ),
    );
}

/// With apt's lists present, the plan names the packages.
fn listed() {
    let server = Server::boot("dry-listed", bases::fetched());
    server.write(SITE, &short_site());
    server.sh("apt-get clean");
    let run = server.json(&["install", "--dry-run"]);
    run.expect_code(0);
    let (mut names, mut counts) = (BTreeSet::new(), [0, 0]);
    for step in ["git", "python", "packages"] {
        let numbers = summary(&run, step)
            .split(' ')
            .filter_map(|word| word.parse().ok());
        let numbers: Vec<usize> = numbers.collect();
        assert_eq!(numbers.len(), 2, "{}", summary(&run, step));
        counts = [counts[0] + numbers[0], counts[1] + numbers[1]];
        let brought = &change(&run, step)["after"]["installed"];
        names.extend(
            brought
                .as_object()
                .into_iter()
                .flat_map(|names| names.keys().cloned()),
        );
    }
    let [packages, megabytes] = counts;
    assert_eq!(names.len(), packages, "none is counted in two steps");
    let packages = format!("{packages} packages, {megabytes} MB to download, in three turns");
    assert!(names.len() > 50 && megabytes > 50, "{packages}");
    show(3, format!("with apt's lists: {packages}"));
}

fn change<'r>(run: &'r Run, step: &str) -> &'r Value {
    let pending = run.pending();
    let change = pending.into_iter().find(|change| change["step"] == step);
    change.unwrap_or(&Value::Null)
}

fn summary<'r>(run: &'r Run, step: &str) -> &'r str {
    change(run, step)["summary"].as_str().unwrap_or_default()
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
