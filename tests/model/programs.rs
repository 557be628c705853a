//! Faults of called programs: whatever a program does or does not do, the run ends with a documented exit code, says
//! what was wrong, and leaves the machine in one of the two states, or with a way to both.
//!
//! A failing case prints its name. `FAULT_CASE="fresh/Hangs/12" cargo test --test model programs::` repeats it.

use odoo_deploy::event::Event;
use support::act::Ended;
use support::counts;
use support::expected::{Expected, in_scenarios};
use support::machine::Trouble;
use support::tier::one_of;

/// The file name of a program, which every message contains.
fn program(call: &str) -> &str {
    let mut words = call.split(' ');
    // a shell is named by the program that it runs
    let path = match words.next().unwrap() {
        "sh" => words.find(|word| word.starts_with('/')).unwrap(),
        path => path,
    };
    path.rsplit('/').next().unwrap()
}

/// Whether the fault of a program lasts until it is repaired, or happens once.
fn how_often(trouble: Trouble) -> impl Iterator<Item = (Trouble, bool)> {
    let lasts: &[bool] = match trouble {
        Trouble::Missing | Trouble::Hangs | Trouble::Idle => &[false, true],
        _ => &[false],
    };
    lasts.iter().map(move |lasts| (trouble, *lasts))
}

/// Runs with a fault in one call. Returns the ending, and what is wrong with it.
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
    // if the disk cannot be searched in time, the account stays, which is reported; everything else is rolled back
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
fn a_faulty_program_never_leads_to_a_third_state() {
    if support::skipped() {
        return;
    }
    let asked = std::env::var("FAULT_CASE").ok();
    let all = asked.is_none();
    let test = "programs::a_faulty_program_never_leads_to_a_third_state";
    let counts = in_scenarios(test, |expected, share| {
        let name = expected.scenario.name;
        // only every second case, so that each call and each fault is included: all of them would take minutes more
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
