//! Sets one step and journals it.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use crate::check;
use crate::engine::apply::Error;
use crate::engine::journal::{Journal, Record, key};
use crate::event::Event;
use crate::host::Host;
use crate::plan::Step;
use crate::resource::AnyState;

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepResult {
    /// The host was already as asked.
    Nothing,
    /// The host was already as asked, and what a killed process had left incomplete was cleared away.
    ClearedUp,
    /// The step changed the host.
    Set,
    /// The step was not begun, because another step failed or a signal asked to stop.
    Left,
}

/// What the running steps share.
pub(super) struct Shared<'a> {
    pub(super) host: &'a Host,
    /// Borrowed only while a record is written or looked up.
    pub(super) journal: RefCell<&'a mut Journal>,
    /// Whether a step has failed. From then on no step begins.
    pub(super) is_ending: Cell<bool>,
}

/// The place of a step in its plan, counted from 1, and the number of steps.
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
    // a state that was known when the plan was shown must be unchanged, or already as asked: systemd may have finished
    // a job of a killed process. `known` is `None` if earlier steps may have changed this resource
    if known.is_some_and(|known| *known != before) && before != after {
        return Err(Error::Changed {
            step,
            subject: what,
        });
    }
    // the reason may be visible only now: a server may run that was stopped when the plan was made
    if let Some(reason) = resource.refuses(&before).map_err(failed)? {
        return Err(failed(crate::host::Error::impossible(reason)));
    }
    let key = key(&resource);
    // an earlier process may have been killed between a change and its record, before it cleared up
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
