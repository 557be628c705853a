//! What an earlier process left, before another goes on.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::command::Ending;
use crate::command::session::{Session, gave_up, has_others, incomplete, refused};
use crate::engine::journal::{Journal, Run, Standing};
use crate::engine::rollback::{Stays, rollback};
use crate::event::Event;
use crate::host::{Host, Store};
use crate::resource::wait_for_apt;
use crate::text::error::chain;

/// What a killed agent left: its children are ended, and a way back that it had begun is gone to
/// its end.
pub(super) async fn settle_earlier(session: &mut Session, name: &str) -> Result<(), Ending> {
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
    let mut journal = Journal::resume(session.host.disk(), &session.folder, number)
        .map_err(|e| refused(chain(&e)))?;
    let host =
        session
            .host
            .clone()
            .with_store(Store::new(session.host.disk(), &session.folder, number));
    let stays = Stays {
        others: has_others(&host, name)?,
        steps: &[],
    };
    let returned = rollback(&host, &mut journal, &session.runs, stays)
        .await
        .map_err(|e| incomplete(host.stop(), &chain(&e), name, &[]))?;
    if returned.failed.is_empty() {
        return session.reread();
    }
    let failed = &returned.failed;
    let text = format!("not taken back: {}", failed.join(", "));
    Err(incomplete(host.stop(), &text, name, failed))
}

/// Ends what a killed run of `site` has left running, and lets its apt come to its end.
pub(super) async fn end_stragglers(host: &Host, site: &str) -> Result<(), Ending> {
    let ended = host
        .end_stragglers(site)
        .await
        .map_err(|e| refused(chain(&e)))?;
    for process in ended {
        let text = format!(
            "ended `{}` (pid {}), which a killed run had left",
            process.command, process.pid
        );
        host.events().tell(Event::Note { text });
    }
    wait_for_apt(host).await.map_err(|e| gave_up(&e))
}

/// Puts on disk what a killed run did and did not sync: from now on it counts as done.
pub(super) fn make_durable(host: &Host, runs: &[Run]) -> Result<(), Ending> {
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
            host.sync(folder).map_err(|e| refused(chain(&e)))?;
        }
    }
    Ok(())
}
