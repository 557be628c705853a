//! What the figures are held to.

use serde::{Deserialize, Serialize};

use super::contender::Contender;
use super::report::Results;
use super::sample::{median, percentile};

/// One bar and where a run came to lie.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bar {
    pub(crate) what: String,
    /// Whether more is better.
    pub(crate) at_least: bool,
    pub(crate) target: f64,
    pub(crate) measured: f64,
    pub(crate) unit: String,
    pub(crate) met: bool,
    /// What it is made of, and so what limits it.
    pub(crate) limit: String,
}

impl Bar {
    /// The measured by the target.
    pub(crate) fn ratio(&self) -> f64 {
        self.measured / self.target
    }
}

const PROGRAMS: &str =
    "the programs that are asked: apt's and dpkg's lists, PostgreSQL, systemd, the accounts";
const STARTS: &str = "the same, and the start of an interpreter on the other side";

/// All bars of which there are figures.
pub(crate) fn bars(results: &Results) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut bar = |what: &str, at_least: bool, target: f64, unit: &str, measured, limit: &str| {
        let Some(measured) = measured else { return };
        bars.push(Bar {
            what: what.into(),
            at_least,
            target,
            measured,
            unit: unit.into(),
            met: if at_least {
                measured >= target
            } else {
                measured <= target
            },
            limit: limit.into(),
        });
    };
    let slow = |what: &str| percentile(&ours(results, what), 95).map(|seconds| seconds * 1e3);
    let typical = |what: &str| median(&ours(results, what));
    let by = |contender: Contender, what: &str| median(&results.walls(contender.name(), what));
    let times = |contender, what: &str| Some(by(contender, "again")? / typical(what)?);
    for (words, what, limit) in [
        (
            "no-op `install`, without the health request",
            "install-unchecked",
            PROGRAMS,
        ),
        (
            "`audit` on a settled server, with the health request",
            "audit",
            PROGRAMS,
        ),
        (
            "`install --dry-run` on a settled server",
            "dry-run",
            PROGRAMS,
        ),
    ] {
        bar(
            &format!("{words}, p95"),
            false,
            150.0,
            "ms",
            slow(what),
            limit,
        );
        let faster = |other: &str| format!("{words}: faster than {other}'s no-op, medians");
        bar(
            &faster("Ansible"),
            true,
            100.0,
            "×",
            times(Contender::Ansible, what),
            STARTS,
        );
        bar(
            &faster("pyinfra"),
            true,
            25.0,
            "×",
            times(Contender::Pyinfra, what),
            STARTS,
        );
    }
    bar(
        "`status`, p95",
        false,
        30.0,
        "ms",
        slow("status"),
        "one call of `systemctl`",
    );
    bar(
        "`--help`, p95",
        false,
        5.0,
        "ms",
        slow("--help"),
        "the start of a process",
    );
    let peak = results.peaks.values().copied().max_by(f64::total_cmp);
    bar(
        "peak memory of any command",
        false,
        25.0,
        "MB",
        peak.map(|mib| mib * 1.048_576),
        "the program itself",
    );
    bar(
        "size of the binary, static",
        false,
        10.0,
        "MB",
        size(results),
        "code of the libraries it is made of",
    );
    let journal = results.journal.as_ref().map(|journal| journal.seconds);
    bar(
        "the journal's share of a first install, on a disk",
        false,
        0.5,
        "s",
        journal,
        "one sync for each record",
    );
    let share = |other| Some(by(Contender::Ours, "first")? / by(other, "first")?);
    let where_to = where_to(results);
    bar(
        "first install, by the plain script's",
        false,
        0.5,
        "×",
        share(Contender::Script),
        &where_to,
    );
    bar(
        "first install, by the plain script's with our packages",
        false,
        0.5,
        "×",
        share(Contender::ShortScript),
        &where_to,
    );
    bar(
        "first install, by Ansible's",
        false,
        0.5,
        "×",
        share(Contender::Ansible),
        &where_to,
    );
    bar(
        "a further step of a no-op `install`",
        false,
        1.0,
        "ms",
        results.slope,
        "a look at a folder, and what is told of it",
    );
    bars
}

fn ours(results: &Results, what: &str) -> Vec<f64> {
    results.walls(Contender::Ours.name(), what)
}

/// Nothing where it is not static: then there is no size to hold to the bar.
fn size(results: &Results) -> Option<f64> {
    let ground = &results.ground;
    ground.is_static.then_some(ground.size * 1.048_576)
}

/// Where the time of our first install goes.
fn where_to(results: &Results) -> String {
    let mut steps = super::report::step_medians(results);
    steps.sort_by(|one, other| other.1.total_cmp(&one.1));
    let told = steps
        .iter()
        .take(4)
        .map(|(step, seconds)| format!("`{step}` {seconds:.1} s"));
    format!("of ours: {}", told.collect::<Vec<_>>().join(", "))
}
