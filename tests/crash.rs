//! Killed anywhere, gone on with or taken back: there is no third state.
//!
//! A failing case prints its name; `CRASH_CASE="fresh/Before/12" cargo test --test crash` repeats it
//! alone.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use odoo_deploy::journal::{self, Standing};
use support::act::{Act, Ended, act, journals};
use support::machine::{Flavour, Machine};
use support::residue::remains;
use support::scenario::{ALL, Scenario};
use support::snapshot::{Snapshot, differences, snapshot};

/// What a scenario comes to when nobody is killed.
struct Expected {
    scenario: Scenario,
    effects: usize,
    origin: Snapshot,
    installed: Snapshot,
    taken_back: Snapshot,
}

impl Expected {
    fn of(name: &str) -> Self {
        let scenario = Scenario::new(name);
        let whole = scenario.start.twin();
        well(&act(&whole, &scenario.site, scenario.act));
        let effects = whole.fuse.seen();
        let taken_back = snapshot(&whole);
        if scenario.act == Act::Rollback {
            well(&act(&whole, &scenario.site, Act::Install));
        }
        Self {
            effects,
            origin: snapshot(&scenario.origin),
            installed: snapshot(&whole),
            taken_back,
            scenario,
        }
    }

    /// Kills the act at one place and looks at what both ways out of it come to.
    fn check(&self, number: usize, flavour: Flavour) -> Vec<String> {
        let machine = self.scenario.start.twin();
        if !cut(&machine, &self.scenario, self.scenario.act, number, flavour) {
            return vec!["it was not cut".into()];
        }
        let mut wrong = self.recover(&machine.twin(), Act::Install);
        wrong.extend(self.recover(&machine, Act::Rollback));
        wrong
    }

    /// Goes on, or back, and compares. Nothing is wrong where the machine is as it must be.
    fn recover(&self, machine: &Machine, way: Act) -> Vec<String> {
        if way == Act::Rollback && self.is_untouched(machine) {
            return named("left alone", differences(&self.origin, &snapshot(machine)));
        }
        let ended = act(machine, &self.scenario.site, way).unwrap();
        let name = format!("{way:?} ended with {} {}", ended.code, ended.error);
        if ended.code != 0 {
            return vec![name];
        }
        let found = snapshot(machine);
        named(
            &name,
            match (way, self.scenario.act) {
                (Act::Rollback, Act::Rollback) => differences(&self.taken_back, &found),
                (Act::Rollback, _) => remains(&self.origin, &found),
                _ => differences(&self.installed, &found),
            },
        )
    }

    /// Whether no run was begun that could be taken back.
    fn is_untouched(&self, machine: &Machine) -> bool {
        let last = |machine: &Machine| {
            let runs = journal::runs(&journals(machine)).unwrap();
            runs.last()
                .map(|run| (run.number, run.standing == Standing::Committed))
        };
        self.scenario.act == Act::Install
            && last(machine).is_none_or(|last_of| Some(last_of) == last(&self.scenario.origin))
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
        for number in (1..=expected.effects).filter(|number| number % threads == mine) {
            for flavour in Flavour::ALL {
                let case = format!("{}/{flavour:?}/{number}", expected.scenario.name);
                if asked.as_ref().is_some_and(|asked| *asked != case) {
                    continue;
                }
                count.fetch_add(1, Ordering::Relaxed);
                let wrong = expected.check(number, flavour);
                if !wrong.is_empty() {
                    failures.push(format!("{case}\n  {}", wrong.join("\n  ")));
                }
            }
        }
        failures
    });
    println!(
        "crash matrix: {} cuts, 0 third states",
        cuts.load(Ordering::Relaxed)
    );
}

/// Ends a test that cannot be made here.
fn skipped() -> bool {
    let skipped = !nix::unistd::geteuid().is_root();
    if skipped {
        println!("skipped: files of several owners can only be made by root");
    }
    skipped
}
