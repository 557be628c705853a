//! `install` and `audit`.

use std::path::Path;

use crate::check;
use clap::{Args, ValueEnum};

use crate::command::args::ForSites;
use crate::command::ending::{Ending, Refused};
use crate::command::found;
use crate::command::prompt::agree;
use crate::command::resume::settle_earlier;
use crate::command::run::{again, open_journal, run};
use crate::command::session::{Session, begin};
use crate::engine::journal::Standing;
use crate::event::{Found, Outcome};
use crate::host::Host;
use crate::plan::Plan;
use crate::report::Report;

/// `install`.
#[derive(Clone, Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "flags of a command line, each of its own"
)]
pub struct Install {
    /// The sites.
    #[command(flatten)]
    pub sites: ForSites,
    /// Show the plan and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// With `--dry-run`: exit with 2 if changes are pending.
    #[arg(long, requires = "dry_run")]
    pub exit_code: bool,
    /// Do not ask, for any of the sites. Needed if there is no terminal.
    #[arg(long, short)]
    pub yes: bool,
    /// What becomes of a run that fails.
    #[arg(long, value_enum, default_value_t = OnFailure::Rollback, value_name = "WHAT")]
    pub on_failure: OnFailure,
    /// Run new code of installed modules on the database as it is: their views, rights and reports are not updated.
    #[arg(long)]
    pub code_only: bool,
    /// Say at the end how long each step took, and which ones the others had to wait for.
    #[arg(long)]
    pub timings: bool,
    /// For how long another program may hold apt's locks before the run gives up [default: 900].
    #[arg(long, value_name = "SECONDS")]
    pub apt_timeout: Option<u64>,
}

/// What becomes of a run that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnFailure {
    /// It is taken back.
    Rollback,
    /// It stays as it is, to be looked at; `install` goes on with it, `rollback` takes it back.
    Keep,
}

/// Reports what differs from the site's configuration. Changes nothing.
pub(super) async fn audit(host: Host, config: &Path) -> Result<Ending, Refused> {
    let mut session = Session::open(host, config)?;
    let name = session.blueprint.site().name.to_string();
    begin(session.host.events(), "audit", &name, None);
    let (plan, observed) = session.observe().await?;
    session.show(&plan, &observed, Found::Now);
    let wrong = found::wrong(&session.found);
    if !observed.is_settled() {
        let ending = wrong.unwrap_or(Ending::of(Outcome::Pending));
        return Ok(ending.then(again("install", config)));
    }
    checks(&session.host, &plan).await?;
    if let Some(wrong) = wrong {
        return Ok(wrong);
    }
    Ok(Ending::of(Outcome::Unchanged))
}

/// Installs or updates the site that `config` describes.
///
/// # Errors
/// If nothing was changed. The error has the reason.
pub async fn install(
    host: Host,
    config: &Path,
    asked: &Install,
    report: &Report,
) -> Result<Ending, Refused> {
    let host = host.with_lock_timeout(asked.apt_timeout);
    if asked.dry_run {
        let mut session = Session::open(host, config)?;
        let name = session.blueprint.site().name.as_str();
        begin(session.host.events(), "install", name, None);
        let (plan, observed) = session.observe().await?;
        session.show(&plan, &observed, Found::Now);
        return Ok(if observed.is_settled() {
            Ending::of(Outcome::Unchanged)
        } else if asked.exit_code {
            Ending::of(Outcome::Pending)
        } else {
            Ending::of(Outcome::Pending).well()
        });
    }
    let mut session = Session::alone(host, config, "install")?;
    if asked.code_only {
        session.blueprint.allow_code_only();
    }
    let name = session.blueprint.site().name.to_string();
    settle_earlier(&mut session, &name).await?;
    let (plan, observed) = session.observe().await?;
    session.show(&plan, &observed, Found::Before);
    let open = session.last(Standing::Open);
    if observed.is_settled() && open.is_none() {
        checks(&session.host, &plan).await?;
        return Ok(Ending::of(Outcome::Unchanged));
    }
    if !asked.yes && !observed.is_settled() {
        let agreed = format!("{} --yes", again("install", config));
        agree(&session.host, report, "Go ahead?", agreed).await?;
    }
    let mut journal = open_journal(&mut session, &name, open)?;
    Ok(run(&mut session, &mut journal, plan, &observed, asked).await)
}

/// Runs the plan's checks on a host on which no step is pending.
async fn checks(host: &Host, plan: &Plan) -> Result<(), Refused> {
    for check in &plan.checks {
        let unhealthy = |e: check::Unhealthy| Ending::of(Outcome::Unhealthy).because(e.to_string());
        check::pass(host, check, false).await.map_err(unhealthy)?;
    }
    Ok(())
}
