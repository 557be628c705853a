//! A blueprint: a site, a playbook and the facts of a machine, from which a plan is compiled.

mod beside;
mod built_in;
mod compile;
mod earlier;
mod names;
mod optional;
mod own;
mod packages;
mod proxy;
mod sources;
mod unknowns;

pub use beside::holds_steps;
pub use built_in::{EXTRA, PLAYBOOK, built_in};
pub use sources::source_key;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::host;
use crate::odoo::facts::Facts;
use crate::odoo::target::Target;
use crate::plan::playbook::Playbook;
use crate::plan::sizing::{self, Capacity, Sizing};
use crate::plan::{Plan, Unknown};
use crate::resource::AnyResource;
use crate::site::{Site, Workers};
use crate::text::diagnostic::Diagnostics;
use crate::text::source::ReadError;

/// Why a plan could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A playbook or a template is wrong.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
    /// A file beside `site.toml` cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// A playbook names a template that does not exist.
    #[error("there is no template `{0}`, neither built in nor beside site.toml")]
    NoTemplate(String),
    /// The host could not be asked for something that the plan depends on.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// A value is still unknown, although the steps that it waited for are done.
    #[error("the {what} is not known, though the steps above are done")]
    StillUnknown {
        /// The value.
        what: Unknown,
    },
    /// The site asks for something that turned out to be impossible.
    #[error("{0}")]
    Refused(String),
    /// A state or a site could not be serialised.
    #[error("cannot put a value into words")]
    Encode(#[from] serde_json::Error),
}

/// Everything that a plan is compiled from.
#[derive(Clone, Debug)]
pub struct Blueprint {
    site: Site,
    target: Target,
    facts: Facts,
    folder: PathBuf,
    playbook: Arc<Playbook>,
    /// The commits of branches, by [`source_key`].
    resolved: BTreeMap<String, String>,
    /// The Python requirements in the sources, once the sources are fetched.
    requirements: Option<String>,
    /// The connections of the PostgreSQL server, once it is installed: how many it allows, and how many other sites may
    /// use.
    connections: Option<(u32, u32)>,
    /// The `max_connections` that an administrator has set on this host's server.
    least: Option<u32>,
    /// Whether earlier runs of this site have asked apt for the distribution's PostgreSQL.
    asked_for_server: bool,
    /// Whether the host has another PostgreSQL instead of the distribution's.
    has_other_server: bool,
    clearing: Clearing,
    /// Whether new code may run on a database that is not updated for it.
    code_only: bool,
}

/// Releases and environments that no rollback of the last runs needs.
#[derive(Clone, Debug, Default)]
pub struct Clearing {
    /// The present targets of the links to the running code.
    pub links: BTreeSet<PathBuf>,
    /// What is removed if no link changes.
    pub unchanged: BTreeSet<PathBuf>,
    /// What is removed if a link changes. This is at least all of `unchanged`: the present run is then one of the last
    /// runs, so one earlier run less is kept.
    pub changed: BTreeSet<PathBuf>,
}

impl Blueprint {
    /// Creates a blueprint with the built-in playbook, or with the one beside `site.toml` in `folder`. `resolved` are
    /// the commits that earlier runs have recorded.
    ///
    /// # Errors
    /// If the playbook cannot be read or is wrong.
    pub fn new(
        site: Site,
        target: Target,
        facts: Facts,
        folder: &Path,
        resolved: BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let (path, text) = beside::file(folder, PLAYBOOK, None)?;
        let playbook = match beside::extra(folder)? {
            None => Playbook::shared(&path, &text)?,
            Some((extra, own)) => {
                let playbook = Playbook::shared(&path, &text)?;
                Arc::new(playbook.extended(&extra, &own)?)
            }
        };
        Ok(Self {
            site,
            target,
            facts,
            folder: folder.to_owned(),
            playbook,
            resolved,
            requirements: None,
            connections: None,
            least: None,
            asked_for_server: false,
            has_other_server: false,
            clearing: Clearing::default(),
            code_only: false,
        })
    }

    /// Never sets `max_connections` below `connections`, the value that an administrator has set.
    #[must_use]
    pub fn at_least(mut self, connections: Option<u32>) -> Self {
        self.least = connections;
        self
    }

    /// Notes whether earlier runs have asked for the distribution's PostgreSQL. If so, the server on this host is never
    /// taken for another one.
    #[must_use]
    pub fn with_own_server(mut self, asked_for: bool) -> Self {
        self.asked_for_server = asked_for;
        self
    }

    /// Makes the plan remove the releases and environments in `clearing`, except those that the site needs.
    #[must_use]
    pub fn clearing(mut self, clearing: Clearing) -> Self {
        self.clearing = clearing;
        self
    }

    /// Allows new code to run on a database that was not updated for it.
    pub fn allow_code_only(&mut self) {
        self.code_only = true;
    }

    /// The site.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The commits that branches were resolved to.
    #[must_use]
    pub fn resolved(&self) -> &BTreeMap<String, String> {
        &self.resolved
    }

    /// Notes about the files beside `site.toml`, to be shown with `plan`.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn beside(&self, plan: &Plan) -> Result<Vec<String>, Error> {
        let files = plan.steps.iter().filter_map(|step| match &step.resource {
            AnyResource::File(file) => Some(file.path.as_path()),
            _ => None,
        });
        beside::notes(&self.folder, &files.collect::<Vec<_>>())
    }

    /// How many worker processes the service gets.
    #[must_use]
    pub fn workers(&self) -> u32 {
        self.sizing().workers
    }

    fn sizing(&self) -> Sizing {
        Sizing::of(Capacity {
            cores: self.facts.cores,
            memory: self.facts.memory,
            users: self.site.http.users.map(|users| users.number().into()),
            workers: match self.site.http.workers {
                Workers::Auto => None,
                Workers::Threaded => Some(0),
                Workers::Processes(processes) => Some(processes.number().into()),
            },
            // without workers no process listens on the port to which the proxy sends `/websocket`
            least: if self.site.proxy.is_some() { 2 } else { 0 },
        })
    }

    /// The settings for PostgreSQL. `None` if the site does not have the key `tuning`: PostgreSQL is left as it is.
    /// Empty if `tuning` is false: the file with the settings is removed.
    fn tuning(&self) -> Option<BTreeMap<String, String>> {
        let settings = || sizing::settings(self.facts.cores, self.facts.memory, self.least);
        let tuning = self.site.postgres.tuning?;
        Some(if tuning { settings() } else { BTreeMap::new() })
    }
}

/// The address, in the form of a URL, at which this host reaches a server that listens on `interface`.
#[must_use]
pub fn local(interface: IpAddr) -> String {
    match interface {
        any if any.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod reference;
