//! `install` and `audit`.

use std::path::Path;

use crate::check;
use crate::command::args::Install;
use crate::command::resume::settle_earlier;
use crate::command::run::{again, open_journal, run};
use crate::command::session::{Session, agree, begin};
use crate::command::{Ending, found};
use crate::engine::journal::Standing;
use crate::event::{Found, Outcome};
use crate::host::Host;
use crate::plan::Plan;
use crate::report::Report;

/// Says what differs, and changes nothing.
pub(super) async fn audit(host: Host, config: &Path) -> Result<Ending, Ending> {
    let mut session = Session::open(host, config)?;
    let name = session.blueprint.site().name.to_string();
    begin(session.host.events(), "audit", &name, None);
    let (plan, observed) = session.observe().await?;
    session.show(&plan, &observed, Found::Now);
    let wrong = found::wrong(&session.found);
    if !observed.is_settled() {
        let ending = wrong.unwrap_or(Ending::new(Outcome::Pending, 2));
        return Ok(ending.then(again("install", config)));
    }
    checks(&session.host, &plan).await?;
    if let Some(wrong) = wrong {
        return Ok(wrong);
    }
    Ok(Ending::new(Outcome::Unchanged, 0))
}

/// Brings the host to what the site of `config` asks.
///
/// # Errors
/// If nothing was touched, with the reason.
pub async fn install(
    host: Host,
    config: &Path,
    asked: &Install,
    report: &Report,
) -> Result<Ending, Ending> {
    let host = host.with_patience(asked.apt_timeout);
    if asked.dry_run {
        let mut session = Session::open(host, config)?;
        let name = session.blueprint.site().name.as_str();
        begin(session.host.events(), "install", name, None);
        let (plan, observed) = session.observe().await?;
        session.show(&plan, &observed, Found::Now);
        let pending = !observed.is_settled();
        let code = if pending && asked.exit_code { 2 } else { 0 };
        let outcome = if pending {
            Outcome::Pending
        } else {
            Outcome::Unchanged
        };
        return Ok(Ending::new(outcome, code));
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
        return Ok(Ending::new(Outcome::Unchanged, 0));
    }
    if !asked.yes && !observed.is_settled() {
        let agreed = format!("{} --yes", again("install", config));
        agree(&session.host, report, "Go ahead?", agreed).await?;
    }
    let mut journal = open_journal(&mut session, &name, open)?;
    Ok(run(&mut session, &mut journal, plan, &observed, asked).await)
}

/// The checks of a host that is as it should be.
async fn checks(host: &Host, plan: &Plan) -> Result<(), Ending> {
    for check in &plan.checks {
        let unhealthy =
            |e: check::Unhealthy| Ending::new(Outcome::Unhealthy, 5).because(e.to_string());
        check::pass(host, check, false).await.map_err(unhealthy)?;
    }
    Ok(())
}
