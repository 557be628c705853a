//! Rollback in two passes: the newest step first, to remove what was created and stop what runs; then the oldest
//! first, to restore what was changed and start services on the restored files.
//!
//! A rollback needs only the journal, neither site nor playbook.

mod again;
mod show;
mod stays;

use std::collections::BTreeMap;

pub use again::{bring_again, cleared};
pub use show::show;
pub use stays::Stays;

use crate::engine::journal::{self, Journal, Record, Run, Standing, Step, key};
use crate::event::Event;
use crate::host::stop::Stopped;
use crate::host::{Error, Host, Result};
use crate::resource::service::{self, Service};
use crate::resource::{AnyResource, AnyState, Moved, Resource};

/// Why a rollback did not finish.
#[derive(Debug, thiserror::Error)]
pub enum Stuck {
    /// The journal could not be written. Without it, no further change is allowed.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// A signal asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// The result of a rollback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// The steps that could not be rolled back.
    pub failed: Vec<String>,
    /// How many resources were left as they are on purpose.
    pub kept: usize,
    /// One message for each service that was started again and does not work.
    pub idle: Vec<String>,
}

/// Rolls back the run of `journal`, except the steps in `stays`. Continues after a step that fails. `runs` are all
/// runs of the site.
///
/// # Errors
/// If the journal cannot be written, or a signal asked to stop. Steps that cannot be rolled back are in the
/// returned value.
pub async fn rollback(
    host: &Host,
    journal: &mut Journal,
    runs: &[Run],
    stays: Stays<'_>,
) -> Result<Returned, Stuck> {
    journal.write(Record::RollingBack {
        time: journal::now(),
    })?;
    let again = started_again(journal.run(), stays);
    let mut returned = take_back(host, journal, stays, |_| true).await?;
    start_anew(host, journal, runs, stays, &mut returned).await;
    if returned.failed.is_empty() {
        for service in again {
            await_up(host, &service, &mut returned).await;
        }
        journal.write(Record::RolledBack {
            time: journal::now(),
        })?;
    }
    Ok(returned)
}

/// Rolls back those steps of the run of `journal` for which `chosen` returns true.
///
/// # Errors
/// If the journal cannot be written, or a signal asked to stop.
pub async fn take_back(
    host: &Host,
    journal: &mut Journal,
    stays: Stays<'_>,
    chosen: impl Fn(&Step) -> bool,
) -> Result<Returned, Stuck> {
    debug_assert!(matches!(
        journal.run().standing,
        Standing::Open | Standing::RollingBack
    ));
    let steps: Vec<Step> = journal
        .run()
        .steps
        .iter()
        .filter(|step| !step.undone && chosen(step))
        .cloned()
        .collect();
    let mut returned = Returned::default();
    for step in steps.iter().rev() {
        host.stop().check()?;
        let stays = stays.reason(journal.run(), step);
        if step.before.is_some() {
            if stays.is_none()
                && let Err(error) = come_to_rest(host, step).await
            {
                tell_failure(host, journal, step, &error, &mut returned)?;
            }
        } else if let Some(reason) = stays {
            keep(host, journal, step, reason, &mut returned)?;
        } else {
            settle(host, journal, step, &mut returned).await?;
        }
    }
    let there = steps.iter().filter(|step| step.before.is_some());
    let (first, rest): (Vec<&Step>, Vec<&Step>) =
        there.partition(|step| step.resource.is_restored_first());
    // these newest first: later packages depend on earlier ones
    for step in first.into_iter().rev().chain(rest) {
        host.stop().check()?;
        if let Some(reason) = stays.reason(journal.run(), step) {
            keep(host, journal, step, reason, &mut returned)?;
        } else if step.resource.is_shared() && !returned.failed.is_empty() {
            let stands = returned.failed.join("`, `");
            let error = Error::impossible(format!(
                "`{}` stays until `{stands}` can be taken back, which may depend on it",
                step.resource.subject()
            ));
            tell_failure(host, journal, step, &error, &mut returned)?;
        } else {
            settle(host, journal, step, &mut returned).await?;
        }
    }
    Ok(returned)
}

/// The services that the rollback starts again: those that ran before the run.
fn started_again(run: &Run, stays: Stays<'_>) -> Vec<Service> {
    let steps = run.steps.iter().filter(|step| !step.undone);
    let steps = steps.filter(|step| stays.reason(run, step).is_none());
    let services = steps.filter_map(|step| match &step.resource {
        AnyResource::Service(service) if !service.shared => Some((service, &step.before)),
        _ => None,
    });
    let ran = |before: &AnyState| before.as_ref().is_some_and(|state| state["active"] == true);
    services
        .filter(|(_, before)| ran(before))
        .map(|(service, _)| service.clone())
        .collect()
}

/// Waits until a restarted service works, and notes in `returned` if it does not.
async fn await_up(host: &Host, service: &Service, returned: &mut Returned) {
    let wrong = match service::await_up(host, service).await {
        Ok(wrong) => wrong,
        Err(error) => Some(crate::text::error::chain(&error)),
    };
    if let Some(text) = wrong {
        host.events().tell(Event::Note { text: text.clone() });
        returned.idle.push(text);
    }
}

/// Restarts services of earlier runs that this run did not touch, if they run on files that were just rolled back:
/// a reboot or an administrator may have started them in the middle of the run.
async fn start_anew(
    host: &Host,
    journal: &Journal,
    runs: &[Run],
    stays: Stays<'_>,
    returned: &mut Returned,
) {
    let standing = runs
        .iter()
        .filter(|run| run.standing == Standing::Committed);
    let services: BTreeMap<String, (&Step, &Service)> = standing
        .flat_map(|run| &run.steps)
        .filter(|step| !step.undone)
        .filter_map(|step| match &step.resource {
            AnyResource::Service(service) => Some((key(&step.resource), (step, service))),
            _ => None,
        })
        .collect();
    for (key, (step, service)) in services {
        if journal.run().step(&key).is_some() || stays.names(&step.step) {
            continue;
        }
        let subject = service.subject();
        match service
            .start_anew(host, journal.run().moment.as_ref())
            .await
        {
            Ok(false) => (),
            Ok(true) => {
                let text = format!("restarted `{subject}`, so that it uses what was restored");
                host.events().tell(Event::Note { text });
            }
            Err(error) => {
                let (step, error) = (step.step.clone(), crate::text::error::chain(&error));
                returned.failed.push(step.clone());
                host.events().tell(Event::UndoFailed { step, error });
            }
        }
    }
}

/// Stops the resource of a step, if it is one that runs.
async fn come_to_rest(host: &Host, step: &Step) -> Result<()> {
    let now = step.resource.read(host).await?;
    let rest = step.resource.paused(&now)?;
    if rest != now {
        step.resource.set(host, &now, &rest).await?;
    }
    Ok(())
}

/// Restores one resource to its state before the run, and records it.
async fn settle(
    host: &Host,
    journal: &mut Journal,
    step: &Step,
    returned: &mut Returned,
) -> journal::Result<()> {
    match set_back(host, step).await {
        Ok(Moved::Applied) => {
            journal.write(Record::Undone {
                key: key(&step.resource),
                kept: None,
            })?;
            let (step, subject) = (step.step.clone(), step.resource.subject());
            host.events().tell(Event::Undone { step, subject });
            Ok(())
        }
        Ok(Moved::Kept(reason)) if returned.failed.is_empty() => {
            keep(host, journal, step, &reason, returned)
        }
        // perhaps kept only because another step failed: as a failure it is tried again together with that step
        Ok(Moved::Kept(reason)) => {
            let error = Error::impossible(format!("`{}`: {reason}", step.resource.subject()));
            tell_failure(host, journal, step, &error, returned)
        }
        Err(error) => tell_failure(host, journal, step, &error, returned),
    }
}

async fn set_back(host: &Host, step: &Step) -> Result<Moved> {
    let resource = &step.resource;
    let now: AnyState = resource.read(host).await?;
    let back = resource.rollback_target(&now, &step.before, &step.after)?;
    // also if the states are equal: an interrupted change may have left something incomplete
    let moved = resource.set(host, &now, &back).await?;
    if moved != Moved::Applied {
        return Ok(moved);
    }
    let then = resource.read(host).await?;
    // a resource with a residue may differ from its old state, but must be gone if it was absent before
    let confessed = back.is_some() && resource.residue(&step.before)?.is_some();
    if then == back || confessed {
        return Ok(moved);
    }
    Err(Error::impossible(format!(
        "`{}` is not as it was before, although it was set back: {}",
        resource.subject(),
        resource.differs(&then, &back, "was")
    )))
}

fn keep(
    host: &Host,
    journal: &mut Journal,
    step: &Step,
    reason: &str,
    returned: &mut Returned,
) -> journal::Result<()> {
    journal.write(Record::Undone {
        key: key(&step.resource),
        kept: Some(reason.to_owned()),
    })?;
    let (step, subject, reason) = (
        step.step.clone(),
        step.resource.subject(),
        reason.to_owned(),
    );
    host.events().tell(Event::Kept {
        step,
        subject,
        reason,
    });
    returned.kept += 1;
    Ok(())
}

fn tell_failure(
    host: &Host,
    journal: &mut Journal,
    step: &Step,
    error: &Error,
    returned: &mut Returned,
) -> journal::Result<()> {
    let text = crate::text::error::chain(error);
    journal.write(Record::UndoFailed {
        key: key(&step.resource),
        error: text.clone(),
    })?;
    host.events().tell(Event::UndoFailed {
        step: step.step.clone(),
        error: text,
    });
    if !returned.failed.contains(&step.step) {
        returned.failed.push(step.step.clone());
    }
    Ok(())
}
