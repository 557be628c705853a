//! The way back: down, last first; then up, first first.
//!
//! Walking down, what was not there before goes and what runs comes to rest; walking up, what was
//! there is put back, and started again on the old ground. Nothing but the journal is needed.

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

/// Why the way back did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Stuck {
    /// The journal could not be written; nothing may be done without it.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// A signal asked to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// How the way back ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// The steps that could not be taken back.
    pub failed: Vec<String>,
    /// The things that were left on purpose.
    pub kept: usize,
    /// What runs again and is not at work.
    pub idle: Vec<String>,
}

/// Takes the journal's run back, less what stays. Keeps going past failures. `runs` are the site's, as they were
/// read.
///
/// # Errors
/// If the journal cannot be written, or a signal asked to stop. That a step cannot be taken back
/// is in the answer.
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

/// Takes back what `chosen` chooses of the journal's run.
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
    // last first: packages that came later stand on those that came before
    for step in first.into_iter().rev().chain(rest) {
        host.stop().check()?;
        if let Some(reason) = stays.reason(journal.run(), step) {
            keep(host, journal, step, reason, &mut returned)?;
        } else if step.resource.is_shared() && !returned.failed.is_empty() {
            let stands = returned.failed.join("`, `");
            let error = Error::impossible(format!(
                "`{}` stays until `{stands}` can be taken back, which may stand on it",
                step.resource.subject()
            ));
            tell_failure(host, journal, step, &error, &mut returned)?;
        } else {
            settle(host, journal, step, &mut returned).await?;
        }
    }
    Ok(returned)
}

/// The services that the way back starts again: those that ran before.
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

/// Lets what was started again come to work: whoever goes back wants to know that it does.
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

/// Starts anew what earlier runs had started and this one did not touch, where it runs on what was
/// taken back: a boot, or somebody's hand, started it between the steps of the run.
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
                let text = format!("started `{subject}` anew on what is there now");
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

/// Stops what runs, and leaves the rest as it is.
async fn come_to_rest(host: &Host, step: &Step) -> Result<()> {
    let now = step.resource.read(host).await?;
    let rest = step.resource.paused(&now)?;
    if rest != now {
        step.resource.set(host, &now, &rest).await?;
    }
    Ok(())
}

/// Brings one thing to where it was, and records it.
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
        // perhaps only because of what failed: it is tried again with that
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
    // also where nothing differs: an interrupted move may have left something half made
    let moved = resource.set(host, &now, &back).await?;
    if moved != Moved::Applied {
        return Ok(moved);
    }
    let then = resource.read(host).await?;
    // what is left may differ from what it was; it is never there where there was nothing
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
