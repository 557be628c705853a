//! Whatever a called program does, or does not do: the run ends as is written, says what was wrong,
//! and the machine is in one of the two states, or has a way to both.
//!
//! A failing case prints its name; `FAULT_CASE="fresh/Hangs/12" cargo test --test programs` repeats
//! it alone.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may fall over, and say what it counted"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use odoo_deploy::event::Event;
use support::counts;
use support::expected::{Expected, in_threads};
use support::machine::Trouble;

/// The last part of a program's path, as messages have it in any case.
fn program(call: &str) -> &str {
    let mut words = call.split(' ');
    // a shell is named by what it was to run
    let path = match words.next().unwrap() {
        "sh" => words.find(|word| word.starts_with('/')).unwrap(),
        path => path,
    };
    path.rsplit('/').next().unwrap()
}

/// Whether a program is in trouble once, or until somebody mends it.
fn how_often(trouble: Trouble) -> &'static [bool] {
    match trouble {
        Trouble::Missing | Trouble::Hangs | Trouble::Idle => &[false, true],
        _ => &[false],
    }
}

/// What comes of one call in trouble; nothing where all is well.
fn check(expected: &Expected, number: usize, trouble: Trouble, lasts: bool) -> Vec<String> {
    let machine = expected.scenario.start.twin();
    machine.fuse.trouble(number, trouble, lasts);
    let (ended, mut wrong) = expected.suffer(&machine);
    let call = &expected.calls[number - 1];
    let of_a_step =
        |event: &Event| matches!(event, Event::StepFailed { .. } | Event::UndoFailed { .. });
    let named = ended.error.contains(program(call)) || ended.events.iter().any(of_a_step);
    if ended.code != 0 && !named {
        wrong.push("neither the program nor the step is named".into());
    }
    if wrong.is_empty() {
        return wrong;
    }
    let lasts = if lasts { "..." } else { "" };
    let name = expected.scenario.name;
    vec![format!(
        "{name}/{trouble:?}/{number}{lasts} {call}: {} {}\n  {}",
        ended.code,
        ended.error,
        wrong.join("\n  ")
    )]
}

#[test]
fn whatever_a_program_does_there_is_no_third_state() {
    if support::skipped() {
        return;
    }
    let asked = std::env::var("FAULT_CASE").ok();
    let all = asked.is_none();
    let tried = Arc::new(AtomicUsize::new(0));
    let count = tried.clone();
    in_threads(move |expected, mine, threads| {
        let mut failures = Vec::new();
        let name = expected.scenario.name;
        for number in (1..=expected.calls.len()).filter(|number| number % threads == mine) {
            // every other one, each call and each trouble among them: all of them take minutes more
            let whole = asked.is_some() || std::env::var_os("FAULT_ALL").is_some();
            let chosen = Trouble::ALL.into_iter().enumerate();
            let chosen = chosen.filter(|(at, _)| whole || (at + number / threads) % 2 == 0);
            for (_, trouble) in chosen {
                for &lasts in how_often(trouble) {
                    let case = format!(
                        "{name}/{trouble:?}/{number}{}",
                        if lasts { "..." } else { "" }
                    );
                    if asked.as_ref().is_some_and(|asked| *asked != case) {
                        continue;
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                    failures.extend(check(expected, number, trouble, lasts));
                }
            }
        }
        failures
    });
    if all {
        let tried = tried.load(Ordering::Relaxed);
        counts::tell("program faults", "programs", tried);
        counts::tell("faults", "programs", tried);
    }
}
