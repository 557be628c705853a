//! Asked to stop at any moment, gone on with or taken back: there is no third state.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may fall over, and say what it counted"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::act::{act, act_until};
use support::counts;
use support::expected::in_threads;
use support::scenario::Scenario;

#[test]
fn asked_to_stop_at_any_moment_it_goes_on_or_goes_back() {
    if support::skipped() {
        return;
    }
    let tried = Arc::new(AtomicUsize::new(0));
    let count = tried.clone();
    in_threads(move |expected, mine, threads| {
        let Scenario {
            name,
            site,
            act: what,
            start,
            ..
        } = &expected.scenario;
        let events = act(&start.twin(), site, *what).unwrap().events.len();
        let mut failures = Vec::new();
        for event in (1..=events).filter(|event| event % threads == mine) {
            let machine = start.twin();
            let ended = act_until(&machine, site, *what, event).unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            let mut wrong = expected.check_both(&machine);
            if ![0, 130].contains(&ended.code) {
                wrong.push(format!("it ended with {} {}", ended.code, ended.error));
            }
            if !wrong.is_empty() {
                failures.push(format!("{name}, event {event}\n  {}", wrong.join("\n  ")));
            }
        }
        failures
    });
    counts::tell("signals", "stops", tried.load(Ordering::Relaxed));
}
