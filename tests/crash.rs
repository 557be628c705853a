//! Killed anywhere, gone on with or taken back: there is no third state.
//!
//! A failing case prints its name; `CRASH_CASE="fresh/Before/12" cargo test --test crash` repeats it
//! alone.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use odoo_deploy::journal::{self, Standing};
use support::act::{Act, Ended, act, journals, newest_journal};
use support::machine::{Effect, Flavour, Machine};
use support::residue::remains;
use support::scenario::{ALL, Scenario};
use support::snapshot::{Snapshot, differences, snapshot, times};

/// What a scenario comes to when nobody is killed.
struct Expected {
    scenario: Scenario,
    effects: Vec<Effect>,
    calls: usize,
    origin: Snapshot,
    installed: Snapshot,
    taken_back: Snapshot,
}

impl Expected {
    fn of(name: &str) -> Self {
        let scenario = Scenario::new(name);
        let whole = scenario.start.twin();
        well(&act(&whole, &scenario.site, scenario.act));
        let (effects, mut calls) = (whole.fuse.seen(), whole.fuse.calls());
        let taken_back = snapshot(&whole);
        if scenario.act == Act::Rollback {
            calls = 0;
            well(&act(&whole, &scenario.site, Act::Install));
        }
        Self {
            effects,
            calls,
            origin: snapshot(&scenario.origin),
            installed: snapshot(&whole),
            taken_back,
            scenario,
        }
    }

    /// Every place at which the act can be cut.
    fn cuts(&self) -> impl Iterator<Item = (usize, Flavour)> {
        let numbered = self.effects.iter().zip(1..);
        numbered.flat_map(|(effect, number)| {
            let flavours = effect.flavours().iter();
            flavours.map(move |flavour| (number, *flavour))
        })
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

fn well(ended: &Option<Ended>) {
    let ended = ended.as_ref().expect("nobody was cut");
    assert_eq!(ended.code, 0, "{}", ended.error);
}

/// Kills an act at effect `number`. `false` where it came to its end before.
fn cut(machine: &Machine, scenario: &Scenario, what: Act, number: usize, flavour: Flavour) -> bool {
    machine.fuse.arm(number, flavour);
    let ended = act(machine, &scenario.site, what);
    machine.fuse.disarm();
    ended.is_none()
}

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
    if skipped() {
        return;
    }
    let asked = std::env::var("CRASH_CASE").ok();
    let cuts = Arc::new(AtomicUsize::new(0));
    let count = cuts.clone();
    in_threads(move |expected, mine, threads| {
        let mut failures = Vec::new();
        for (number, flavour) in expected.cuts() {
            let case = format!("{}/{flavour:?}/{number}", expected.scenario.name);
            if number % threads != mine || asked.as_ref().is_some_and(|asked| *asked != case) {
                continue;
            }
            count.fetch_add(1, Ordering::Relaxed);
            let wrong = expected.check(number, flavour);
            if !wrong.is_empty() {
                failures.push(format!("{case}\n  {}", wrong.join("\n  ")));
            }
        }
        failures
    });
    println!(
        "crash matrix: {} cuts, 0 third states",
        cuts.load(Ordering::Relaxed)
    );
}

/// Picks numbers, the same at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // the constants of Knuth's MMIX generator; its upper bits are the better ones
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[test]
fn killed_again_and_again_it_goes_on_or_goes_back() {
    if skipped() {
        return;
    }
    let cuts = Arc::new(AtomicUsize::new(0));
    let count = cuts.clone();
    in_threads(move |expected, mine, threads| {
        let mut failures = Vec::new();
        for seed in (0..24_u64).filter(|seed| *seed as usize % threads == mine) {
            let mut dice = Dice(seed + 1);
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
            count.fetch_add(1, Ordering::Relaxed);
            let mut over = None;
            for _ in 0..=dice.below(2) {
                let flavours = [Flavour::Before, Flavour::Torn, Flavour::After];
                let (number, flavour) = (1 + dice.below(40), flavours[dice.below(3)]);
                let way = [Act::Install, Act::Rollback][dice.below(2)];
                if way == Act::Rollback && expected.is_untouched(&machine) {
                    break;
                }
                case += &format!(", then {way:?}/{flavour:?}/{number}");
                if !cut(&machine, &expected.scenario, way, number, flavour) {
                    // that way out is over; another one would be another story
                    over = Some(way);
                    break;
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
            let wrong = match over {
                Some(way) => expected.compare(way, &machine),
                None => expected.check_both(&machine),
            };
            if !wrong.is_empty() {
                failures.push(format!("{case}\n  {}", wrong.join("\n  ")));
            }
        }
        failures
    });
    println!(
        "crash matrix, twice and thrice: {} cuts, 0 third states",
        cuts.load(Ordering::Relaxed)
    );
}

#[test]
fn whatever_call_fails_it_is_taken_back() {
    if skipped() {
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

#[test]
fn a_run_that_was_hardly_begun_is_in_nobodys_way() {
    if skipped() {
        return;
    }
    let expected = Expected::of("fresh");
    let begun = expected.scenario.start.twin();
    assert!(cut(
        &begun,
        &expected.scenario,
        Act::Install,
        1,
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
    if skipped() {
        return;
    }
    let Scenario { start, site, .. } = Scenario::new("no-op");
    start.fuse.disarm();
    let (before, times) = (snapshot(&start), times(&start));
    for _ in 0..3 {
        well(&act(&start, &site, Act::Install));
    }
    assert_eq!(
        differences(&before, &snapshot(&start)),
        Vec::<String>::new()
    );
    assert_eq!(
        differences(&times, &support::snapshot::times(&start)),
        Vec::<String>::new()
    );
    assert_eq!(start.fuse.seen(), []);
}

/// Ends a test that cannot be made here.
fn skipped() -> bool {
    let skipped = !nix::unistd::geteuid().is_root();
    if skipped {
        println!("skipped: files of several owners can only be made by root");
    }
    skipped
}
