//! From what is to what is asked: steps side by side, each journalled, as far as their needs allow.

mod act;
mod schedule;
mod timings;

use std::cell::{Cell, RefCell};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use self::act::{Position, Shared, StepResult, act};
use self::schedule::Schedule;
use self::timings::Timings;
use crate::check::{self, Unhealthy};
use crate::engine::journal::{self, Journal, Record, key};
use crate::engine::observe::Observed;
use crate::event::Event;
use crate::host::Host;
use crate::host::stop::Stopped;
use crate::plan::blueprint::{self, Blueprint};
use crate::plan::{Plan, Step, Unknown};

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A step could not be set.
    #[error("{subject} could not be set")]
    Step {
        /// The step.
        step: String,
        /// The thing.
        subject: String,
        /// What went wrong.
        source: crate::host::Error,
    },
    /// A step was set and still wants something.
    #[error("{subject} did not settle: after it was set, {differs}")]
    DidNotSettle {
        /// The step.
        step: String,
        /// The thing.
        subject: String,
        /// What it is, and what it should be.
        differs: String,
    },
    /// The host is not as it was when the plan was shown.
    #[error("the server changed since the plan: {subject} is not as it was")]
    Changed {
        /// The step.
        step: String,
        /// The thing.
        subject: String,
    },
    /// Something that the plan waited for could not be resolved.
    #[error("it cannot be planned")]
    Unknown {
        /// The step.
        step: String,
        /// What went wrong.
        source: blueprint::Error,
    },
    /// A check failed.
    #[error(transparent)]
    Unhealthy(#[from] Unhealthy),
    /// A signal asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The journal could not be written; nothing may be done without it.
    #[error(transparent)]
    Journal(#[from] journal::Error),
}

/// Brings the host to what `plan` asks, the blueprint's as it was shown; it becomes the one of all that was
/// resolved on the way. Returns how many steps were set.
///
/// A step starts as soon as all that it needs is done; among those that may start, the plan's order
/// decides. After a failure, and when a signal asks to stop, none is started any more, and those under
/// way come to their end.
///
/// # Errors
/// At the first step or check that fails; the journal says what was done until then.
pub async fn apply(
    host: &Host,
    journal: &mut Journal,
    blueprint: &mut Blueprint,
    plan: &mut Plan,
    observed: &Observed,
) -> Result<usize, Error> {
    let shared = Shared {
        host,
        journal: RefCell::new(journal),
        is_ending: Cell::new(false),
    };
    let mut run = Execution {
        shared: &shared,
        blueprint,
        schedule: Schedule::new(&plan.steps, observed),
        timings: Timings::new(plan.steps.len()),
        running: FuturesUnordered::new(),
        is_resolving: false,
        set: 0,
        plan,
    };
    run.steps().await?;
    let Execution {
        plan, timings, set, ..
    } = run;
    for check in &plan.checks {
        // nobody who asks to stop wants to wait for an answer
        tokio::select! {
            passed = check::pass(host, check, set > 0) => passed?,
            () = host.stop().requested() => (),
        }
        host.stop().check()?;
    }
    if set > 0 {
        let steps = timings.told(&plan.steps);
        host.events().tell(Event::Timings { steps });
    }
    Ok(set)
}

/// A run under way. This alone starts steps and takes in what came of them; a step under way keeps to
/// what it was given.
struct Execution<'a> {
    shared: &'a Shared<'a>,
    blueprint: &'a mut Blueprint,
    plan: &'a mut Plan,
    schedule: Schedule<'a>,
    timings: Timings,
    running: FuturesUnordered<LocalBoxFuture<'a, (usize, Result<StepEvent, Error>)>>,
    /// Whether a step is finding out what it awaits: one at a time, so that nothing is found out twice,
    /// and perhaps otherwise.
    is_resolving: bool,
    set: usize,
}

/// What a step under way comes to.
enum StepEvent {
    /// It knows what it awaited, and so do all that await the same.
    Resolved(Box<Blueprint>),
    /// It is over.
    Done(StepResult),
}

impl Execution<'_> {
    /// Does all steps, or those that can be done until one fails.
    async fn steps(&mut self) -> Result<(), Error> {
        let mut ending = Ok(());
        loop {
            if ending.is_ok() {
                ending = self.start();
            }
            let Some((index, came)) = self.running.next().await else {
                return ending;
            };
            if let Err(error) = came.and_then(|came| self.on_event(index, came)) {
                self.schedule.failed(index);
                self.tell_failure(&error);
                self.shared.is_ending.set(true);
                if ending.is_ok() {
                    self.tell_what_is_waited_for();
                    ending = Err(error);
                }
            }
        }
    }

    /// Starts every step that may start.
    fn start(&mut self) -> Result<(), Error> {
        loop {
            self.shared.host.stop().check()?;
            let (steps, is_resolving) = (&self.plan.steps, self.is_resolving);
            let may = |index: usize| !is_resolving || steps[index].awaits.is_none();
            let Some(index) = self.schedule.begin(may) else {
                return Ok(());
            };
            self.timings.began(index);
            match steps[index].awaits.clone() {
                Some(awaits) => self.resolve(index, awaits),
                None => self.act(index),
            }
        }
    }

    /// Lets a step find out what it awaits.
    fn resolve(&mut self, index: usize, awaits: Unknown) {
        self.is_resolving = true;
        let (host, step) = (self.shared.host, self.plan.steps[index].id.clone());
        let mut updated = self.blueprint.clone();
        self.running.push(Box::pin(async move {
            let resolved = updated.resolve_awaited(host, &awaits).await;
            let came = match resolved {
                Ok(()) => Ok(StepEvent::Resolved(Box::new(updated))),
                Err(source) => Err(Error::Unknown { step, source }),
            };
            (index, came)
        }));
    }

    /// Lets a step be done.
    fn act(&mut self, index: usize) {
        let shared = self.shared;
        let step = self.plan.steps[index].clone();
        let place = Position {
            number: index + 1,
            total: self.plan.steps.len(),
        };
        let known = self.schedule.known(index);
        self.running.push(Box::pin(async move {
            let done = act(shared, step, place, known).await;
            (index, done.map(StepEvent::Done))
        }));
    }

    fn on_event(&mut self, index: usize, came: StepEvent) -> Result<(), Error> {
        match came {
            StepEvent::Resolved(updated) => self.replan(index, *updated),
            StepEvent::Done(StepResult::Left) => {
                self.schedule.requeue(index);
                Ok(())
            }
            StepEvent::Done(deed) => {
                self.timings.ended(index, deed == StepResult::Set);
                self.schedule.done(index, deed != StepResult::Nothing);
                self.set += usize::from(deed == StepResult::Set);
                Ok(())
            }
        }
    }

    /// Plans anew with what a step has found out. Steps keep their places.
    fn replan(&mut self, index: usize, updated: Blueprint) -> Result<(), Error> {
        self.is_resolving = false;
        *self.blueprint = updated;
        record_resolved(&mut self.shared.journal.borrow_mut(), self.blueprint)?;
        let Step { id, awaits, .. } = &self.plan.steps[index];
        let plan = self.blueprint.compile().map_err(|source| Error::Unknown {
            step: id.clone(),
            source,
        })?;
        if let Some(what) = awaits
            .clone()
            .filter(|_| plan.steps[index].awaits == *awaits)
        {
            return Err(Error::Unknown {
                step: id.clone(),
                source: blueprint::Error::StillUnknown { what },
            });
        }
        *self.plan = plan;
        self.schedule.requeue(index);
        Ok(())
    }

    /// Tells and records that a step failed; what becomes of the run is the caller's to say. After a signal
    /// it may be the signal that it failed of.
    fn tell_failure(&self, error: &Error) {
        let Some(failed) = error
            .step()
            .filter(|_| self.shared.host.stop().check().is_ok())
        else {
            return;
        };
        let text = crate::text::error::chain(error);
        self.shared.host.events().tell(Event::StepFailed {
            step: failed.to_owned(),
            error: text.clone(),
        });
        let mut journal = self.shared.journal.borrow_mut();
        let mut steps = journal.run().steps.iter();
        let begun = steps.find(|step| step.step == failed && !step.done);
        if let Some(key) = begun.map(|step| key(&step.resource)) {
            // that it cannot be recorded will show with the next record
            let _ = journal.write(Record::Failed { key, error: text });
        }
    }

    fn tell_what_is_waited_for(&self) {
        let steps: Vec<&str> = self
            .schedule
            .running()
            .map(|index| self.plan.steps[index].id.as_str())
            .collect();
        if steps.is_empty() {
            return;
        }
        let text = format!(
            "no other step is started; waiting for `{}` to come to an end",
            steps.join("`, `")
        );
        self.shared.host.events().tell(Event::Note { text });
    }
}

/// Puts newly resolved branches into the journal: this run and all later ones stay with them.
///
/// # Errors
/// If the journal cannot be written.
pub fn record_resolved(journal: &mut Journal, blueprint: &Blueprint) -> journal::Result<()> {
    for (source, commit) in blueprint.resolved() {
        if journal.run().resolved.get(source) != Some(commit) {
            journal.write(Record::Resolved {
                source: source.clone(),
                commit: commit.clone(),
            })?;
        }
    }
    Ok(())
}

impl Error {
    /// The step that it was about, where it was about one.
    #[must_use]
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::Step { step, .. }
            | Self::DidNotSettle { step, .. }
            | Self::Changed { step, .. }
            | Self::Unknown { step, .. } => Some(step),
            _ => None,
        }
    }
}
