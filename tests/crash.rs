//! Killed anywhere, gone on with or taken back: there is no third state.
//!
//! A failing case prints its name; `CRASH_CASE="fresh/Before/12" cargo test --test crash` repeats it
//! alone.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may fall over, and say what it counted"
)]

mod support;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::errno::Errno;
use odoo_deploy::journal::{self, Standing};
use support::act::{Act, Ended, act, act_until, journals, newest_journal};
use support::counts;
use support::dice::Dice;
use support::machine::{Effect, Fault, Flavour, Machine};
use support::residue::remains;
use support::scenario::{ALL, Scenario};
use support::snapshot::{Snapshot, differences, snapshot, times};

/// What a scenario comes to when nobody is killed.
struct Expected {
    scenario: Scenario,
    effects: Vec<Effect>,
    calls: usize,
    file_calls: usize,
    events: usize,
    origin: Snapshot,
    installed: Snapshot,
    taken_back: Snapshot,
}

impl Expected {
    fn of(name: &str) -> Self {
        let scenario = Scenario::new(name);
        let whole = scenario.start.twin();
        let events = well(act(&whole, &scenario.site, scenario.act)).events.len();
        let (effects, mut calls) = (whole.fuse.seen(), whole.fuse.calls());
        let file_calls = whole.fuse.file_calls();
        let taken_back = snapshot(&whole);
        if scenario.act == Act::Rollback {
            calls = 0;
            well(act(&whole, &scenario.site, Act::Install));
        }
        Self {
            effects,
            calls,
            file_calls,
            events,
            origin: snapshot(&scenario.origin),
            installed: snapshot(&whole),
            taken_back,
            scenario,
        }
    }

    /// Every place at which the act can be cut.
    fn cuts(&self) -> impl Iterator<Item = (usize, Flavour)> {
        let numbered = self.effects.iter().zip(1..);
        let within = numbered.flat_map(|(effect, number)| {
            let flavours = effect.flavours().iter();
            flavours.map(move |flavour| (number, *flavour))
        });
        within.chain([(self.effects.len() + 1, Flavour::Dark)])
    }

    /// Kills the act at one place and looks at what both ways out of it come to.
    fn check(&self, number: usize, flavour: Flavour) -> Vec<String> {
        let machine = self.scenario.start.twin();
        if !cut(&machine, &self.scenario, self.scenario.act, number, flavour) {
            return vec!["it was not cut".into()];
        }
        self.check_both(&machine)
    }

    /// Looks at what both ways out of a machine come to.
    fn check_both(&self, machine: &Machine) -> Vec<String> {
        let mut wrong = self.recover(&machine.twin(), Act::Install);
        wrong.extend(self.recover(machine, Act::Rollback));
        wrong
    }

    /// Goes on, or back, and compares. Nothing is wrong where the machine is as it must be.
    fn recover(&self, machine: &Machine, way: Act) -> Vec<String> {
        if way == Act::Rollback && self.is_untouched(machine) {
            return named("left alone", remains(&self.origin, &snapshot(machine)));
        }
        // a run that has committed is taken back less its data: another story
        if way == Act::Rollback && self.scenario.act == Act::Install && self.is_over(machine) {
            return Vec::new();
        }
        let ended = act(machine, &self.scenario.site, way).unwrap();
        let name = format!("{way:?} ended with {} {}", ended.code, ended.error);
        if ended.code != 0 {
            return vec![name];
        }
        named(&name, self.compare(way, machine))
    }

    /// The places where a machine is not as one of the ways out must leave it.
    fn compare(&self, way: Act, machine: &Machine) -> Vec<String> {
        let found = snapshot(machine);
        match (way, self.scenario.act) {
            (Act::Rollback, Act::Rollback) => differences(&self.taken_back, &found),
            (Act::Rollback, _) => remains(&self.origin, &found),
            _ => differences(&self.installed, &found),
        }
    }

    /// Whether the act had come to its end.
    fn is_over(&self, machine: &Machine) -> bool {
        let newest = |machine: &Machine| journal::runs(&journals(machine)).unwrap().pop();
        newest(machine).is_some_and(|run| {
            run.standing == Standing::Committed
                && newest(&self.scenario.origin).is_none_or(|before| before.number < run.number)
        })
    }

    /// Whether no run was begun that could be taken back.
    fn is_untouched(&self, machine: &Machine) -> bool {
        let holds = |machine: &Machine| {
            let runs = journal::runs(&journals(machine)).unwrap();
            let holding = runs.iter().rev();
            let mut holding = holding.filter(|run| run.standing != Standing::RolledBack);
            holding.next().map(|run| (run.number, run.standing))
        };
        self.scenario.act == Act::Install
            && holds(machine).is_none_or(|run| {
                run.1 == Standing::Committed && Some(run) == holds(&self.scenario.origin)
            })
    }
}

fn named(name: &str, differences: Vec<String>) -> Vec<String> {
    let line = |difference: String| format!("{name}: {difference}");
    differences.into_iter().map(line).collect()
}

fn well(ended: Option<Ended>) -> Ended {
    let ended = ended.expect("nobody was cut");
    assert_eq!(ended.code, 0, "{}", ended.error);
    ended
}

/// Kills an act at effect `number`. `false` where it came to its end before.
fn cut(machine: &Machine, scenario: &Scenario, what: Act, number: usize, flavour: Flavour) -> bool {
    machine.fuse.arm(number, flavour);
    let ended = act(machine, &scenario.site, what);
    let seen = machine.fuse.seen().len();
    machine.fuse.disarm();
    // the power may also go when all is said to be done
    let cut = ended.is_none() || (number == seen + 1 && flavour == Flavour::Dark);
    if cut {
        machine.after(flavour, number);
    }
    cut
}

/// How many stories of several deaths are told of each scenario.
const SEEDS: usize = 240;

/// Failures of all threads.
type Failures = Arc<Mutex<Vec<String>>>;

/// Does `work` for every scenario in as many threads as there are cores, and tells what was wrong.
fn in_threads(work: impl Fn(&Expected, usize, usize) -> Vec<String> + Send + Sync + 'static) {
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let (work, failures) = (Arc::new(work), Failures::default());
    let handles: Vec<_> = (0..threads)
        .map(|mine| {
            let (work, failures) = (work.clone(), failures.clone());
            thread::spawn(move || {
                for name in ALL {
                    let expected = Expected::of(name);
                    let wrong = work(&expected, mine, threads);
                    failures.lock().unwrap().extend(wrong);
                }
            })
        })
        .collect();
    for handle in handles {
        handle.join().unwrap();
    }
    let failures = failures.lock().unwrap();
    assert!(
        failures.is_empty(),
        "{} third states:\n{}",
        failures.len(),
        failures[..failures.len().min(100)].join("\n")
    );
}

#[test]
fn killed_at_any_effect_it_goes_on_or_goes_back() {
    if support::skipped() {
        return;
    }
    let asked = std::env::var("CRASH_CASE").ok();
    let recoveries = Arc::new(AtomicUsize::new(0));
    let count = recoveries.clone();
    in_threads(move |expected, mine, threads| {
        let mut failures = Vec::new();
        for (number, flavour) in expected.cuts() {
            let case = format!("{}/{flavour:?}/{number}", expected.scenario.name);
            if number % threads != mine || asked.as_ref().is_some_and(|asked| *asked != case) {
                continue;
            }
            count.fetch_add(2, Ordering::Relaxed);
            let wrong = expected.check(number, flavour);
            if !wrong.is_empty() {
                failures.push(format!("{case}\n  {}", wrong.join("\n  ")));
            }
        }
        failures
    });
    if std::env::var("CRASH_CASE").is_err() {
        counts::tell(
            "single crashes",
            "crash",
            recoveries.load(Ordering::Relaxed),
        );
    }
}

#[test]
fn killed_again_and_again_it_goes_on_or_goes_back() {
    if support::skipped() {
        return;
    }
    let asked = std::env::var("CRASH_SEED").ok();
    let recoveries = Arc::new(AtomicUsize::new(0));
    let count = recoveries.clone();
    in_threads(move |expected, mine, threads| {
        let mut failures = Vec::new();
        for seed in (mine..SEEDS).step_by(threads) {
            if asked
                .as_ref()
                .is_some_and(|asked| *asked != seed.to_string())
            {
                continue;
            }
            let mut dice = Dice::new(seed as u64 + 1);
            let all: Vec<_> = expected.cuts().collect();
            if all.is_empty() {
                continue;
            }
            let machine = expected.scenario.start.twin();
            let (number, flavour) = all[dice.below(all.len())];
            let mut case = format!("{}/{flavour:?}/{number}", expected.scenario.name);
            cut(
                &machine,
                &expected.scenario,
                expected.scenario.act,
                number,
                flavour,
            );
            let mut over = None;
            let mut again = false;
            for _ in 0..=dice.below(2) {
                let flavours = [
                    Flavour::Before,
                    Flavour::Torn,
                    Flavour::Dark,
                    Flavour::Dim(3),
                ];
                let (number, flavour) = (1 + dice.below(60), *dice.pick(&flavours));
                let way = [Act::Install, Act::Rollback][dice.below(2)];
                if way == Act::Rollback && expected.is_untouched(&machine) {
                    break;
                }
                write!(case, ", then {way:?}/{flavour:?}/{number}").unwrap();
                if !cut(&machine, &expected.scenario, way, number, flavour) {
                    // that way out is over; another one would be another story
                    over = Some(way);
                    break;
                }
                again = true;
            }
            let ways = if over.is_some() { 1 } else { 2 };
            count.fetch_add(if again { ways } else { 0 }, Ordering::Relaxed);
            let wrong = match over {
                Some(way) => expected.compare(way, &machine),
                None => expected.check_both(&machine),
            };
            if !wrong.is_empty() {
                failures.push(format!(
                    "CRASH_SEED={seed} {case}\n  {}",
                    wrong.join("\n  ")
                ));
            }
        }
        failures
    });
    if std::env::var("CRASH_SEED").is_err() {
        counts::tell(
            "double crashes",
            "crash",
            recoveries.load(Ordering::Relaxed),
        );
    }
}

#[test]
fn whatever_call_fails_it_is_taken_back() {
    if support::skipped() {
        return;
    }
    let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let count = counts.clone();
    in_threads(move |expected, mine, threads| {
        let mut failures = Vec::new();
        for number in (1..=expected.calls).filter(|number| number % threads == mine) {
            let machine = expected.scenario.start.twin();
            machine.fuse.fail(number);
            let ended = act(&machine, &expected.scenario.site, Act::InstallOrGoBack).unwrap();
            let found = snapshot(&machine);
            let wrong = match ended.code {
                0 => differences(&expected.installed, &found),
                1 => remains(&snapshot(&expected.scenario.start), &found),
                3 => remains(&expected.origin, &found),
                code => vec![format!("it ended with {code}")],
            };
            count[usize::from(ended.code == 0)].fetch_add(1, Ordering::Relaxed);
            if !wrong.is_empty() {
                let case = format!("{}, call {number} fails", expected.scenario.name);
                failures.push(format!("{case}: {}\n  {}", ended.error, wrong.join("\n  ")));
            }
        }
        failures
    });
    println!(
        "failing calls: {} taken back, {} got over",
        counts[0].load(Ordering::Relaxed),
        counts[1].load(Ordering::Relaxed)
    );
}

/// How file calls fail: of what, and whether only once or until somebody has mended it.
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
    let tried = Arc::new(AtomicUsize::new(0));
    let count = tried.clone();
    in_threads(move |expected, mine, threads| {
        let mut failures = Vec::new();
        // every other one: all of them take a minute more
        let every_other = (1..=expected.file_calls).step_by(2);
        for number in every_other.filter(|number| number / 2 % threads == mine) {
            let (errno, lasts) = FAULTS[number / 2 / threads % FAULTS.len()];
            let name = expected.scenario.name;
            let case = format!(
                "{name}/{errno:?}/{number}{}",
                if lasts { "..." } else { "" }
            );
            if asked.as_ref().is_some_and(|asked| *asked != case) {
                continue;
            }
            let machine = expected.scenario.start.twin();
            machine.fuse.fail_file(Fault {
                number,
                errno,
                lasts,
            });
            let act_now = match expected.scenario.act {
                Act::Install => Act::InstallOrGoBack,
                other => other,
            };
            let ended = act(&machine, &expected.scenario.site, act_now).unwrap();
            machine.fuse.disarm();
            let found = snapshot(&machine);
            let wrong = match (ended.code, act_now) {
                (0, Act::Rollback) => differences(&expected.taken_back, &found),
                (0, _) => differences(&expected.installed, &found),
                (3, _) => remains(&expected.origin, &found),
                _ if ended.error.is_empty() => vec!["it does not say why".into()],
                _ => expected.check_both(&machine),
            };
            count.fetch_add(1, Ordering::Relaxed);
            if !wrong.is_empty() {
                let (code, error) = (ended.code, ended.error);
                failures.push(format!("{case}: {code} {error}\n  {}", wrong.join("\n  ")));
            }
        }
        failures
    });
    if std::env::var("CRASH_CASE").is_err() {
        counts::tell("faults", "files", tried.load(Ordering::Relaxed));
    }
}

#[test]
fn asked_to_stop_at_any_moment_it_goes_on_or_goes_back() {
    if support::skipped() {
        return;
    }
    let tried = Arc::new(AtomicUsize::new(0));
    let count = tried.clone();
    in_threads(move |expected, mine, threads| {
        let mut failures = Vec::new();
        for event in (1..=expected.events).filter(|event| event % threads == mine) {
            let Scenario {
                name, site, act, ..
            } = &expected.scenario;
            let machine = expected.scenario.start.twin();
            let ended = act_until(&machine, site, *act, event).unwrap();
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
    counts::tell("signals", "crash", tried.load(Ordering::Relaxed));
}

#[test]
fn a_run_that_was_hardly_begun_is_in_nobodys_way() {
    if support::skipped() {
        return;
    }
    let expected = Expected::of("fresh");
    let begun = expected.scenario.start.twin();
    let writes = |effect: &Effect| {
        effect.what.starts_with("Write ") && effect.what.ends_with("run-0001.jsonl")
    };
    let first = 1 + expected.effects.iter().position(writes).unwrap();
    assert!(cut(
        &begun,
        &expected.scenario,
        Act::Install,
        first + 1,
        Flavour::Before
    ));
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

#[test]
fn a_machine_that_is_as_asked_is_not_touched() {
    if support::skipped() {
        return;
    }
    let Scenario { start, site, .. } = Scenario::new("no-op");
    start.fuse.disarm();
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
