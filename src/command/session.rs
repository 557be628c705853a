//! What `install`, `audit`, `render` and `rollback` have in common: a site on this host, ready to
//! be looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::command::cleared::clearing;
use crate::command::unlisted::unlisted;
use crate::command::words::words;
use crate::command::{Ending, found};
use crate::engine::journal::{self, Lock, Run, Standing};
use crate::engine::observe::{Observed, observe};
use crate::event::{Event, Events, Found, Outcome};
use crate::host::stop::Stop;
use crate::host::{self, Host, Store};
use crate::inspect::finding::{self, Finding};
use crate::inspect::preflight;
use crate::odoo::facts::Facts;
use crate::plan::Plan;
use crate::plan::blueprint::{self, Blueprint};
use crate::report::Report;
use crate::resource::{AnyResource, Checkout, own_connections};
use crate::site::{Site, SiteError, SiteName};
use crate::text::error::chain;

/// A site on this host.
pub(super) struct Session {
    /// Held by an agent that is about to act.
    _lock: Option<Lock>,
    pub(super) host: Host,
    pub(super) facts: Facts,
    pub(super) blueprint: Blueprint,
    pub(super) folder: PathBuf,
    pub(super) config: PathBuf,
    pub(super) runs: Vec<Run>,
    /// What was wrong when the host was last observed.
    pub(super) found: Vec<Finding>,
}

/// Nothing was touched, and this is why.
pub(super) fn refused(reason: impl Into<String>) -> Ending {
    Ending::new(Outcome::Refused, 1).because(reason)
}

/// The configuration is wrong.
pub(super) fn misconfigured(reason: impl Into<String>) -> Ending {
    Ending::new(Outcome::Refused, 78).because(reason)
}

pub(super) fn load(config: &Path) -> Result<Site, Ending> {
    Site::load(config).map_err(|error| match error {
        SiteError::Invalid(wrong) => misconfigured(wrong.render(80, false)),
        SiteError::Read(error) => misconfigured(chain(&error)),
    })
}

/// A name as given, where it is one.
pub(super) fn checked_name(name: &str) -> Result<String, Ending> {
    let name: Result<SiteName, _> = name.parse();
    name.map(|name| name.to_string())
        .map_err(|e| Ending::new(Outcome::Refused, 64).because(e.to_string()))
}

pub(super) fn unplannable(error: blueprint::Error) -> Ending {
    match error {
        blueprint::Error::Invalid(wrong) => misconfigured(wrong.render(80, false)),
        blueprint::Error::Host(error) => refused(chain(&error)),
        blueprint::Error::Refused(reason) => refused(reason),
        error => misconfigured(chain(&error)),
    }
}

/// The folder of the journal of site `name`.
pub(super) fn journal_folder(host: &Host, name: &str) -> PathBuf {
    host.path(&Path::new("/var/lib/odoo-deploy").join(name))
}

/// The lock of site `name`. In memory: a run that changes nothing, or is refused, leaves no trace on
/// the disk.
pub(super) fn lock_file(host: &Host, name: &str) -> PathBuf {
    host.path(&Path::new("/run/odoo-deploy").join(format!("{name}.lock")))
}

impl Session {
    /// Reads the site, the host and the journals; refuses what cannot work here.
    pub(super) fn open(host: Host, config: &Path) -> Result<Self, Ending> {
        Self::read(host, config, |_, _| Ok(None))
    }

    /// The same for `command`, which is about to act: no other agent can from before the journals are read
    /// until this goes.
    pub(super) fn alone(host: Host, config: &Path, command: &str) -> Result<Self, Ending> {
        Self::read(host, config, |host, name| {
            begin(host.events(), command, name, None);
            take_lock(host, name, command).map(Some)
        })
    }

    fn read(
        host: Host,
        config: &Path,
        lock: impl FnOnce(&Host, &str) -> Result<Option<Lock>, Ending>,
    ) -> Result<Self, Ending> {
        let site = load(config)?;
        let facts = Facts::read(&host).map_err(|e| refused(chain(&e)))?;
        let release =
            preflight::machine(&facts, &site).map_err(|reasons| refused(reasons.join("\n")))?;
        for warning in &release.warnings {
            host.events().tell(Event::Note {
                text: warning.clone(),
            });
        }
        let lock = lock(&host, site.name.as_str())?;
        let folder = journal_folder(&host, site.name.as_str());
        let beside = config.parent().unwrap_or(Path::new(".")).to_owned();
        // what earlier runs have noted; a run that acts has its own number
        let notes = Store::new(host.disk(), &folder, 0);
        let host = host.with_notes(notes);
        let runs = journal::runs(&folder).map_err(|e| refused(chain(&e)))?;
        // a server of another host is not tuned, and clusters on this one do not matter to the site
        let least = match site.postgres.server {
            Some(_) => Ok(None),
            None => own_connections(&host),
        };
        let least = least.map_err(|e| refused(chain(&e)))?;
        let blueprint = Blueprint::new(site, release, facts.clone(), &beside, recorded(&runs))
            .map_err(unplannable)?
            .at_least(least)
            .with_own_server(asked_for_server(&runs))
            .clearing(clearing(&host, &runs).map_err(|e| refused(chain(&e)))?);
        Ok(Self {
            _lock: lock,
            host,
            facts,
            blueprint,
            folder,
            config: config.to_owned(),
            runs,
            found: Vec::new(),
        })
    }

    /// Reads the journals again.
    pub(super) fn reread(&mut self) -> Result<(), Ending> {
        self.runs = journal::runs(&self.folder).map_err(|e| refused(chain(&e)))?;
        Ok(())
    }

    /// The newest run, where it stands so.
    pub(super) fn last(&self, standing: Standing) -> Option<u32> {
        let newest = self.runs.last()?;
        (newest.standing == standing).then_some(newest.number)
    }

    /// Plans and observes; refuses what this host cannot hold.
    pub(super) async fn observe(&mut self) -> Result<(Plan, Observed), Ending> {
        self.blueprint
            .learn(&self.host)
            .await
            .map_err(unplannable)?;
        let plan = self.blueprint.compile().map_err(unplannable)?;
        let (observed, found) = tokio::join!(observe(&self.host, &plan), self.look(&plan));
        let observed = observed.map_err(|e| refused(chain(&e)))?;
        self.found = found;
        let ground = preflight::Ground {
            host: &self.host,
            facts: &self.facts,
            site: self.blueprint.site(),
            beside: self.config.parent().unwrap_or(Path::new(".")),
            workers: self.blueprint.workers(),
            plan: &plan,
            observed: &observed,
        };
        let met = preflight::plan(&ground).await;
        let met = met.map_err(|e| refused(chain(&e)))?;
        self.found.extend(met.findings);
        for text in met.notes {
            self.host.events().tell(Event::Note { text });
        }
        if met.reasons.is_empty() {
            Ok((plan, observed))
        } else {
            Err(refused(met.reasons.join("\n")))
        }
    }

    /// Looks for what is wrong on the host beside the plan.
    pub(super) async fn look(&self, plan: &Plan) -> Vec<Finding> {
        finding::look(finding::Ground {
            host: &self.host,
            facts: &self.facts,
            site: self.blueprint.site(),
            plan,
        })
        .await
    }

    /// Tells the plan, and what was found wrong on the way.
    pub(super) fn show(&self, plan: &Plan, observed: &Observed, found: Found) {
        // one that cannot be read has been an error of the plan
        for text in self.blueprint.beside(plan).unwrap_or_default() {
            self.host.events().tell(Event::Note { text });
        }
        for change in &observed.changes {
            self.host.events().tell(Event::Planned(change.clone()));
        }
        self.host.events().tell(Event::Plan(observed.totals()));
        let unlisted = unlisted(&self.runs, plan, observed);
        for text in words(plan, observed).into_iter().chain(unlisted) {
            self.host.events().tell(Event::Note { text });
        }
        found::tell(self.host.events(), &self.found, found);
    }
}

/// Begins to tell what `command` does to `site`.
pub(super) fn begin(events: &Events, command: &str, site: &str, run: Option<u32>) {
    events.tell(Event::Began {
        command: command.to_owned(),
        site: site.to_owned(),
        run,
    });
}

/// The commits that branches are at: what is deployed of them, else what they were found at; by the runs that hold,
/// the newest going first.
fn recorded(runs: &[Run]) -> BTreeMap<String, String> {
    let hold = |run: &&Run| matches!(run.standing, Standing::Open | Standing::Committed);
    let sources: Vec<&Checkout> = runs
        .iter()
        .filter(hold)
        .flat_map(|run| &run.steps)
        .filter_map(|step| match &step.resource {
            AnyResource::Checkout(checkout) => Some(checkout),
            _ => None,
        })
        .collect();
    let mut recorded = BTreeMap::new();
    for run in runs.iter().filter(hold) {
        recorded.extend(run.resolved.clone());
        // a commit that the site named was found at no branch, and is deployed all the same
        for step in run.steps.iter().filter(|step| step.done && !step.undone) {
            let AnyResource::Link(link) = &step.resource else {
                continue;
            };
            let mut sources = sources.iter();
            if let Some(source) = sources.find(|source| source.path == link.target) {
                let key = blueprint::source_key(&source.url, &source.branch);
                recorded.insert(key, source.commit.clone());
            }
        }
    }
    recorded
}

/// Whether runs that hold have asked for the distribution's PostgreSQL.
fn asked_for_server(runs: &[Run]) -> bool {
    let hold = runs
        .iter()
        .filter(|run| run.standing != Standing::RolledBack);
    let mut steps = hold.flat_map(|run| &run.steps);
    steps.any(|step| match &step.resource {
        AnyResource::Packages(packages) => packages.names.iter().any(|name| name == "postgresql"),
        _ => false,
    })
}

/// Whether sites other than `name` are deployed on this host.
pub(super) fn has_others(host: &Host, name: &str) -> Result<bool, Ending> {
    let all = Path::new("/var/lib/odoo-deploy");
    let names = host.list(all).map_err(|e| refused(chain(&e)))?;
    for other in names.iter().filter(|other| *other != name) {
        let runs = journal::runs(&journal_folder(host, other)).map_err(|e| refused(chain(&e)))?;
        if runs.iter().any(|run| run.standing != Standing::RolledBack) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Does `work`, and says at the first signal what becomes of it.
pub(super) async fn stoppable<T>(stop: &Stop, events: &Events, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = stop.asked() => (),
    }
    let text =
        "stopping when what is under way is done; a second signal kills what runs".to_owned();
    events.tell(Event::Note { text });
    work.await
}

/// Asks before anything is touched. A signal is a no, and so is that nobody can be asked: then `agreed` is the
/// command to type, which says yes beforehand.
pub(super) async fn agree(
    host: &Host,
    report: &Report,
    question: &str,
    agreed: String,
) -> Result<(), Ending> {
    let answer = tokio::select! {
        answer = report.confirm(question) => answer,
        () = host.stop().asked() => Some(false),
    };
    let text = "not confirmed; nothing was touched";
    match (host.stop().at_edge(), answer) {
        (Err(stopped), _) => Err(Ending::stopped(stopped).because(text)),
        (Ok(()), Some(true)) => Ok(()),
        (Ok(()), Some(false)) => Err(refused(text)),
        (Ok(()), None) => Err(refused(
            "there is no terminal on which to ask, and `--yes` was not given; nothing was touched",
        )
        .then(agreed)),
    }
}

/// The host was in the way before anything was touched, or a signal asked to stop.
pub(super) fn gave_up(error: &host::Error) -> Ending {
    match error {
        host::Error::Stopped(stopped) => Ending::stopped(*stopped).because(chain(error)),
        error => refused(chain(error)),
    }
}

/// Not all could be taken back, or a signal asked to stop on the way. What is tried again may fail again: the
/// owner can have the steps that `failed` stay as they are.
pub(super) fn incomplete(stop: &Stop, text: &str, name: &str, failed: &[String]) -> Ending {
    let ending = match stop.at_edge() {
        Ok(()) => Ending::new(Outcome::RollbackIncomplete, 4),
        Err(stopped) => Ending::stopped(stopped),
    };
    ending.because(text).then(again_or_kept(name, failed))
}

/// The two ways on from a way back that `failed` are left of.
pub(super) fn again_or_kept(name: &str, failed: &[String]) -> String {
    let back = back(name);
    if failed.is_empty() {
        return back;
    }
    format!(
        "{back}   (tries again) or {back}{}   (leaves as it is what cannot be taken back)",
        kept(failed)
    )
}

/// The arguments of `rollback` that keep `steps` as they are.
pub(super) fn kept(steps: &[String]) -> String {
    let add = |line: String, step: &String| line + " --keep " + step;
    steps.iter().fold(String::new(), add)
}

/// Takes the lock of site `name` for `command`.
pub(super) fn take_lock(host: &Host, name: &str, command: &str) -> Result<Lock, Ending> {
    let command = format!("odoo-deploy {command}");
    Lock::take(host.disk(), &lock_file(host, name), &command).map_err(|error| match error {
        journal::Error::Locked(_) => Ending::new(Outcome::Locked, 6).because(chain(&error)),
        error => refused(chain(&error)),
    })
}

/// The command line that takes a run back.
pub(super) fn back(name: &str) -> String {
    format!("odoo-deploy rollback --site {name}")
}
