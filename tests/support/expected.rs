//! The expected result of a scenario, and whether a machine that suffered a death or a fault still reaches it.

use std::cell::OnceCell;

use odoo_deploy::engine::journal::{self, Run, Standing};
use odoo_deploy::event::Event;

use super::act::{Act, Ended, act, journals_of, still_to_do};
use super::advice::{follow, is_usual};
use super::machine::{Death, Effect, Frozen, Machine};
use super::residue::remains;
use super::scenario::{self, Scenario};
use super::share::{Counts, Share, shared};
use super::site::SiteFile;
use super::snapshot::{Snapshot, differences, snapshot};

/// What a scenario does and leaves if nothing kills it.
pub struct Expected {
    /// The scenario.
    pub scenario: Scenario,
    /// The effects of its act.
    pub effects: Vec<Effect>,
    /// The calls of programs.
    pub calls: Vec<String>,
    /// The number of file calls.
    pub file_calls: usize,
    /// The number of events.
    pub events: usize,
    origin: Snapshot,
    /// The trees that the act removes with `cleared` steps.
    cleared: Vec<String>,
    /// The runs that existed before the act.
    earlier: Vec<Run>,
    installed: Snapshot,
    taken_back: Snapshot,
    stills: OnceCell<Vec<Frozen>>,
}

/// The result of one death.
pub struct Checked {
    /// Whether several steps were under way when the process died.
    pub overlap: bool,
    /// What was wrong afterwards.
    pub wrong: Vec<String>,
}

impl Expected {
    /// Runs the scenario called `name` to its end.
    pub fn of(name: &str) -> Self {
        let scenario = Scenario::new(name);
        let whole = scenario.start.twin();
        let events = well(act(&whole, &scenario.site, scenario.act)).events.len();
        let (effects, calls) = (whole.fuse.seen(), whole.fuse.calls());
        let file_calls = whole.fuse.file_calls();
        let taken_back = snapshot(&whole);
        if scenario.act == Act::Rollback {
            well(act(&whole, &scenario.site, Act::Install));
        }
        Self {
            effects,
            calls,
            file_calls,
            events,
            origin: snapshot(&scenario.origin),
            cleared: cleared(&runs(&whole, &scenario.site)),
            earlier: runs(&scenario.origin, &scenario.site),
            installed: snapshot(&whole),
            taken_back,
            stills: OnceCell::new(),
            scenario,
        }
    }

    /// Every effect at which the act can be killed, with every way to die there.
    pub fn cuts(&self) -> impl Iterator<Item = (usize, Death)> {
        let before = [None].into_iter().chain(self.effects.iter().map(Some));
        let numbered = self.effects.iter().zip(before).zip(1..);
        let within = numbered.flat_map(|((effect, before), number)| {
            let flavours = effect.flavours(before);
            flavours.map(move |death| (number, death))
        });
        within.chain([(self.effects.len() + 1, Death::PowerCut)])
    }

    /// Kills the act at effect `number`, then checks the result of both recoveries: install and rollback.
    pub fn check(&self, number: usize, death: Death) -> Checked {
        let machine = self.dead(number, death);
        let dead = || match death {
            Death::Torn => machine.twin(),
            _ => self.dead(number, death),
        };
        let runs = runs(&machine, &self.scenario.site);
        // after a power cut, everything that the command reported as done must still be there, except what is
        // stored in memory
        let mut lost = Vec::new();
        if number > self.effects.len() {
            lost = self.compare(self.scenario.act, &dead());
            lost.retain(|place| !place.starts_with("/run/"));
        }
        let mut wrong = named("lost", lost);
        wrong.extend(self.recover(&dead(), Act::Install));
        wrong.extend(self.go_back(&machine, &runs));
        Checked {
            overlap: runs.last().is_some_and(steps_overlap),
            wrong,
        }
    }

    /// Returns a machine on which the act was killed at effect `number`.
    pub fn dead(&self, number: usize, death: Death) -> Machine {
        let machine = if death == Death::Torn {
            let machine = self.scenario.start.twin();
            assert!(self.kill(&machine, self.scenario.act, number, death));
            machine
        } else {
            self.stills()[number - 1].twin_in_doubt()
        };
        machine.after(death, number);
        machine
    }

    /// Frozen copies of the machine before each effect, with the power still on. Before the effect all deaths
    /// leave the same machine, except `Torn`, which runs half of the effect.
    fn stills(&self) -> &[Frozen] {
        self.stills.get_or_init(|| {
            let stills = self.scenario.start.twin().stills(|machine| {
                well(act(machine, &self.scenario.site, self.scenario.act));
            });
            assert_eq!(stills.len(), self.effects.len() + 1);
            stills
        })
    }

    /// Kills an act at effect `number`, and applies that death to the machine. Returns `false` if the act ended
    /// before.
    pub fn cut(&self, machine: &Machine, what: Act, number: usize, death: Death) -> bool {
        let cut = self.kill(machine, what, number, death);
        if cut {
            machine.after(death, number);
        }
        cut
    }

    fn kill(&self, machine: &Machine, what: Act, number: usize, death: Death) -> bool {
        machine.fuse.arm(number, death);
        let ended = act(machine, &self.scenario.site, what);
        let seen = machine.fuse.seen().len();
        machine.fuse.disarm();
        // the power may also fail after the act has ended
        ended.is_none() || (number == seen + 1 && death == Death::PowerCut)
    }

    /// Runs the scenario's act on a machine on which a fault is set, with rollback on failure. Returns how it
    /// ended, and what is wrong: the machine must be in one of the two states, or both must be reachable.
    pub fn suffer(&self, machine: &Machine) -> (Ended, Vec<String>) {
        let what = match self.scenario.act {
            Act::Install => Act::InstallOrGoBack,
            other => other,
        };
        let ended = act(machine, &self.scenario.site, what).unwrap();
        machine.fuse.disarm();
        let mut wrong = Self::advised(&ended, machine);
        wrong.extend(self.judge(&ended, machine));
        let failed = |event: &Event| matches!(event, Event::StepFailed { .. });
        let mut later = ended.events.iter().skip_while(|event| !failed(event));
        if let Some(Event::StepBegan { step, .. }) =
            later.find(|event| matches!(event, Event::StepBegan { .. }))
        {
            wrong.push(format!("`{step}` began after another had failed"));
        }
        (ended, wrong)
    }

    /// Returns what is wrong with the advice of an ending. After any ending that leaves work undone, `install`
    /// and `rollback` are tried anyway; a rolled-back site is installed again in one of eight cases.
    fn advised(ended: &Ended, machine: &Machine) -> Vec<String> {
        let next = ended.next.as_deref();
        match (ended.code, next) {
            (3 | 4, None) => vec![format!("it ended with {} and no advice", ended.code)],
            (0, _) | (_, None) => Vec::new(),
            (3, Some(_)) if !ended.events.len().is_multiple_of(8) => Vec::new(),
            (1 | 4 | 5, Some(advice)) if is_usual(advice) => Vec::new(),
            (_, Some(_)) => follow(&machine.twin(), next),
        }
    }

    /// Returns where a machine differs from the state that the exit code promises.
    pub fn judge(&self, ended: &Ended, machine: &Machine) -> Vec<String> {
        match ended.code {
            0 => self.compare(self.scenario.act, machine),
            3 => self.left(&snapshot(machine)),
            _ if ended.error.is_empty() => vec!["it does not say why".into()],
            1 | 4 | 5 => self.check_both(machine),
            code => vec![format!("it ended with {code}")],
        }
    }

    /// Returns what is wrong after an install and after a rollback of this machine.
    pub fn check_both(&self, machine: &Machine) -> Vec<String> {
        let mut wrong = self.recover(&machine.twin(), Act::Install);
        wrong.extend(self.go_back(machine, &runs(machine, &self.scenario.site)));
        wrong
    }

    /// Rolls back and compares, if the journals have a run to roll back.
    fn go_back(&self, machine: &Machine, runs: &[Run]) -> Vec<String> {
        if self.is_untouched(runs) {
            return named("left alone", remains(&self.origin, &snapshot(machine)));
        }
        if self.is_over(runs) {
            return Vec::new();
        }
        self.recover(machine, Act::Rollback)
    }

    /// Installs or rolls back, and returns the differences from the expected state.
    fn recover(&self, machine: &Machine, way: Act) -> Vec<String> {
        let ended = act(machine, &self.scenario.site, way).unwrap();
        let undo = ended.events.iter().filter_map(|event| match event {
            Event::UndoFailed { error, .. } => Some(error.as_str()),
            _ => None,
        });
        let undo = undo.collect::<Vec<_>>().join(", ");
        let name = format!("{way:?} ended with {} {} {undo}", ended.code, ended.error);
        if ended.code != 0 {
            return vec![name];
        }
        named(&name, self.compare(way, machine))
    }

    /// Returns where a machine differs from the state that `way` must leave.
    pub fn compare(&self, way: Act, machine: &Machine) -> Vec<String> {
        let found = snapshot(machine);
        match (way, self.scenario.act) {
            (Act::Rollback, Act::Rollback) => differences(&self.taken_back, &found),
            (Act::Rollback, _) => self.left(&found),
            _ => {
                let mut wrong = differences(&self.installed, &found);
                wrong.extend(still_to_do(machine, &self.scenario.site));
                wrong
            }
        }
    }

    /// Returns where a rolled-back machine differs from its original state. A removed tree comes back only if a
    /// later rollback needs it: it is whole, or it is gone.
    fn left(&self, found: &Snapshot) -> Vec<String> {
        let mut origin = self.origin.clone();
        for tree in &self.cleared {
            if !found.contains_key(tree) {
                origin.retain(|place, _| !place.starts_with(tree));
            }
        }
        remains(&origin, found)
    }

    /// Whether a rollback of the machine leads to its original state.
    pub fn leads_back(&self, machine: &Machine) -> bool {
        let runs = runs(machine, &self.scenario.site);
        !self.is_untouched(&runs) && !self.is_over(&runs)
    }

    /// Whether the act's install had committed. A rollback of a committed run keeps the data, so the comparison
    /// with the original state would not hold.
    fn is_over(&self, runs: &[Run]) -> bool {
        let before = self.earlier.last().map(|run| run.number);
        let ended = |run: &Run| run.standing == Standing::Committed && Some(run.number) > before;
        self.scenario.act == Act::Install && runs.last().is_some_and(ended)
    }

    /// Whether the act began no run that could be rolled back.
    fn is_untouched(&self, runs: &[Run]) -> bool {
        let holds = |runs: &[Run]| {
            let mut runs = runs.iter().rev();
            let holding = runs.find(|run| run.standing != Standing::RolledBack)?;
            Some((holding.number, holding.standing))
        };
        let now = holds(runs);
        self.scenario.act == Act::Install
            && now.is_none_or(|run| run.1 == Standing::Committed && now == holds(&self.earlier))
    }
}

/// Whether a run has several steps under way.
fn steps_overlap(run: &Run) -> bool {
    let under_way = run.steps.iter().filter(|step| !step.done && !step.undone);
    run.standing == Standing::Open && under_way.count() > 1
}

/// The runs in a site's journals.
fn runs(machine: &Machine, site: &SiteFile) -> Vec<Run> {
    journal::runs(&journals_of(machine, site.name())).unwrap()
}

/// The trees that the last run removed with `cleared` steps.
fn cleared(runs: &[Run]) -> Vec<String> {
    let steps = runs.last().into_iter().flat_map(|run| &run.steps);
    let cleared = steps.filter(|step| step.resource.kind() == "cleared");
    cleared.map(|step| step.resource.subject()).collect()
}

fn named(name: &str, differences: Vec<String>) -> Vec<String> {
    let line = |difference: String| format!("{name}: {difference}");
    differences.into_iter().map(line).collect()
}

/// Asserts that an act ended with exit code 0.
pub fn well(ended: Option<Ended>) -> Ended {
    let ended = ended.expect("the act was not killed");
    assert_eq!(ended.code, 0, "{}", ended.error);
    ended
}

/// Runs `work` for every tried scenario, shared among processes, in the test called `test`.
pub fn in_scenarios(test: &str, work: impl Fn(&Expected, &mut Share)) -> Counts {
    shared(test, |share| {
        for name in scenario::tried() {
            work(&Expected::of(name), share);
        }
    })
}
