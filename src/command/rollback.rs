//! `rollback`.

use crate::cli::{OfSite, Rollback};
use crate::command::Ending;
use crate::command::resume::{end_stragglers, make_durable};
use crate::command::session::{
    agree, begin, checked_name, has_others, incomplete, journal_folder, load, refused, take_lock,
};
use crate::error::chain;
use crate::event::Outcome;
use crate::host::{Host, Store};
use crate::journal::{self, Journal, Run, Standing};
use crate::report::Report;
use crate::rollback;

/// Takes the newest run that holds back.
///
/// # Errors
/// Where nothing was touched, with the reason.
pub async fn rollback(host: Host, asked: &Rollback, report: &Report) -> Result<Ending, Ending> {
    if !nix::unistd::geteuid().is_root() {
        return Err(refused("this must be run by root; try `sudo`"));
    }
    let host = host.with_patience(asked.apt_timeout);
    let events = &host.events().clone();
    let name = site_name(&asked.site)?;
    let folder = journal_folder(&host, &name);
    if !folder.exists() {
        return Err(refused(format!(
            "no run of the site `{name}` is recorded on this host"
        )));
    }
    let _lock = take_lock(&host, &name, "rollback")?;
    let runs = journal::runs(&folder).map_err(|e| refused(chain(&e)))?;
    let Some(run) = runs
        .iter()
        .rev()
        .find(|run| run.standing != Standing::RolledBack)
    else {
        begin(events, "rollback", &name, None);
        return Ok(Ending::new(Outcome::Unchanged, 0));
    };
    begin(events, "rollback", &name, Some(run.number));
    if !asked.yes {
        agree(&host, report, &question(run)).await?;
    }
    end_stragglers(&host, &name).await?;
    make_durable(&host, &runs)?;
    let mut journal =
        Journal::resume(host.disk(), &folder, run.number).map_err(|e| refused(chain(&e)))?;
    let store = Store::new(host.disk(), &folder, run.number);
    let host = host.with_store(store);
    let others = has_others(&host, &name)?;
    match rollback::rollback(&host, &mut journal, &runs, others).await {
        Ok(returned) if returned.failed.is_empty() => Ok(Ending::new(Outcome::RolledBack, 0)),
        Ok(returned) => Ok(incomplete(
            host.stop(),
            &format!("not taken back: {}", returned.failed.join(", ")),
            &name,
        )),
        Err(error) => Ok(incomplete(host.stop(), &chain(&error), &name)),
    }
}

fn question(run: &Run) -> String {
    let steps: Vec<&str> = run
        .steps
        .iter()
        .filter(|step| !step.undone)
        .map(|step| step.step.as_str())
        .collect();
    let data = if run.committed {
        " Databases and files of users stay."
    } else {
        ""
    };
    format!("Take back run {}: {}?{data}", run.number, steps.join(", "))
}

/// The name of a site, by its configuration or as given.
fn site_name(asked: &OfSite) -> Result<String, Ending> {
    if let Some(config) = &asked.config {
        return Ok(load(config)?.name.to_string());
    }
    checked_name(&asked.site)
}
