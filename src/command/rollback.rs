//! `rollback`.

use clap::Args;

use crate::command::args::OfSite;
use crate::command::ending::{Ending, Refused, again_or_kept, failed, kept, misused, refused};
use crate::command::prompt::agree;
use crate::command::resume::{end_stragglers, make_durable, roll_back};
use crate::command::session::{back, begin, checked_name, has_others, load, take_lock};
use crate::engine::journal::{self, Journal, Run, Standing};
use crate::engine::rollback::{self, Stays};
use crate::event::{Event, Outcome};
use crate::host::{self, Host, Store, layout};
use crate::report::{Report, minute};
use crate::resource::AnyResource;
use crate::text::error::chain;

/// `rollback`.
#[derive(Clone, Debug, Args)]
pub struct Rollback {
    /// The site.
    #[command(flatten)]
    pub site: OfSite,
    /// Show what would go back and what would stay, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Leave what this step has changed as it is, and count it as taken back: for a step that cannot be taken back. May
    /// be given several times.
    #[arg(long, value_name = "STEP")]
    pub keep: Vec<String>,
    /// Do not ask. Needed if there is no terminal.
    #[arg(long, short)]
    pub yes: bool,
    /// For how long another program may hold apt's locks before the run gives up [default: 900].
    #[arg(long, value_name = "SECONDS")]
    pub apt_timeout: Option<u64>,
}

/// How many steps of a run are named in a question.
const MOST_NAMED: usize = 6;

/// Rolls back the newest run that is not rolled back yet.
///
/// # Errors
/// If nothing was changed. The error has the reason.
pub async fn rollback(host: Host, asked: &Rollback, report: &Report) -> Result<Ending, Refused> {
    if !nix::unistd::geteuid().is_root() {
        return Err(refused("this must be run by root; try `sudo`"));
    }
    let host = host.with_lock_timeout(asked.apt_timeout);
    let events = &host.events().clone();
    let name = site_name(&asked.site)?;
    let folder = host.path(&layout::state(&name));
    if !folder.exists() {
        return Err(refused(format!(
            "no run of the site `{name}` is recorded on this host"
        )));
    }
    // a dry run takes no lock
    let _lock = if asked.dry_run {
        None
    } else {
        Some(take_lock(&host, &name, "rollback")?)
    };
    let runs = journal::runs(&folder).map_err(failed)?;
    let Some(run) = runs
        .iter()
        .rev()
        .find(|run| run.standing != Standing::RolledBack)
    else {
        begin(events, "rollback", &name, None);
        return Ok(Ending::of(Outcome::Unchanged));
    };
    begin(events, "rollback", &name, Some(run.number));
    known(&asked.keep, run, &runs)?;
    let stays = Stays {
        others: has_others(&host, &name)?,
        steps: &asked.keep,
    };
    if let Some(text) = earlier(&runs, run) {
        events.tell(Event::Note { text });
    }
    let again = rollback::cleared(&host, &runs, run, stays).map_err(failed)?;
    if asked.dry_run || !asked.yes {
        rollback::show(&host, run, stays).await;
        for step in &again {
            let text = format!(
                "`{}` was cleared: it is made again first",
                step.resource.subject()
            );
            events.tell(Event::Note { text });
        }
    }
    if asked.dry_run {
        return Ok(Ending::of(Outcome::Pending).well());
    }
    if !asked.yes {
        let keep = kept(&asked.keep);
        let agreed = format!("{}{keep} --yes", back(&name));
        agree(&host, report, &question(run), agreed).await?;
    }
    end_stragglers(&host, &name).await?;
    make_durable(&host, &runs)?;
    let mut journal = Journal::resume(host.disk(), &folder, run.number).map_err(failed)?;
    let store = Store::new(host.disk(), &folder, run.number);
    let host = host.with_store(store);
    if let Err(error) = rollback::bring_again(&host, &again).await {
        return Err(lost(&name, run, &error));
    }
    let returned = match roll_back(&host, &mut journal, &runs, &name, stays, "").await {
        Ok(returned) => returned,
        Err(incomplete) => return Ok(incomplete),
    };
    if returned.idle.is_empty() {
        return Ok(Ending::of(Outcome::RolledBack).well());
    }
    let text = format!("it was taken back, but {}", returned.idle.join(", "));
    let next = format!("odoo-deploy status --site {name}   and `journalctl -u {name}`");
    Ok(Ending::of(Outcome::Unhealthy).because(text).then(next))
}

/// The ending if code that was cleared cannot be made again.
fn lost(name: &str, run: &Run, error: &host::Error) -> Ending {
    let links = run.steps.iter().filter_map(|step| match &step.resource {
        AnyResource::Link(_) | AnyResource::Service(_) => Some(step.step.clone()),
        _ => None,
    });
    let steps: Vec<String> = links.collect();
    refused(format!(
        "run {} goes back to code that was cleared and cannot be made again: {}; nothing was taken back",
        run.number,
        chain(error)
    ))
    .then(again_or_kept(name, &steps))
}

/// Refuses a `--keep` that is neither a step of the run to roll back, nor a step of an earlier run (such a service may
/// be restarted).
fn known(keep: &[String], run: &Run, runs: &[Run]) -> Result<(), Refused> {
    let is_of = |run: &Run, name: &String| run.steps.iter().any(|step| step.step == *name);
    let unknown = keep
        .iter()
        .find(|name| !is_of(run, name) && !runs.iter().any(|run| is_of(run, name)));
    let Some(unknown) = unknown else {
        return Ok(());
    };
    let names: Vec<&str> = run.steps.iter().map(|step| step.step.as_str()).collect();
    let text = format!(
        "`{unknown}` is no step of run {}; it has: {}",
        run.number,
        names.join(", ")
    );
    Err(misused(text))
}

fn question(run: &Run) -> String {
    let data = if run.committed {
        " Databases and files of users stay."
    } else {
        ""
    };
    format!("Take back {}?{data}", described(run))
}

/// Describes a run by its number, its beginning, and its steps that can be rolled back.
fn described(run: &Run) -> String {
    let steps = run.steps.iter().filter(|step| !step.undone);
    let steps: Vec<&str> = steps.map(|step| step.step.as_str()).collect();
    let named = steps[..steps.len().min(MOST_NAMED)].join(", ");
    let more = match steps.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (number, began) = (run.number, minute(run.began));
    format!("run {number} of {began}: {named}{more}")
}

/// Returns a note if the run to roll back is not the last one.
fn earlier(runs: &[Run], run: &Run) -> Option<String> {
    let last = runs.last().filter(|last| last.number != run.number)?;
    Some(format!(
        "run {}, the last one, is taken back already; this takes back an earlier one: {}",
        last.number,
        described(run)
    ))
}

/// The name of the site, from its configuration or from the arguments.
fn site_name(asked: &OfSite) -> Result<String, Refused> {
    if let Some(config) = &asked.config {
        return Ok(load(config)?.name.to_string());
    }
    checked_name(&asked.site)
}
