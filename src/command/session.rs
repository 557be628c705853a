//! The part that `install`, `audit`, `render`, `graph` and `rollback` share: a site on this host, with its journals and
//! its blueprint.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::command::cleared::clearing;
use crate::command::ending::{
    Ending, Refused, failed, misconfigured, misused, refused, unplannable,
};
use crate::command::found;
use crate::command::orphan_modules::orphan_modules;
use crate::command::orphan_steps::orphan_steps;
use crate::command::words::words;
use crate::engine::journal::{self, Lock, Run, Standing};
use crate::engine::observe::{Observed, observe};
use crate::event::{Event, Events, Found, Outcome};
use crate::host::{Host, Store, layout};
use crate::inspect::finding::{self, Finding};
use crate::inspect::preflight;
use crate::odoo::facts::Facts;
use crate::odoo::target::Target;
use crate::plan::Plan;
use crate::plan::blueprint::{self, Blueprint};
use crate::resource::{AnyResource, Checkout, own_connections};
use crate::site::{Site, SiteError, SiteName};
use crate::text::error::chain;

/// A site on this host.
pub(super) struct Session {
    /// The lock of the site, for a command that may change the host.
    _lock: Option<Lock>,
    pub(super) host: Host,
    pub(super) facts: Facts,
    pub(super) blueprint: Blueprint,
    pub(super) folder: PathBuf,
    pub(super) config: PathBuf,
    pub(super) runs: Vec<Run>,
    /// The findings when the host was last observed.
    pub(super) found: Vec<Finding>,
}

pub(super) fn load(config: &Path) -> Result<Site, Refused> {
    Site::load(config).map_err(|error| match error {
        SiteError::Invalid(wrong) => misconfigured(wrong.render(80, false)),
        SiteError::Read(error) => misconfigured(chain(&error)),
    })
}

/// Returns `name`, if it is a valid name of a site.
pub(super) fn checked_name(name: &str) -> Result<String, Refused> {
    let name: Result<SiteName, _> = name.parse();
    name.map(|name| name.to_string())
        .map_err(|e| misused(e.to_string()))
}

impl Session {
    /// Reads the site, the facts of the host and the journals. Refuses a site that cannot work on this host.
    pub(super) fn open(host: Host, config: &Path) -> Result<Self, Refused> {
        Self::read(host, config, |_, _| Ok(None))
    }

    /// As [`Self::open`], for a `command` that may change the host. Takes the lock of the site before the journals are
    /// read, and holds it until the session is dropped.
    pub(super) fn alone(host: Host, config: &Path, command: &str) -> Result<Self, Refused> {
        Self::read(host, config, |host, name| {
            begin(host.events(), command, name, None);
            take_lock(host, name, command).map(Some)
        })
    }

    fn read(
        host: Host,
        config: &Path,
        lock: impl FnOnce(&Host, &str) -> Result<Option<Lock>, Refused>,
    ) -> Result<Self, Refused> {
        let site = load(config)?;
        let facts = Facts::read(&host).map_err(failed)?;
        let target = target(&facts, &site)?;
        for warning in &target.warnings {
            host.events().tell(Event::Note {
                text: warning.clone(),
            });
        }
        let lock = lock(&host, site.name.as_str())?;
        let folder = host.path(&layout::state(site.name.as_str()));
        let beside = config.parent().unwrap_or(Path::new(".")).to_owned();
        // number 0 reads the notes of all earlier runs; a run that changes the host opens the store with its own number
        let notes = Store::new(host.disk(), &folder, 0);
        let host = host.with_notes(notes);
        let runs = journal::runs(&folder).map_err(failed)?;
        // a database server on another host is not tuned, and the local PostgreSQL does not matter then
        let least = match site.postgres.server {
            Some(_) => Ok(None),
            None => own_connections(&host),
        };
        let least = least.map_err(failed)?;
        let blueprint = Blueprint::new(site, target, facts.clone(), &beside, recorded(&runs))
            .map_err(unplannable)?
            .at_least(least)
            .with_own_server(asked_for_server(&runs))
            .clearing(clearing(&host, &runs).map_err(failed)?);
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
    pub(super) fn reread(&mut self) -> Result<(), Refused> {
        self.runs = journal::runs(&self.folder).map_err(failed)?;
        Ok(())
    }

    /// The number of the newest run, if it has this standing.
    pub(super) fn last(&self, standing: Standing) -> Option<u32> {
        let newest = self.runs.last()?;
        (newest.standing == standing).then_some(newest.number)
    }

    /// Compiles the plan and observes the host. Refuses a plan that this host has no room for.
    pub(super) async fn observe(&mut self) -> Result<(Plan, Observed), Refused> {
        self.blueprint
            .resolve_unknowns(&self.host)
            .await
            .map_err(unplannable)?;
        let plan = self.blueprint.compile().map_err(unplannable)?;
        let (observed, found, orphan_steps) = tokio::join!(
            observe(&self.host, &plan),
            self.look(&plan),
            orphan_steps(&self.host, &self.runs, &plan)
        );
        let observed = observed.map_err(failed)?;
        self.found = found;
        if let Some(text) = orphan_steps.map_err(failed)? {
            self.host.events().tell(Event::Note { text });
        }
        let ground = preflight::Inspected {
            host: &self.host,
            facts: &self.facts,
            site: self.blueprint.site(),
            beside: self.config.parent().unwrap_or(Path::new(".")),
            workers: self.blueprint.workers(),
            plan: &plan,
            observed: &observed,
        };
        let met = preflight::plan(&ground).await;
        let met = met.map_err(failed)?;
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

    /// Collects the findings on the host.
    pub(super) async fn look(&self, plan: &Plan) -> Vec<Finding> {
        finding::look(finding::Surveyed {
            host: &self.host,
            facts: &self.facts,
            site: self.blueprint.site(),
            plan,
        })
        .await
    }

    /// Reports the plan and the findings.
    pub(super) fn show(&self, plan: &Plan, observed: &Observed, found: Found) {
        // a file that cannot be read was already an error when the plan was compiled
        for text in self.blueprint.beside(plan).unwrap_or_default() {
            self.host.events().tell(Event::Note { text });
        }
        for change in &observed.changes {
            self.host.events().tell(Event::Planned(change.clone()));
        }
        self.host.events().tell(Event::Plan(observed.totals()));
        let orphan_modules = orphan_modules(&self.runs, plan, observed);
        for text in words(plan, observed).into_iter().chain(orphan_modules) {
            self.host.events().tell(Event::Note { text });
        }
        found::tell(self.host.events(), &self.found, found);
    }
}

/// The target of the site on this machine.
fn target(facts: &Facts, site: &Site) -> Result<Target, Refused> {
    let mut reasons = preflight::machine(facts, site);
    match Target::on(facts, site.odoo.version) {
        Ok(target) if reasons.is_empty() => return Ok(target),
        Ok(_) => (),
        Err(reason) => reasons.push(reason),
    }
    Err(refused(reasons.join("\n")))
}

/// Reports that `command` begins to work on `site`.
pub(super) fn begin(events: &Events, command: &str, site: &str, run: Option<u32>) {
    events.tell(Event::Began {
        command: command.to_owned(),
        site: site.to_owned(),
        run,
    });
}

/// The commits of branches: the deployed commit, or else the commit that the branch was resolved to. Only runs that
/// are not rolled back count, and newer runs take precedence.
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
        // a commit that `site.toml` names was never resolved from a branch, but is deployed
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

/// Whether runs that are not rolled back have asked for the distribution's PostgreSQL.
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
pub(super) fn has_others(host: &Host, name: &str) -> Result<bool, Refused> {
    for other in layout::other_sites(host, name).map_err(failed)? {
        let runs = journal::runs(&host.path(&layout::state(&other))).map_err(failed)?;
        if runs.iter().any(|run| run.standing != Standing::RolledBack) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes the lock of site `name` for `command`.
pub(super) fn take_lock(host: &Host, name: &str, command: &str) -> Result<Lock, Refused> {
    let command = format!("odoo-deploy {command}");
    Lock::take(host.disk(), &host.path(&layout::lock(name)), &command).map_err(
        |error| match error {
            journal::Error::Locked(_) => Ending::of(Outcome::Locked).because(chain(&error)),
            error => failed(error),
        },
    )
}

/// The command line that rolls back the last run of a site.
pub(super) fn back(name: &str) -> String {
    format!("odoo-deploy rollback --site {name}")
}
