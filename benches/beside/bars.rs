//! The bars: targets for the measured figures.

use serde::{Deserialize, Serialize};

use super::contender::Contender;
use super::report::{Results, step_medians};
use super::sample::{median, percentile};

/// A target, and the measured figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bar {
    pub(crate) what: String,
    /// Whether more is better.
    pub(crate) at_least: bool,
    pub(crate) target: f64,
    pub(crate) measured: f64,
    pub(crate) unit: String,
    pub(crate) met: bool,
    /// What the figure consists of, and therefore what limits it.
    pub(crate) limit: String,
}

impl Bar {
    /// The measured figure divided by the target.
    pub(crate) fn ratio(&self) -> f64 {
        self.measured / self.target
    }
}

/// A bar with a largest allowed figure.
fn at_most(what: &str, target: f64, unit: &str, measured: Option<f64>, limit: &str) -> Option<Bar> {
    let measured = measured?;
    Some(Bar {
        what: what.into(),
        at_least: false,
        target,
        measured,
        unit: unit.into(),
        met: measured <= target,
        limit: limit.into(),
    })
}

/// A bar with a smallest allowed figure.
fn at_least(what: &str, target: f64, measured: Option<f64>, limit: &str) -> Option<Bar> {
    let measured = measured?;
    Some(Bar {
        what: what.into(),
        at_least: true,
        target,
        measured,
        unit: "×".into(),
        met: measured >= target,
        limit: limit.into(),
    })
}

/// All bars with measured figures.
pub(crate) fn bars(results: &Results) -> Vec<Bar> {
    let all = [
        settled(results),
        itself(results).into(),
        first(results).into(),
    ];
    all.into_iter().flatten().flatten().collect()
}

/// The bars of runs that change nothing.
fn settled(results: &Results) -> Vec<Option<Bar>> {
    const STARTS: &str = "the same; and how long the other takes";
    // the first program is odoo-deploy itself
    let programs = results.programs.get(Contender::Ours.name()).copied();
    let programs = format!(
        "the {} programs that it starts, side by side",
        programs.unwrap_or_default().saturating_sub(1)
    );
    let mut bars = Vec::new();
    for (words, what) in [
        (
            "no-op `install`, without the health request",
            "install-unchecked",
        ),
        (
            "`audit` on a settled server, with the health request",
            "audit",
        ),
        ("`install --dry-run` on a settled server", "dry-run"),
    ] {
        let times = |other: Contender| {
            let theirs = median(&results.walls(other.name(), "again"))?;
            Some(theirs / median(&ours(results, what))?)
        };
        let faster = |other: &str| format!("{words}: faster than {other}'s no-op, medians");
        let (ansible, pyinfra) = (Contender::Ansible, Contender::Pyinfra);
        bars.extend([
            at_most(
                &format!("{words}, p95"),
                150.0,
                "ms",
                slow(results, what),
                &programs,
            ),
            at_least(&faster("Ansible"), 100.0, times(ansible), STARTS),
            at_least(&faster("pyinfra"), 25.0, times(pyinfra), STARTS),
        ]);
    }
    let further = "a look at a folder, and what is told of it";
    let slope = results.slope;
    bars.push(at_most(
        "a further step of a no-op `install`",
        1.0,
        "ms",
        slope,
        further,
    ));
    bars
}

/// The bars of the program itself.
fn itself(results: &Results) -> [Option<Bar>; 5] {
    let peak = results.peaks.values().copied().max_by(f64::total_cmp);
    let peak = peak.map(|mib| mib * 1.048_576);
    let size = results.ground.size * 1.048_576;
    // only a static binary has a size that the bar applies to
    let size = results.ground.is_static.then_some(size);
    let journal = results.journal.as_ref().map(|journal| journal.seconds);
    let (status, help) = (slow(results, "status"), slow(results, "--help"));
    [
        at_most(
            "`status`, p95",
            30.0,
            "ms",
            status,
            "one call of `systemctl`",
        ),
        at_most("`--help`, p95", 5.0, "ms", help, "the start of a process"),
        at_most(
            "most memory of any command",
            25.0,
            "MB",
            peak,
            "the program itself",
        ),
        at_most(
            "size of the binary, static",
            10.0,
            "MB",
            size,
            "the libraries it is made of",
        ),
        at_most(
            "the journal's share of a first install, on a disk",
            0.5,
            "s",
            journal,
            "one sync of the disk for each record",
        ),
    ]
}

/// The bars of an install on a bare server.
fn first(results: &Results) -> [Option<Bar>; 3] {
    let limit = where_to(results);
    let share = |other: Contender| {
        let theirs = median(&results.walls(other.name(), "first"))?;
        Some(median(&ours(results, "first"))? / theirs)
    };
    let held = |words: &str, other| {
        let what = format!("first install, by {words}");
        at_most(&what, 0.5, "×", share(other), &limit)
    };
    [
        held("the plain script's", Contender::Script),
        held(
            "the plain script's with our packages",
            Contender::ShortScript,
        ),
        held("Ansible's", Contender::Ansible),
    ]
}

fn ours(results: &Results, what: &str) -> Vec<f64> {
    results.walls(Contender::Ours.name(), what)
}

/// The 95th percentile, in milliseconds.
fn slow(results: &Results, what: &str) -> Option<f64> {
    percentile(&ours(results, what), 95).map(|seconds| seconds * 1e3)
}

/// Which steps take most of our first install's time.
fn where_to(results: &Results) -> String {
    let mut steps = step_medians(results);
    steps.sort_by(|one, other| other.1.total_cmp(&one.1));
    let told = steps.iter().take(4);
    let told = told.map(|(step, seconds)| format!("`{step}` {seconds:.1} s"));
    format!("of ours: {}", told.collect::<Vec<_>>().join(", "))
}
