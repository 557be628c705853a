//! `install` and `audit`.

use crate::apply::{self, apply};
use crate::blueprint::local;
use crate::check;
use crate::cli::{ForSite, Install, OnFailure};
use crate::command::Ending;
use crate::command::session::{Session, begin, has_others, lock_file, refused};
use crate::error::chain;
use crate::event::{Event, Outcome};
use crate::host::{Host, Store};
use crate::journal::{self, FORMAT, Journal, Lock, Record, Standing, key};
use crate::observe::Observed;
use crate::plan::Plan;
use crate::report::Report;
use crate::resource::wait_for_apt;
use crate::rollback::{rollback, take_back};

/// Says what differs, and changes nothing.
pub(super) async fn audit(host: Host, asked: &ForSite) -> Result<Ending, Ending> {
    let mut session = Session::open(host, &asked.config)?;
    let name = session.blueprint.site().name.to_string();
    begin(session.host.events(), "audit", &name, None);
    let (plan, observed) = session.observe().await?;
    session.show(&observed);
    if !observed.is_settled() {
        return Ok(Ending::new(Outcome::Pending, 2).then(again("install", asked)));
    }
    checks(&session.host, &plan).await?;
    Ok(Ending::new(Outcome::Unchanged, 0))
}

/// Brings the host to what the site asks.
///
/// # Errors
/// Where nothing was touched, with the reason.
pub async fn install(host: Host, asked: &Install, report: &Report) -> Result<Ending, Ending> {
    let mut session = Session::open(host, &asked.site.config)?;
    let name = session.blueprint.site().name.to_string();
    begin(session.host.events(), "install", &name, None);
    if asked.dry_run {
        let (_, observed) = session.observe().await?;
        session.show(&observed);
        let pending = !observed.is_settled();
        let code = if pending && asked.exit_code { 2 } else { 0 };
        let outcome = if pending {
            Outcome::Pending
        } else {
            Outcome::Unchanged
        };
        return Ok(Ending::new(outcome, code));
    }
    let lock =
        Lock::take(&lock_file(&session.host, &name), "odoo-deploy install").map_err(locked)?;
    settle_earlier(&session, &name).await?;
    let (plan, observed) = session.observe().await?;
    session.show(&observed);
    let open = last(&session, Standing::Open)?;
    if observed.is_settled() && open.is_none() {
        checks(&session.host, &plan).await?;
        return Ok(Ending::new(Outcome::Unchanged, 0));
    }
    if !asked.yes && !observed.is_settled() && report.confirm("Go ahead?") == Some(false) {
        return Ok(refused("not confirmed; nothing was touched"));
    }
    let mut journal = open_journal(&mut session, &name, open)?;
    let ending = run(&mut session, &mut journal, &observed, asked).await;
    drop(lock);
    Ok(ending)
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

/// What a killed agent left: its children are ended, and a way back that it had begun is gone to
/// its end.
async fn settle_earlier(session: &Session, name: &str) -> Result<(), Ending> {
    if last(session, Standing::Open)?.is_none() && last(session, Standing::RollingBack)?.is_none() {
        return Ok(());
    }
    let ended = session
        .host
        .end_stragglers(name)
        .await
        .map_err(|e| refused(chain(&e)))?;
    for process in ended {
        let text = format!(
            "ended `{}` (pid {}), which a killed run had left",
            process.command, process.pid
        );
        session.host.events().tell(Event::Note { text });
    }
    wait_for_apt(&session.host)
        .await
        .map_err(|e| refused(chain(&e)))?;
    let Some(number) = last(session, Standing::RollingBack)? else {
        return Ok(());
    };
    let text = format!("run {number} was being taken back; finishing that first");
    session.host.events().tell(Event::Note { text });
    let mut journal = Journal::resume(&session.folder, number).map_err(|e| refused(chain(&e)))?;
    let host = session
        .host
        .clone()
        .with_store(Store::new(&session.folder, number));
    let others = has_others(&host, name)?;
    let returned = rollback(&host, &mut journal, others)
        .await
        .map_err(|e| incomplete(&chain(&e), name))?;
    if returned.failed.is_empty() {
        Ok(())
    } else {
        Err(incomplete(&returned.failed.join(", "), name))
    }
}

/// The newest run, where it stands so.
fn last(session: &Session, standing: Standing) -> Result<Option<u32>, Ending> {
    let runs = journal::runs(&session.folder).map_err(|e| refused(chain(&e)))?;
    Ok(runs
        .last()
        .filter(|run| run.standing == standing)
        .map(|run| run.number))
}

fn open_journal(session: &mut Session, name: &str, open: Option<u32>) -> Result<Journal, Ending> {
    let failed = |e: journal::Error| refused(chain(&e));
    let mut journal = if let Some(number) = open {
        let text = format!("going on with run {number}, which did not come to its end");
        session.host.events().tell(Event::Note { text });
        let mut journal = Journal::resume(&session.folder, number).map_err(failed)?;
        journal
            .write(Record::Resumed {
                time: journal::now(),
            })
            .map_err(failed)?;
        journal
    } else {
        let number = journal::next_number(&session.folder).map_err(failed)?;
        let opened = Record::Opened {
            format: FORMAT,
            site: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time: journal::now(),
        };
        Journal::begin(&session.folder, number, opened).map_err(failed)?
    };
    apply::record_resolved(&mut journal, &session.blueprint).map_err(failed)?;
    let store = Store::new(&session.folder, journal.run().number);
    session.host = session.host.clone().with_store(store);
    Ok(journal)
}

/// Takes back what an earlier attempt of the run has touched and the site, changed since, no
/// longer asks for. Only at the end is everything known that the site asks for.
async fn abandon(session: &Session, journal: &mut Journal) -> Result<(), String> {
    let plan = session.blueprint.compile().map_err(|e| chain(&e))?;
    let asked: Vec<String> = plan.steps.iter().map(|step| key(&step.resource)).collect();
    let unasked = |step: &journal::Step| !asked.contains(&key(&step.resource));
    let returned = take_back(&session.host, journal, true, unasked)
        .await
        .map_err(|e| chain(&e))?;
    if returned.failed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "what the site no longer asks for could not be taken back: {}",
        returned.failed.join(", ")
    ))
}

async fn commit(session: &Session, journal: &mut Journal) -> Result<(), String> {
    abandon(session, journal).await?;
    journal
        .write(Record::Committed {
            time: journal::now(),
        })
        .map_err(|e| chain(&e))
}

async fn run(
    session: &mut Session,
    journal: &mut Journal,
    observed: &Observed,
    asked: &Install,
) -> Ending {
    let host = session.host.clone();
    let name = session.blueprint.site().name.to_string();
    let Err(error) = apply(&host, journal, &mut session.blueprint, observed).await else {
        return match commit(session, journal).await {
            Ok(()) => done(session),
            Err(text) => Ending::new(Outcome::Failed, 1)
                .because(text)
                .then(back(&name)),
        };
    };
    let text = chain(&error);
    if let apply::Error::Stopped(stopped) = &error {
        let code = u8::try_from(128 + stopped.signal).unwrap_or(130);
        let next = format!(
            "{}   (goes on) or {}   (takes back)",
            again("install", &asked.site),
            back(&name)
        );
        return Ending::new(Outcome::Interrupted, code)
            .because(text)
            .then(next);
    }
    if let Some(step) = error.step() {
        host.events().tell(Event::StepFailed {
            step: step.to_owned(),
            error: text.clone(),
        });
    }
    record_failure(journal, &error, &text);
    if let apply::Error::Journal(_) = error {
        return Ending::new(Outcome::Failed, 1)
            .because(text)
            .then(back(&name));
    }
    if asked.on_failure == OnFailure::Keep {
        let unhealthy = matches!(error, apply::Error::Unhealthy(_));
        let (outcome, code) = if unhealthy {
            (Outcome::Unhealthy, 5)
        } else {
            (Outcome::Failed, 1)
        };
        let next = format!(
            "{}   (goes on) or {}   (takes back)",
            again("install", &asked.site),
            back(&name)
        );
        return Ending::new(outcome, code).because(text).then(next);
    }
    // where that cannot be told, other sites are taken to be there: what they may need stays
    let others = has_others(&host, &name).unwrap_or(true);
    match rollback(&host, journal, others).await {
        Ok(returned) if returned.failed.is_empty() => {
            Ending::new(Outcome::RolledBack, 3).because(text)
        }
        Ok(returned) => incomplete(
            &format!("{text}\nnot taken back: {}", returned.failed.join(", ")),
            &name,
        ),
        Err(error) => incomplete(&format!("{text}\n{}", chain(&error)), &name),
    }
}

/// What the owner wants to know at the end.
fn done(session: &Session) -> Ending {
    let site = session.blueprint.site();
    let address = local(site.http.interface);
    let next = format!(
        "http://{address}:{} answers; sign in as `admin` with the password in {}/secrets/admin-password",
        site.http.port.number(),
        site.paths.state
    );
    Ending::new(Outcome::Changed, 0).then(next)
}

fn record_failure(journal: &mut Journal, error: &apply::Error, text: &str) {
    let begun = journal
        .run()
        .steps
        .iter()
        .find(|step| error.step() == Some(&step.step) && !step.done);
    let Some(key) = begun.map(|step| key(&step.resource)) else {
        return;
    };
    // the failure is told in any case; that it cannot be recorded will show with the next record
    let _ = journal.write(Record::Failed {
        key,
        error: text.to_owned(),
    });
}

pub(super) fn incomplete(text: &str, name: &str) -> Ending {
    Ending::new(Outcome::RollbackIncomplete, 4)
        .because(text)
        .then(back(name))
}

pub(super) fn locked(error: journal::Error) -> Ending {
    match error {
        journal::Error::Locked(_) => Ending::new(Outcome::Locked, 6).because(chain(&error)),
        error => refused(chain(&error)),
    }
}

fn again(command: &str, asked: &ForSite) -> String {
    format!("odoo-deploy {command} --config {}", asked.config.display())
}

fn back(name: &str) -> String {
    format!("odoo-deploy rollback --site {name}")
}
