//! What was seen, for the table at the end.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use libtest_mimic::Conclusion;

use ::support::counts;

static SCENARIOS: AtomicUsize = AtomicUsize::new(0);
static RUNS: AtomicUsize = AtomicUsize::new(0);
static KILLS: AtomicUsize = AtomicUsize::new(0);
static LOST: AtomicUsize = AtomicUsize::new(0);
static EVENTS: AtomicUsize = AtomicUsize::new(0);
static COUNTS: Mutex<BTreeMap<&str, usize>> = Mutex::new(BTreeMap::new());
static SEEN: Mutex<Vec<(u8, String)>> = Mutex::new(Vec::new());

pub(crate) fn scenario() {
    SCENARIOS.fetch_add(1, Relaxed);
}

pub(crate) fn run() {
    RUNS.fetch_add(1, Relaxed);
}

/// One more agent was killed; until [`arrived`] its host counts as in neither state.
pub(crate) fn kill() {
    KILLS.fetch_add(1, Relaxed);
    LOST.fetch_add(1, Relaxed);
}

/// A host whose agent was killed has reached the start or the end.
pub(crate) fn arrived() {
    LOST.fetch_sub(1, Relaxed);
}

/// A line of `--json` was found to be as the schema says.
pub(crate) fn event() {
    EVENTS.fetch_add(1, Relaxed);
}

/// So many more of `what` were tried, and all of it held.
pub(crate) fn count(what: &'static str, times: usize) {
    *COUNTS.lock().unwrap().entry(what).or_default() += times;
}

/// Prints what a scenario has seen of one of the things that must show, and keeps it for the end.
pub(crate) fn show(item: u8, figures: impl Into<String>) {
    let figures = figures.into();
    println!("machine: [{item}] {figures}");
    SEEN.lock().unwrap().push((item, figures));
}

pub(crate) fn print(conclusion: &Conclusion) {
    for (what, times) in COUNTS.lock().unwrap().iter() {
        counts::tell(what, "machine", *times);
    }
    let events = EVENTS.load(Relaxed);
    if events > 0 {
        show(
            9,
            format!("{events} lines of --json are as `odoo-deploy schema` says, 0 are not"),
        );
    }
    let mut seen = SEEN.lock().unwrap().clone();
    seen.sort();
    println!("\nmachine: what was seen");
    for (item, figures) in seen {
        println!("  {item:>2}  {figures}");
    }
    println!(
        "machine: {} scenarios ({} passed, {} failed), {} runs of the real binary, {} kills, {} third states",
        SCENARIOS.load(Relaxed),
        conclusion.num_passed,
        conclusion.num_failed,
        RUNS.load(Relaxed),
        KILLS.load(Relaxed),
        LOST.load(Relaxed),
    );
}
