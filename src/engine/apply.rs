//! From what is to what is asked: steps side by side, each journalled, as far as their needs allow.

mod act;
mod course;
mod timings;

use std::cell::{Cell, RefCell};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use self::act::{Deed, Place, Shared, act};
use self::course::Course;
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
    /// Something that the plan waited for could not be learnt.
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
/// learnt on the way. Returns how many steps were set.
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
    let mut run = Run {
        shared: &shared,
        blueprint,
        course: Course::new(&plan.steps, observed),
        timings: Timings::new(plan.steps.len()),
        under_way: FuturesUnordered::new(),
        is_learning: false,
        set: 0,
        plan,
    };
    run.steps().await?;
    let Run {
        plan, timings, set, ..
    } = run;
    for check in &plan.checks {
        // nobody who asks to stop wants to wait for an answer
        tokio::select! {
            passed = check::pass(host, check, set > 0) => passed?,
            () = host.stop().asked() => (),
        }
        host.stop().at_edge()?;
    }
    if set > 0 {
        let steps = timings.told(&plan.steps);
        host.events().tell(Event::Timings { steps });
    }
    Ok(set)
}

/// A run under way. This alone starts steps and takes in what came of them; a step under way keeps to
/// what it was given.
struct Run<'a> {
    shared: &'a Shared<'a>,
    blueprint: &'a mut Blueprint,
    plan: &'a mut Plan,
    course: Course<'a>,
    timings: Timings,
    under_way: FuturesUnordered<LocalBoxFuture<'a, (usize, Result<Came, Error>)>>,
    /// Whether a step is finding out what it awaits: one at a time, so that nothing is found out twice,
    /// and perhaps otherwise.
    is_learning: bool,
    set: usize,
}

/// What a step under way comes to.
enum Came {
    /// It knows what it awaited, and so do all that await the same.
    Learnt(Box<Blueprint>),
    /// It is over.
    Done(Deed),
}

impl Run<'_> {
    /// Does all steps, or those that can be done until one fails.
    async fn steps(&mut self) -> Result<(), Error> {
        let mut ending = Ok(());
        loop {
            if ending.is_ok() {
                ending = self.start();
            }
            let Some((index, came)) = self.under_way.next().await else {
                return ending;
            };
            if let Err(error) = came.and_then(|came| self.take_in(index, came)) {
                self.course.failed(index);
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
            self.shared.host.stop().at_edge()?;
            let (steps, is_learning) = (&self.plan.steps, self.is_learning);
            let may = |index: usize| !is_learning || steps[index].awaits.is_none();
            let Some(index) = self.course.begin(may) else {
                return Ok(());
            };
            self.timings.began(index);
            match steps[index].awaits.clone() {
                Some(awaits) => self.learn(index, awaits),
                None => self.act(index),
            }
        }
    }

    /// Lets a step find out what it awaits.
    fn learn(&mut self, index: usize, awaits: Unknown) {
        self.is_learning = true;
        let (host, step) = (self.shared.host, self.plan.steps[index].id.clone());
        let mut wiser = self.blueprint.clone();
        self.under_way.push(Box::pin(async move {
            let learnt = wiser.learn_awaited(host, &awaits).await;
            let came = match learnt {
                Ok(()) => Ok(Came::Learnt(Box::new(wiser))),
                Err(source) => Err(Error::Unknown { step, source }),
            };
            (index, came)
        }));
    }

    /// Lets a step be done.
    fn act(&mut self, index: usize) {
        let shared = self.shared;
        let step = self.plan.steps[index].clone();
        let place = Place {
            number: index + 1,
            total: self.plan.steps.len(),
        };
        let known = self.course.known(index);
        self.under_way.push(Box::pin(async move {
            let done = act(shared, step, place, known).await;
            (index, done.map(Came::Done))
        }));
    }

    fn take_in(&mut self, index: usize, came: Came) -> Result<(), Error> {
        match came {
            Came::Learnt(wiser) => self.take_over(index, *wiser),
            Came::Done(Deed::Left) => {
                self.course.put_back(index);
                Ok(())
            }
            Came::Done(deed) => {
                self.timings.ended(index, deed == Deed::Set);
                self.course.done(index, deed != Deed::Nothing);
                self.set += usize::from(deed == Deed::Set);
                Ok(())
            }
        }
    }

    /// Plans anew with what a step has found out. Steps keep their places.
    fn take_over(&mut self, index: usize, wiser: Blueprint) -> Result<(), Error> {
        self.is_learning = false;
        *self.blueprint = wiser;
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
        self.course.put_back(index);
        Ok(())
    }

    /// Tells and records that a step failed; what becomes of the run is the caller's to say. After a signal
    /// it may be the signal that it failed of.
    fn tell_failure(&self, error: &Error) {
        let Some(failed) = error
            .step()
            .filter(|_| self.shared.host.stop().at_edge().is_ok())
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
            .course
            .under_way()
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
