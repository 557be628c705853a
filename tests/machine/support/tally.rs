//! Counts what the tests saw, for the table at the end.

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

/// Counts a kill; until [`arrived`], its host counts as neither in the start nor in the end state.
pub(crate) fn kill() {
    KILLS.fetch_add(1, Relaxed);
    LOST.fetch_add(1, Relaxed);
}

/// Counts a killed host that has reached its start or end state.
pub(crate) fn arrived() {
    LOST.fetch_sub(1, Relaxed);
}

/// Counts a line of `--json` that matches the schema.
pub(crate) fn event() {
    EVENTS.fetch_add(1, Relaxed);
}

/// Counts `times` successful attempts of `what`.
pub(crate) fn count(what: &'static str, times: usize) {
    *COUNTS.lock().unwrap().entry(what).or_default() += times;
}

/// Prints what a scenario showed for item `item` of the final table, and keeps it for that table.
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
