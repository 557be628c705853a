//! Whatever a called program does, or does not do: the run ends as is written, says what was wrong,
//! and the machine is in one of the two states, or has a way to both.
//!
//! A failing case prints its name; `FAULT_CASE="fresh/Hangs/12" cargo test --test model programs::` repeats
//! it alone.

use odoo_deploy::event::Event;
use support::act::Ended;
use support::counts;
use support::expected::{Expected, in_scenarios};
use support::machine::Trouble;
use support::tier::one_of;

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
fn how_often(trouble: Trouble) -> impl Iterator<Item = (Trouble, bool)> {
    let lasts: &[bool] = match trouble {
        Trouble::Missing | Trouble::Hangs | Trouble::Idle => &[false, true],
        _ => &[false],
    };
    lasts.iter().map(move |lasts| (trouble, *lasts))
}

/// What comes of one call in trouble, and what is wrong with that.
fn check(
    expected: &Expected,
    number: usize,
    trouble: Trouble,
    lasts: bool,
) -> (Ended, Vec<String>) {
    let machine = expected.scenario.start.twin();
    machine.fuse.trouble(number, trouble, lasts);
    let (ended, mut wrong) = expected.suffer(&machine);
    let call = &expected.calls[number - 1];
    let of_a_step =
        |event: &Event| matches!(event, Event::StepFailed { .. } | Event::UndoFailed { .. });
    let named = ended.error.contains(program(call)) || ended.events.iter().any(of_a_step);
    // a disk that cannot be looked through in time: the account stays, and that is said; nothing else does
    let is_unsure = |event: &Event| matches!(event, Event::Kept { reason, .. } if reason.contains("perhaps some file"));
    if ended.code == 0 && ended.events.iter().any(is_unsure) {
        wrong.retain(|line| !line.contains("/etc/passwd:") && !line.contains("/etc/group:"));
    }
    if ended.code != 0 && !named {
        wrong.push("neither the program nor the step is named".into());
    }
    (ended, wrong)
}

#[test]
fn whatever_a_program_does_there_is_no_third_state() {
    if support::skipped() {
        return;
    }
    let asked = std::env::var("FAULT_CASE").ok();
    let all = asked.is_none();
    let test = "programs::whatever_a_program_does_there_is_no_third_state";
    let counts = in_scenarios(test, |expected, share| {
        let name = expected.scenario.name;
        // every other one, each call and each trouble among them: all of them take minutes more
        let whole = asked.is_some() || std::env::var_os("FAULT_ALL").is_some();
        let cases = (1..=expected.calls.len()).flat_map(|number| {
            let chosen = Trouble::ALL.into_iter().enumerate();
            let chosen = chosen.filter(move |(at, _)| whole || (at + number) % 2 == 0);
            let chosen = chosen.flat_map(|(_, trouble)| how_often(trouble));
            chosen.map(move |(trouble, lasts)| (number, trouble, lasts))
        });
        let kind = |(_, trouble, lasts): &(usize, Trouble, bool)| format!("{trouble:?} {lasts}");
        for (number, trouble, lasts) in one_of(4, name, cases, kind) {
            let dots = if lasts { "..." } else { "" };
            let case = format!("{name}/{trouble:?}/{number}{dots}");
            let is_asked = asked.as_ref().is_none_or(|asked| *asked == case);
            if !is_asked || !share.takes() {
                continue;
            }
            let (ended, wrong) = check(expected, number, trouble, lasts);
            let call = &expected.calls[number - 1];
            share.count("faults", 1);
            share.judge(
                &format!("{case} {call}: {} {}", ended.code, ended.error),
                &wrong,
            );
        }
    });
    if all {
        let tried = counts.of("faults");
        counts::tell("program faults", "programs", tried);
        counts::tell("faults", "programs", tried);
    }
}
