//! From what is to what is asked, one journalled step at a time.

use std::time::Instant;

use crate::blueprint::{self, Blueprint};
use crate::check::{self, Unhealthy};
use crate::event::Event;
use crate::host::Host;
use crate::journal::{self, Journal, Record, key};
use crate::observe::Observed;
use crate::plan::{Plan, Step};
use crate::stop::Stopped;

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
    #[error("{subject} did not settle: after it was set the host still is not as asked")]
    DidNotSettle {
        /// The step.
        step: String,
        /// The thing.
        subject: String,
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

/// Brings the host to what the blueprint asks. Answers how many steps were set.
///
/// # Errors
/// At the first step or check that fails; the journal says what was done until then.
pub async fn apply(
    host: &Host,
    journal: &mut Journal,
    blueprint: &mut Blueprint,
    observed: &Observed,
) -> Result<usize, Error> {
    let mut plan = compile(blueprint, "the plan")?;
    let mut set = 0;
    for index in 0..plan.steps.len() {
        host.stop().at_edge()?;
        plan = learn(host, journal, blueprint, plan, index).await?;
        let forecast = observed
            .changes
            .get(index)
            .is_none_or(|change| change.forecast);
        let known = observed.found.get(index).filter(|_| !forecast);
        set += usize::from(apply_step(host, journal, &plan, index, known).await?);
    }
    for check in &plan.checks {
        // nobody who asks to stop wants to wait for an answer
        tokio::select! {
            passed = check::pass(host, check, set > 0) => passed?,
            () = host.stop().asked() => (),
        }
        host.stop().at_edge()?;
    }
    Ok(set)
}

fn compile(blueprint: &Blueprint, step: &str) -> Result<Plan, Error> {
    blueprint.compile().map_err(|source| Error::Unknown {
        step: step.to_owned(),
        source,
    })
}

/// Where a step waits for something that only now can be known, finds it out and plans anew.
async fn learn(
    host: &Host,
    journal: &mut Journal,
    blueprint: &mut Blueprint,
    plan: Plan,
    index: usize,
) -> Result<Plan, Error> {
    let step = &plan.steps[index];
    if step.awaits.is_none() {
        return Ok(plan);
    }
    let failed = |source| Error::Unknown {
        step: step.id.clone(),
        source,
    };
    blueprint.learn(host).await.map_err(failed)?;
    record_resolved(journal, blueprint)?;
    let plan = compile(blueprint, &step.id)?;
    match &plan.steps[index].awaits {
        None => Ok(plan),
        Some(what) => Err(Error::Unknown {
            step: step.id.clone(),
            source: blueprint::Error::StillUnknown { what: what.clone() },
        }),
    }
}

/// Puts newly resolved branches into the journal: this run and all later ones stay with them.
///
/// # Errors
/// Where the journal cannot be written.
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

async fn apply_step(
    host: &Host,
    journal: &mut Journal,
    plan: &Plan,
    index: usize,
    known: Option<&crate::resource::AnyState>,
) -> Result<bool, Error> {
    let Step { id, resource, .. } = &plan.steps[index];
    let (step, subject) = (id.clone(), resource.subject());
    let what = key(resource);
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
    let key = key(resource);
    if before == after {
        // an earlier process was killed between the act and its record, and may not have cleared up
        if journal
            .run()
            .step(&key)
            .is_some_and(|begun| !begun.done && !begun.undone)
        {
            resource.set(host, &before, &after).await.map_err(failed)?;
            journal.write(Record::Done { key, state: before })?;
        }
        return Ok(false);
    }
    let causes = resource.causes(&before).map_err(failed)?;
    let began = Instant::now();
    journal.write(Record::Begin {
        step: step.clone(),
        resource: resource.clone(),
        before: before.clone(),
        after: after.clone(),
    })?;
    host.events().tell(Event::StepBegan {
        step: step.clone(),
        subject: subject.clone(),
        number: index + 1,
        total: plan.steps.len(),
        causes,
    });
    resource.set(host, &before, &after).await.map_err(failed)?;
    let state = resource.read(host).await.map_err(failed)?;
    if resource.want(&state).map_err(failed)? != state {
        return Err(Error::DidNotSettle {
            step,
            subject: what,
        });
    }
    journal.write(Record::Done { key, state })?;
    host.events().tell(Event::StepDone {
        step,
        subject,
        seconds: began.elapsed().as_secs_f64(),
    });
    Ok(true)
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
