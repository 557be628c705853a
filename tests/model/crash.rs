//! The crash matrix: after a kill at any point, a run can be continued or rolled back. There is no third state.
//!
//! A failing case prints its name. `CRASH_CASE="fresh/Before/12" cargo test --test model crash::` repeats only this
//! case, and `CRASH_CASE=proxy/` repeats all cases that begin so.

use std::fmt::Write as _;

use nix::errno::Errno;
use odoo_deploy::engine::journal;
use odoo_deploy::event::Event;
use serde_json::Value;
use support::act::{Act, act, act_until, journals, newest_journal};
use support::counts;
use support::dice::Dice;
use support::expected::{Checked, Expected, in_scenarios, well};
use support::machine::{Death, Effect, Fault};
use support::scenario::Scenario;
use support::snapshot::{differences, snapshot, times};
use support::tier::{Tier, one_of};

/// How many sequences of several kills are tried for each scenario.
fn stories() -> usize {
    if only_floors() { 140 } else { 240 }
}

fn only_floors() -> bool {
    Tier::asked() == Tier::Floors
}

/// The kind of a kill, for the sample of `make test`: how the process is killed, and at which kind of effect.
fn kind_of_death(expected: &Expected, number: usize, death: Death) -> String {
    let effect = expected.effects.get(number - 1);
    let what = effect.map_or("the end", |effect| effect.what.as_str());
    // without the path, which differs between processes
    let verb = what.split([' ', '(']).next().unwrap_or_default();
    format!("{death:?} {verb}")
}

#[test]
fn killed_at_any_effect_it_goes_on_or_goes_back() {
    if support::skipped() {
        return;
    }
    let asked = std::env::var("CRASH_CASE").ok();
    let test = "crash::killed_at_any_effect_it_goes_on_or_goes_back";
    let counts = in_scenarios(test, |expected, share| {
        let name = expected.scenario.name;
        let case = |number, death| format!("{name}/{death:?}/{number}");
        let cuts = one_of(4, name, expected.cuts(), |(number, death)| {
            kind_of_death(expected, *number, *death)
        });
        for (number, death) in cuts {
            let is_asked = |asked: &String| case(number, death).starts_with(asked);
            // `make floors` needs only three of four effects
            let is_left_out = only_floors() && number % 4 == 0;
            if is_left_out || !asked.as_ref().is_none_or(is_asked) || !share.takes() {
                continue;
            }
            let Checked { overlap, wrong } = expected.check(number, death);
            share.count("recoveries", 2);
            share.count("overlaps", usize::from(overlap));
            share.judge(&case(number, death), &wrong);
        }
    });
    let Ok(case) = std::env::var("CRASH_CASE") else {
        counts::tell("single crashes", "crash", counts.of("recoveries"));
        counts::tell("cuts while steps overlap", "crash", counts.of("overlaps"));
        return;
    };
    // a case of another test has the name of an error in its second part, such as `ENOSPC`
    let is_fault = case
        .split('/')
        .nth(1)
        .is_some_and(|kind| kind.starts_with('E'));
    let found = counts.of("recoveries") > 0;
    assert!(found || is_fault, "no case begins with `{case}`");
}

/// The test above takes its expectations from one run that is not killed.
#[test]
fn a_kill_leaves_the_state_before_the_effect() {
    if support::skipped() {
        return;
    }
    for name in ["fresh", "new release", "rollback"] {
        let expected = Expected::of(name);
        let Scenario { start, act, .. } = &expected.scenario;
        for number in (1..=expected.effects.len()).step_by(7) {
            let killed = start.twin();
            assert!(expected.cut(&killed, *act, number, Death::Before));
            let dead = expected.dead(number, Death::Before);
            let wrong = differences(&snapshot(&killed), &snapshot(&dead));
            assert!(
                wrong.is_empty(),
                "{name}/{number}\n  {}",
                wrong.join("\n  ")
            );
        }
    }
}

#[test]
fn killed_again_and_again_it_goes_on_or_goes_back() {
    if support::skipped() {
        return;
    }
    let asked = std::env::var("CRASH_SEED").ok();
    let test = "crash::killed_again_and_again_it_goes_on_or_goes_back";
    let counts = in_scenarios(test, |expected, share| {
        let name = expected.scenario.name;
        for seed in one_of(4, name, 0..stories(), |_| "stories".into()) {
            let is_asked = asked
                .as_ref()
                .is_none_or(|asked| *asked == seed.to_string());
            if !is_asked || !share.takes() {
                continue;
            }
            let mut dice = Dice::new(seed as u64 + 1);
            let all: Vec<_> = expected.cuts().collect();
            if all.is_empty() {
                continue;
            }
            let (number, death) = all[dice.below(all.len())];
            // a committed run is rolled back without its data, which is tested elsewhere
            if number > expected.effects.len() {
                continue;
            }
            let mut case = format!("{}/{death:?}/{number}", expected.scenario.name);
            let machine = expected.dead(number, death);
            let mut over = None;
            let mut again = false;
            for _ in 0..=dice.below(2) {
                let flavours = [
                    Death::Before,
                    Death::Torn,
                    Death::PowerCut,
                    Death::PartialCut(3),
                ];
                let (number, death) = (1 + dice.below(60), *dice.pick(&flavours));
                let way = [Act::Install, Act::Rollback][dice.below(2)];
                if way == Act::Rollback && !expected.leads_back(&machine) {
                    break;
                }
                write!(case, ", then {way:?}/{death:?}/{number}").unwrap();
                if !expected.cut(&machine, way, number, death) {
                    // this way out is finished; another one is another case
                    over = Some(way);
                    break;
                }
                again = true;
            }
            let ways = if over.is_some() { 1 } else { 2 };
            share.count("recoveries", if again { ways } else { 0 });
            let wrong = match over {
                Some(way) => expected.compare(way, &machine),
                None => expected.check_both(&machine),
            };
            share.judge(&format!("CRASH_SEED={seed} {case}"), &wrong);
        }
    });
    if std::env::var("CRASH_SEED").is_err() {
        counts::tell("double crashes", "crash", counts.of("recoveries"));
    }
}

/// How file calls fail: with which error, and whether until it is repaired or only once.
const FAULTS: [(Errno, bool); 8] = [
    (Errno::ENOSPC, true),
    (Errno::EIO, false),
    (Errno::EROFS, true),
    (Errno::EACCES, false),
    (Errno::ENOSPC, false),
    (Errno::EMFILE, true),
    (Errno::EDQUOT, false),
    (Errno::EIO, true),
];

#[test]
fn whatever_file_call_fails_it_is_taken_back_or_can_be() {
    if support::skipped() {
        return;
    }
    let asked = std::env::var("CRASH_CASE").ok();
    let test = "crash::whatever_file_call_fails_it_is_taken_back_or_can_be";
    let counts = in_scenarios(test, |expected, share| {
        // only every second call: all of them would take a minute more
        let every = if only_floors() { 5 } else { 2 };
        let fault = |number: usize| FAULTS[number / every % FAULTS.len()];
        let calls = (1..=expected.file_calls).step_by(every);
        let name = expected.scenario.name;
        for number in one_of(4, name, calls, |number| format!("{:?}", fault(*number))) {
            let (errno, lasts) = fault(number);
            let case = format!(
                "{name}/{errno:?}/{number}{}",
                if lasts { "..." } else { "" }
            );
            let is_asked = asked.as_ref().is_none_or(|asked| case.starts_with(asked));
            if !is_asked || !share.takes() {
                continue;
            }
            let machine = expected.scenario.start.twin();
            machine.fuse.fail_file(Fault {
                number,
                errno,
                lasts,
            });
            let (ended, wrong) = expected.suffer(&machine);
            share.count("faults", 1);
            share.judge(&format!("{case}: {} {}", ended.code, ended.error), &wrong);
        }
    });
    if std::env::var("CRASH_CASE").is_err() {
        counts::tell("faults", "files", counts.of("faults"));
    }
}

#[test]
fn asked_to_stop_at_any_moment_it_goes_on_or_goes_back() {
    if support::skipped() {
        return;
    }
    let test = "crash::asked_to_stop_at_any_moment_it_goes_on_or_goes_back";
    let counts = in_scenarios(test, |expected, share| {
        let events = 1..=expected.events;
        for event in one_of(4, expected.scenario.name, events, |_| "events".into()) {
            if !share.takes() {
                continue;
            }
            let Scenario {
                name, site, act, ..
            } = &expected.scenario;
            let machine = expected.scenario.start.twin();
            let ended = act_until(&machine, site, *act, event).unwrap();
            share.count("signals", 1);
            let mut wrong = expected.check_both(&machine);
            let began = |event: &Event| matches!(event, Event::StepBegan { .. });
            if ended.events.iter().skip(event).any(began) {
                wrong.push("a step began after it was asked to stop".into());
            }
            if ![0, 130].contains(&ended.code) {
                wrong.push(format!("it ended with {} {}", ended.code, ended.error));
            }
            share.judge(&format!("{name}, event {event}"), &wrong);
        }
    });
    counts::tell("signals", "crash", counts.of("signals"));
}

#[test]
fn a_journal_without_records_does_not_block_the_next_run() {
    if support::skipped() {
        return;
    }
    let expected = Expected::of("fresh");
    let begun = expected.scenario.start.twin();
    let first = 1 + expected.effects.iter().position(is_record).unwrap();
    assert!(expected.cut(&begun, Act::Install, first + 1, Death::Before));
    let path = newest_journal(&journals(&begun));
    let bytes = std::fs::read(path).unwrap();
    for length in [0, 1, bytes.len() / 3, bytes.len() - 1, bytes.len()] {
        let machine = begun.twin();
        let path = newest_journal(&journals(&machine));
        std::fs::write(path, &bytes[..length]).unwrap();
        let wrong = expected.check_both(&machine);
        assert!(wrong.is_empty(), "{length} bytes\n  {}", wrong.join("\n  "));
    }
}

/// A killed dpkg may leave a package incomplete that no step names. The step that finishes this package has then
/// changed what other steps depend on, so those are no longer compared with the plan.
#[test]
fn what_a_killed_dpkg_left_half_made_is_finished_and_the_rest_goes_on() {
    if support::skipped() {
        return;
    }
    let expected = Expected::of("fresh");
    let whole = |name: &str| format!("Package: {name}\nStatus: install ok installed\n");
    let half = |name: &str| format!("Package: {name}\nStatus: install ok unpacked\n");
    let numbered = expected.effects.iter().zip(1..);
    let records = numbered.filter(|(effect, _)| is_record(effect));
    let mut left = Vec::new();
    for (_, number) in records {
        let machine = expected.scenario.start.twin();
        assert!(expected.cut(&machine, Act::Install, number, Death::Before));
        let status = machine.disk.text("/var/lib/dpkg/status");
        let run = journal::runs(&journals(&machine)).unwrap().pop();
        // all packages of the step are installed, and only the record is missing
        let ended = run.iter().flat_map(|run| &run.steps).find(|step| {
            let resource = serde_json::to_value(&step.resource).unwrap();
            let names = resource["packages"]["names"].as_array();
            let is_there = |name: &Value| status.contains(&whole(name.as_str().unwrap()));
            !step.done && names.is_some_and(|names| names.iter().all(is_there))
        });
        let Some(step) = ended else { continue };
        let halves = status.replace(&whole("adduser"), &half("adduser"));
        assert_ne!(halves, status);
        machine.disk.put("/var/lib/dpkg/status", halves);
        let wrong = expected.check_both(&machine);
        assert!(wrong.is_empty(), "{}\n  {}", step.step, wrong.join("\n  "));
        left.push(step.step.clone());
    }
    left.dedup();
    assert_eq!(left, ["git", "python", "packages"]);
}

/// Whether an effect writes into the journal of the first run.
fn is_record(effect: &Effect) -> bool {
    effect.what.starts_with("Write ") && effect.what.ends_with("run-0001.jsonl")
}

#[test]
fn a_machine_that_is_as_asked_is_not_touched() {
    if support::skipped() {
        return;
    }
    let Scenario { start, site, .. } = Scenario::new("no-op");
    let start = start.twin();
    let (before, times) = (snapshot(&start), times(&start));
    for _ in 0..3 {
        well(act(&start, &site, Act::Install));
    }
    assert_eq!(
        differences(&before, &snapshot(&start)),
        Vec::<String>::new()
    );
    assert_eq!(
        differences(&times, &support::snapshot::times(&start)),
        Vec::<String>::new()
    );
    let seen = start.fuse.seen();
    let other = seen
        .iter()
        .filter(|effect| !effect.what.contains("odoo.lock"));
    assert_eq!(other.collect::<Vec<_>>(), Vec::<&Effect>::new());
}
