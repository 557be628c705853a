//! A run, from its first journal record to its ending.

use std::path::Path;

use crate::command::ending::{Ending, Refused, failed};
use crate::command::found;
use crate::command::install::{Install, OnFailure};
use crate::command::resume::roll_back;
use crate::command::session::{Session, back, has_others};
use crate::engine::apply::{self, apply};
use crate::engine::journal::{self, FORMAT, Journal, Record, key};
use crate::engine::observe::Observed;
use crate::engine::rollback::{Stays, take_back};
use crate::event::{Event, Outcome};
use crate::host::{BootTime, Host, Store};
use crate::plan::Plan;
use crate::plan::blueprint::local;
use crate::resource::{AnyResource, Issuer};
use crate::site::{Site, Tls};
use crate::text::error::chain;

/// Opens the journal of a new run, or of the run `open` to continue it.
pub(super) fn open_journal(
    session: &mut Session,
    name: &str,
    open: Option<u32>,
) -> Result<Journal, Refused> {
    let mut journal = if let Some(number) = open {
        let text = format!("going on with run {number}, which did not come to its end");
        session.host.events().tell(Event::Note { text });
        let mut journal =
            Journal::resume(session.host.disk(), &session.folder, number).map_err(failed)?;
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
            moment: Some(BootTime::now(&session.host).map_err(failed)?),
        };
        Journal::begin(session.host.disk(), &session.folder, number, opened).map_err(failed)?
    };
    apply::record_resolved(&mut journal, &session.blueprint).map_err(failed)?;
    let store = Store::new(session.host.disk(), &session.folder, journal.run().number);
    session.host = session.host.clone().with_store(store);
    Ok(journal)
}

/// Applies the plan, then commits the run or rolls it back.
pub(super) async fn run(
    session: &mut Session,
    journal: &mut Journal,
    mut plan: Plan,
    observed: &Observed,
    asked: &Install,
) -> Ending {
    let host = session.host.clone();
    let (name, config) = (
        session.blueprint.site().name.to_string(),
        session.config.clone(),
    );
    // after a signal, the run is not rolled back: whoever sent a second signal does not want to wait for a rollback
    let stopped = |text: &str| {
        let stopped = host.stop().check().err()?;
        let next = on_or_back(&name, &config);
        Some(Ending::stopped(stopped).because(text).then(next))
    };
    let blueprint = &mut session.blueprint;
    let mut applied = apply(&host, journal, blueprint, &mut plan, observed).await;
    if applied.is_ok() {
        let now = session.look(&plan).await;
        let judged = found::after(host.events(), &session.found, now);
        applied = applied.and_then(|set| Ok(judged.map(|()| set)?));
    }
    let Err(error) = applied else {
        let Err(text) = commit(&host, journal, &plan).await else {
            return done(session, &host, &plan).await;
        };
        return stopped(&text).unwrap_or_else(|| {
            let ending = Ending::of(Outcome::Failed);
            ending.because(text).then(back(&name))
        });
    };
    let text = chain(&error);
    if let Some(ending) = stopped(&text) {
        return ending;
    }
    if let apply::Error::Journal(_) = error {
        return Ending::of(Outcome::Failed).because(text).then(back(&name));
    }
    if asked.on_failure == OnFailure::Keep {
        let outcome = match error {
            apply::Error::Unhealthy(_) => Outcome::Unhealthy,
            _ => Outcome::Failed,
        };
        return Ending::of(outcome)
            .because(text)
            .then(on_or_back(&name, &config));
    }
    // if the other sites cannot be read, assume that there are some, and keep what they may need
    let stays = Stays {
        others: has_others(&host, &name).unwrap_or(true),
        steps: &[],
    };
    match roll_back(&host, journal, &session.runs, &name, stays, &text).await {
        Ok(_) => {
            let next = format!("{}   (when that is mended)", again("install", &config));
            Ending::of(Outcome::RolledBack).because(text).then(next)
        }
        Err(incomplete) => incomplete,
    }
}

async fn commit(host: &Host, journal: &mut Journal, plan: &Plan) -> Result<(), String> {
    abandon(host, journal, plan).await?;
    journal
        .write(Record::Committed {
            time: journal::now(),
        })
        .map_err(|e| chain(&e))
}

/// Rolls back what an earlier attempt of this run has changed and the site no longer asks for, because its
/// configuration was edited in between. Only at the end of a run is everything that the site asks for known.
async fn abandon(host: &Host, journal: &mut Journal, plan: &Plan) -> Result<(), String> {
    let asked: Vec<String> = plan.steps.iter().map(|step| key(&step.resource)).collect();
    let unasked = |step: &journal::Step| !asked.contains(&key(&step.resource));
    let stays = Stays {
        others: true,
        steps: &[],
    };
    let returned = take_back(host, journal, stays, unasked)
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

/// The ending of a successful run: the address, and how to sign in.
async fn done(session: &Session, host: &Host, plan: &Plan) -> Ending {
    let site = session.blueprint.site();
    let mut next = vec![format!("{} answers", address(site))];
    for step in &plan.steps {
        match &step.resource {
            // a database that existed before has another password
            AnyResource::Database(database)
                if Box::pin(database.is_made_here(host)).await.unwrap_or(false) =>
            {
                let password = database.password.display();
                next.push(format!(
                    "sign in as `admin` with the password in {password}"
                ));
            }
            AnyResource::Certificate(authority) if authority.issuer == Issuer::Itself => {
                let path = authority.path.display();
                next.push(format!(
                    "import {path} into the browsers, as an authority for web sites"
                ));
            }
            _ => (),
        }
    }
    Ending::of(Outcome::Changed).then(next.join("; "))
}

/// The URL of the site.
fn address(site: &Site) -> String {
    match (&site.proxy, &site.domain) {
        (Some(proxy), Some(domain)) if proxy.tls == Tls::None => format!("http://{domain}"),
        (Some(_), Some(domain)) => format!("https://{domain}"),
        _ => format!(
            "http://{}:{}",
            local(site.http.interface),
            site.http.port.number()
        ),
    }
}

/// The two possible next commands after a run that is not finished: continue, or roll back.
fn on_or_back(name: &str, config: &Path) -> String {
    format!(
        "{}   (goes on) or {}   (takes back)",
        again("install", config),
        back(name)
    )
}

/// The command line of `command` for a site.
pub(super) fn again(command: &str, config: &Path) -> String {
    format!("odoo-deploy {command} --config {}", config.display())
}
