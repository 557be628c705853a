//! Clears up what an earlier process left, before a command continues.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::command::ending::{Ending, Refused, failed, gave_up, incomplete};
use crate::command::session::{Session, has_others};
use crate::engine::journal::{Journal, Run, Standing};
use crate::engine::rollback::{Returned, Stays, rollback};
use crate::event::Event;
use crate::host::{Host, Store};
use crate::resource::wait_for_apt;
use crate::text::error::chain;

/// Clears up after a killed process: ends its child processes, and finishes a rollback that it had begun.
pub(super) async fn settle_earlier(session: &mut Session, name: &str) -> Result<(), Refused> {
    let back = session.last(Standing::RollingBack);
    if back.is_none() && session.last(Standing::Open).is_none() {
        return Ok(());
    }
    end_stragglers(&session.host, name).await?;
    make_durable(&session.host, &session.runs)?;
    let Some(number) = back else {
        return Ok(());
    };
    let text = format!("run {number} was being taken back; finishing that first");
    session.host.events().tell(Event::Note { text });
    let mut journal =
        Journal::resume(session.host.disk(), &session.folder, number).map_err(failed)?;
    let host =
        session
            .host
            .clone()
            .with_store(Store::new(session.host.disk(), &session.folder, number));
    let stays = Stays {
        others: has_others(&host, name)?,
        steps: &[],
    };
    roll_back(&host, &mut journal, &session.runs, name, stays, "").await?;
    session.reread()
}

/// Rolls back the run of `journal` of the site `name`. `reason` is the error that caused the rollback, or empty.
///
/// # Errors
/// If a step could not be rolled back. The ending says what to do next.
pub(super) async fn roll_back(
    host: &Host,
    journal: &mut Journal,
    runs: &[Run],
    name: &str,
    stays: Stays<'_>,
    reason: &str,
) -> Result<Returned, Ending> {
    let (text, left) = match rollback(host, journal, runs, stays).await {
        Ok(returned) if returned.failed.is_empty() => return Ok(returned),
        Ok(returned) => {
            let text = format!("not taken back: {}", returned.failed.join(", "));
            (text, returned.failed)
        }
        Err(error) => (chain(&error), Vec::new()),
    };
    let text = format!("{reason}\n{text}");
    Err(incomplete(host.stop(), text.trim_start(), name, &left))
}

/// Ends the processes that a killed run of `site` has left, and waits until its apt has finished.
pub(super) async fn end_stragglers(host: &Host, site: &str) -> Result<(), Refused> {
    let ended = host.end_stragglers(site).await.map_err(failed)?;
    for process in ended {
        let text = format!(
            "ended `{}` (pid {}), which a killed run had left",
            process.command, process.pid
        );
        host.events().tell(Event::Note { text });
    }
    wait_for_apt(host).await.map_err(|e| gave_up(&e))
}

/// Syncs the disks that a killed run has changed: its changes may not be on disk, and from now on they count as done.
pub(super) fn make_durable(host: &Host, runs: &[Run]) -> Result<(), Refused> {
    let mut disks = BTreeSet::new();
    for step in runs.last().iter().flat_map(|run| &run.steps) {
        let subject = PathBuf::from(step.resource.subject());
        let above = subject.ancestors().skip(1);
        let there =
            above.filter_map(|folder| Some((folder, fs::metadata(host.path(folder)).ok()?)));
        let mut there = there.filter(|(folder, _)| folder.is_absolute());
        if let Some((folder, meta)) = there.next()
            && disks.insert(meta.dev())
        {
            host.sync(folder).map_err(failed)?;
        }
    }
    Ok(())
}
