//! A blueprint: a site, a playbook and the facts of a machine, from which a plan is compiled.

mod beside;
mod compile;
mod earlier;
mod optional;
mod own;
mod packages;
mod proxy;
mod unknowns;

pub use beside::holds_steps;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::host::store::digest;
use crate::host::{self, layout};
use crate::odoo::facts::Facts;
use crate::odoo::release::Release;
use crate::odoo::target::Target;
use crate::plan::playbook::Playbook;
use crate::plan::sizing::{self, Capacity, Pools, Sizing};
use crate::plan::{Plan, Unknown};
use crate::resource::AnyResource;
use crate::secret::access::Access;
use crate::site::{Site, Workers};
use crate::text::diagnostic::Diagnostics;
use crate::text::source::ReadError;

/// The name of the playbook file beside `site.toml`.
pub const PLAYBOOK: &str = "odoo.toml";

/// The name of the file beside `site.toml` that adds an administrator's steps to the playbook.
pub const EXTRA: &str = "extra.toml";

/// The built-in playbook and templates. A file of the same name beside `site.toml` takes precedence.
const EMBEDDED: &[(&str, &str)] = &[
    (PLAYBOOK, include_str!("../../playbooks/odoo.toml")),
    ("odoo.conf", include_str!("../../templates/odoo.conf")),
    ("odoo.service", include_str!("../../templates/odoo.service")),
    ("firewall.nft", include_str!("../../templates/firewall.nft")),
    (
        "firewall.service",
        include_str!("../../templates/firewall.service"),
    ),
    (
        "fail2ban-filter.conf",
        include_str!("../../templates/fail2ban-filter.conf"),
    ),
    (
        "fail2ban-nginx.conf",
        include_str!("../../templates/fail2ban-nginx.conf"),
    ),
    (
        "fail2ban-action.conf",
        include_str!("../../templates/fail2ban-action.conf"),
    ),
    (
        "fail2ban-jail.conf",
        include_str!("../../templates/fail2ban-jail.conf"),
    ),
    (
        "fail2ban-unit.conf",
        include_str!("../../templates/fail2ban-unit.conf"),
    ),
    (
        "odoo.logrotate",
        include_str!("../../templates/odoo.logrotate"),
    ),
    (
        "postgresql.service",
        include_str!("../../templates/postgresql.service"),
    ),
    ("nginx.conf", include_str!("../../templates/nginx.conf")),
    (
        "nginx-http.conf",
        include_str!("../../templates/nginx-http.conf"),
    ),
    (
        "nginx.service",
        include_str!("../../templates/nginx.service"),
    ),
];

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

/// A git repository with code, and what is known about it.
#[derive(Clone, Debug, Serialize)]
struct Source {
    name: String,
    repository: String,
    branch: String,
    commit: String,
    path: String,
    /// The link through which the service finds the code.
    link: String,
    /// The target of the link: the folder with the modules.
    target: String,
    /// The credentials, if the repository is private.
    access: Option<Access>,
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

    /// The sizes of the connection pools, or their markers until the server is installed.
    fn pools(&self, sizing: &Sizing) -> Value {
        let pools = self
            .connections
            .and_then(|(all, taken)| Pools::of(sizing, all, taken));
        pools.map_or_else(
            || {
                let unknown = Unknown::Connections.marker();
                json!({ "process": unknown, "gevent": unknown })
            },
            |pools| json!(pools),
        )
    }

    /// The settings for PostgreSQL. `None` if the site does not have the key `tuning`: PostgreSQL is left as it is.
    /// Empty if `tuning` is false: the file with the settings is removed.
    fn tuning(&self) -> Option<BTreeMap<String, String>> {
        let settings = || sizing::settings(self.facts.cores, self.facts.memory, self.least);
        let tuning = self.site.postgres.tuning?;
        Some(if tuning { settings() } else { BTreeMap::new() })
    }

    /// The sources: Odoo first, then the add-ons in order.
    fn sources(&self) -> Vec<Source> {
        let (site, home) = (&self.site, &self.site.paths.home);
        let source = |name: &str,
                      repository: String,
                      branch: String,
                      commit: Option<String>,
                      link: String| {
            let recorded = || {
                self.resolved
                    .get(&source_key(&repository, &branch))
                    .cloned()
            };
            let commit = commit.or_else(recorded).unwrap_or_else(|| {
                let branch = branch.clone();
                Unknown::Commit { branch }.marker()
            });
            let path = if name == "odoo" {
                format!("{home}/releases/{commit}")
            } else {
                format!("{home}/releases/{name}-{commit}")
            };
            Source {
                name: name.to_owned(),
                repository,
                branch,
                commit,
                target: path.clone(),
                path,
                link,
                access: None,
            }
        };
        let odoo = &site.odoo;
        let first = Source {
            access: odoo.access.clone(),
            ..source(
                "odoo",
                odoo.repository.to_string(),
                odoo.branch.to_string(),
                odoo.commit.as_ref().map(ToString::to_string),
                format!("{home}/current"),
            )
        };
        let addons = site.addons.iter().map(|addons| {
            let source = source(
                addons.name.as_str(),
                addons.repository.to_string(),
                addons.branch.to_string(),
                addons.commit.as_ref().map(ToString::to_string),
                format!("{home}/addons/{}", addons.name),
            );
            let folder = addons.folder.iter();
            Source {
                access: addons.access.clone(),
                target: folder.fold(source.path.clone(), |path, folder| {
                    format!("{path}/{folder}")
                }),
                ..source
            }
        });
        std::iter::once(first).chain(addons).collect()
    }

    /// The names that playbooks and templates can refer to, with their values.
    ///
    /// # Errors
    /// If the site cannot be serialised.
    fn names(&self) -> Result<Value, Error> {
        let sources = self.sources();
        let unknown = || self.unknown_requirements().marker();
        let requirements = self.requirements.clone().unwrap_or_else(unknown);
        // everything that the content of the virtualenv depends on
        let content = json!([
            self.target.python,
            self.site.python,
            self.target.build_constraints,
            requirements,
            self.facts.architecture,
        ]);
        let venv = match &self.requirements {
            Some(_) => digest(content.to_string().as_bytes())[..16].to_owned(),
            None => unknown(),
        };
        let venv = format!("{}/venvs/{venv}", self.site.paths.home);
        let wkhtmltopdf = self.wkhtmltopdf()?;
        let sizing = self.sizing();
        let server = self.site.postgres.server.as_ref();
        let tuning = self.tuning();
        let addons: Vec<&str> = sources[1..]
            .iter()
            .map(|addon| addon.link.as_str())
            .collect();
        let nginx = self.facts.distribution.map(|found| found.nginx);
        let proxy = proxy::Proxy::of(&self.site, nginx, &addons, &sources[0].link);
        Ok(json!({
            "site": self.site,
            "release": self.target,
            "packages": self.packages(&sources, &wkhtmltopdf, &proxy.packages),
            "wkhtmltopdf": wkhtmltopdf,
            "firewall": self.firewall(),
            "fail2ban": self.fail2ban(),
            "host": self.facts,
            "odoo": sources[0],
            "addons": sources[1..],
            "postgresql": {
                "minimum": Release::of(self.site.odoo.version).postgresql,
                "tuned": tuning.is_some(),
                "settings": tuning,
                "remote": server.is_some(),
                "service": server.map(|_| self.service_file()),
                "host": server.map(|server| &server.host),
                "port": server.map(|server| server.port),
                "user": server.map(|server| &server.user),
                "sslmode": server.map(|server| server.sslmode),
                "root_certificate": server.and_then(|server| server.root_certificate.as_ref()),
                "password": server.map(|server| &server.password),
            },
            "conf": { "secrets": self.secrets() },
            "role": server.map_or(self.site.paths.role.as_str(), |server| server.user.as_str()),
            "proxy": proxy,
            "local": local(self.site.http.interface),
            "gevent": sizing.workers > 0,
            "workers": sizing.workers,
            "cron_threads": sizing.cron_threads,
            "pools": self.pools(&sizing),
            "sizing": sizing,
            "run": layout::RUN,
            "code_only": self.code_only,
            "cleared": self.to_clear(&sources, &venv),
            "mask": crate::resource::MASK,
            "venv": { "path": venv, "requirements": requirements },
        }))
    }

    /// What is to be cleared: one entry for each step `cleared`.
    fn to_clear(&self, sources: &[Source], venv: &str) -> Vec<Value> {
        let clearing = &self.clearing;
        let mut targets = sources.iter().map(|source| source.target.as_str());
        let is_there = |target: &str| clearing.links.contains(Path::new(target));
        let is_changed = !is_there(venv) || !targets.all(is_there);
        let mut asked: Vec<&Path> = sources
            .iter()
            .map(|source| Path::new(&source.path))
            .collect();
        asked.push(Path::new(venv));
        // the plan is compiled several times in a run and must always have the same steps
        let named = clearing.changed.iter().map(|path| {
            let goes = (is_changed || clearing.unchanged.contains(path))
                && !asked.contains(&path.as_path());
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            json!({ "name": name, "path": path, "goes": goes })
        });
        named.collect()
    }

    fn unknown_requirements(&self) -> Unknown {
        Unknown::Requirements {
            series: self.site.odoo.version.to_string(),
        }
    }

    /// All values that are not known yet.
    fn unknowns(&self) -> Vec<Unknown> {
        let mut unknowns = Vec::new();
        for source in self.sources() {
            let branch = source.branch;
            let commit = Unknown::Commit { branch };
            if source.commit == commit.marker() {
                unknowns.push(commit);
            }
        }
        if self.requirements.is_none() {
            unknowns.push(self.unknown_requirements());
        }
        if self.connections.is_none() {
            unknowns.push(Unknown::Connections);
        }
        unknowns
    }

    /// The secret keys of `odoo.conf`, each with the file that contains its value.
    fn secrets(&self) -> BTreeMap<&str, String> {
        let state = &self.site.paths.state;
        let master = (
            "admin_passwd",
            format!("{state}/secrets/master-password.hash"),
        );
        let server = self.site.postgres.server.as_ref();
        let database = server.map(|server| ("db_password", server.password.to_string()));
        [master].into_iter().chain(database).collect()
    }

    /// The path of the libpq service file that describes the server on another host.
    fn service_file(&self) -> PathBuf {
        Path::new(&self.site.paths.state).join("secrets/postgresql.service")
    }
}

/// The key for a branch of a repository in journals.
#[must_use]
pub fn source_key(repository: &str, branch: &str) -> String {
    format!("{repository} {branch}")
}

/// The text of a built-in file, from which an owner's file of the same name can start.
///
/// # Errors
/// If there is no built-in file with this name. The error lists all names.
pub fn built_in(name: &str) -> Result<&'static str, String> {
    let found = EMBEDDED.iter().find(|(embedded, _)| *embedded == name);
    found.map(|(_, text)| *text).ok_or_else(|| {
        let names: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
        format!(
            "there is no template `{name}`; there is `{}`",
            names.join("`, `")
        )
    })
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
