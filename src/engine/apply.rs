//! Applies a plan: runs its steps concurrently, as far as their needs allow, and journals each.

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

/// Why a run did not finish.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A step could not be set.
    #[error("{subject} could not be set")]
    Step {
        /// The step.
        step: String,
        /// The resource.
        subject: String,
        /// What went wrong.
        source: crate::host::Error,
    },
    /// A step was set, but its resource is still not in the wanted state.
    #[error("{subject} did not settle: after it was set, {differs}")]
    DidNotSettle {
        /// The step.
        step: String,
        /// The resource.
        subject: String,
        /// The state found and the state wanted.
        differs: String,
    },
    /// The host changed after the plan was shown.
    #[error("the server changed since the plan: {subject} is not as it was")]
    Changed {
        /// The step.
        step: String,
        /// The resource.
        subject: String,
    },
    /// A value that the plan did not know yet could not be resolved.
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
    /// The journal could not be written. Without it, no further change is allowed.
    #[error(transparent)]
    Journal(#[from] journal::Error),
}

/// Applies `plan`, which must be the plan that the user was shown. As unknown values are resolved, `plan` is replaced
/// by the recompiled plan. Returns how many steps changed the host.
///
/// A step starts as soon as all steps that it needs are done. If several may start, the first in the plan's order
/// does. After a failure, or after a signal to stop, no step starts, and the running steps finish.
///
/// # Errors
/// If a step or a check fails. The journal then says what was done until the first failure.
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
        // a check may wait for minutes: a signal to stop ends it at once
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

/// A run in progress. Only this type starts steps and processes their results. A running step works on its own copy
/// of the step, even if the plan is replaced meanwhile.
struct Execution<'a> {
    shared: &'a Shared<'a>,
    blueprint: &'a mut Blueprint,
    plan: &'a mut Plan,
    schedule: Schedule<'a>,
    timings: Timings,
    running: FuturesUnordered<LocalBoxFuture<'a, (usize, Result<StepEvent, Error>)>>,
    /// Whether a step is resolving an unknown value. Only one step does so at a time: two might resolve the same branch
    /// to different commits.
    is_resolving: bool,
    set: usize,
}

/// What a running step reports.
enum StepEvent {
    /// The value that the step awaits is resolved, for all steps that await the same value.
    Resolved(Box<Blueprint>),
    /// The step is finished.
    Done(StepResult),
}

impl Execution<'_> {
    /// Runs all steps. After the first failure, waits for the running ones and returns the error.
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

    /// Starts every step that may start now.
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

    /// Starts to resolve the unknown value that a step awaits.
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

    /// Starts a step.
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

    /// Compiles the plan again with the values that a step has resolved. Steps keep their indexes.
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

    /// Reports and records that a step failed; the caller reports how the run ends. Does nothing after a signal: the
    /// signal itself may be the reason for the failure.
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
            // if this record cannot be written, the next one reports the error
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

/// Records newly resolved branches in the journal. This run and all later runs use the recorded commits.
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
    /// The step that failed, if the error is about a step.
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
