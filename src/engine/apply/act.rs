//! One step, from what is to what is asked, journalled.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use crate::check;
use crate::engine::apply::Error;
use crate::engine::journal::{Journal, Record, key};
use crate::event::Event;
use crate::host::Host;
use crate::plan::Step;
use crate::resource::AnyState;

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepResult {
    /// The host was as asked.
    Nothing,
    /// The host was as asked, and what a killed agent had left half made was cleared away.
    ClearedUp,
    /// It was set.
    Set,
    /// It is as it was: before it began another failed, or a signal asked to stop.
    Left,
}

/// What the steps of a run share that are under way.
pub(super) struct Shared<'a> {
    pub(super) host: &'a Host,
    /// Borrowed for no longer than it takes to write a record.
    pub(super) journal: RefCell<&'a mut Journal>,
    /// Whether a step has failed: from then on none begins.
    pub(super) is_ending: Cell<bool>,
}

/// The place of a step: from 1, and of how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) number: usize,
    pub(super) total: usize,
}

/// Sets a step.
pub(super) async fn act(
    shared: &Shared<'_>,
    step: Step,
    place: Position,
    known: Option<&AnyState>,
) -> Result<StepResult, Error> {
    let Shared { host, journal, .. } = shared;
    let Step {
        id,
        resource,
        trials,
        ..
    } = step;
    let (step, subject) = (id, resource.subject());
    let what = key(&resource);
    let failed = |source| Error::Step {
        step: step.clone(),
        subject: what.clone(),
        source,
    };
    let before = resource.read(host).await.map_err(failed)?;
    let after = resource.want(&before).map_err(failed)?;
    // what was known when the plan was shown must still be so, or as asked: systemd may have been at
    // work for a killed agent. A service may have been shaken by the steps before it, and is no
    // longer known then
    if known.is_some_and(|known| *known != before) && before != after {
        return Err(Error::Changed {
            step,
            subject: what,
        });
    }
    // it may be there only now that a server runs which stood still when the plan was made
    if let Some(reason) = resource.refuses(&before).map_err(failed)? {
        return Err(failed(crate::host::Error::impossible(reason)));
    }
    let key = key(&resource);
    // an earlier process was killed between the act and its record, and may not have cleared up
    let begun = |step: &crate::engine::journal::Step| !step.done && !step.undone;
    if before == after && !journal.borrow().run().step(&key).is_some_and(begun) {
        return Ok(StepResult::Nothing);
    }
    if shared.is_ending.get() || host.stop().check().is_err() {
        return Ok(StepResult::Left);
    }
    if before == after {
        resource.set(host, &before, &after).await.map_err(failed)?;
        let state = before;
        journal.borrow_mut().write(Record::Done { key, state })?;
        return Ok(StepResult::ClearedUp);
    }
    let causes = resource.causes(&before).map_err(failed)?;
    for trial in trials.iter().filter(|trial| trial.is_due(&causes)) {
        check::pass(host, trial, true).await?;
        host.stop().check()?;
    }
    let began = Instant::now();
    journal.borrow_mut().write(Record::Begin {
        step: step.clone(),
        resource: resource.clone(),
        before: before.clone(),
        after: after.clone(),
    })?;
    host.events().tell(Event::StepBegan {
        step: step.clone(),
        subject: subject.clone(),
        number: place.number,
        total: place.total,
        causes,
    });
    resource.set(host, &before, &after).await.map_err(failed)?;
    let state = resource.read(host).await.map_err(failed)?;
    let asked = resource.want(&state).map_err(failed)?;
    if asked != state {
        return Err(Error::DidNotSettle {
            step,
            subject: what,
            differs: resource.differs(&state, &asked, "should be"),
        });
    }
    journal.borrow_mut().write(Record::Done { key, state })?;
    host.events().tell(Event::StepDone {
        step,
        subject,
        seconds: began.elapsed().as_secs_f64(),
    });
    Ok(StepResult::Set)
}
