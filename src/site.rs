//! What the owner wants: `site.toml`, parsed once and never checked again later.

mod company;
mod git;
mod logs;
mod name;
mod net;
mod network;
mod place;
mod postgres;
mod proxy;
mod read;
mod reserved;
mod secret;
mod setting;
mod text;

use std::net::IpAddr;
use std::path::Path;

use serde::Serialize;

pub use company::{Company, Country, Language, Languages};
pub use git::{Branch, Commit, ODOO, Repository, Sha256};
pub use logs::LogHandler;
pub use name::{AddonsFolder, AddonsName, DatabaseName, ModuleName, SiteName};
pub use net::{Address, Domain, Index, Port};
pub use network::Network;
pub use place::{CredentialName, FilePath, Login, Variable};
pub use postgres::{RoleName, ServerName, SslMode};
pub use proxy::{BodyLimit, Email, Tls};
pub use setting::{Build, Count, Folder, Installer, Processes, Script, Users, Workers};
pub use text::is_forbidden;

use crate::host::layout;
use crate::odoo::release::Series;
use crate::secret::access::Access;
use crate::text::diagnostic::Diagnostics;
use crate::text::source::{self, ReadError};

/// What is wanted. Every value was checked when it was read, and none contradicts another.
/// Serialised it is the `site` of playbooks and templates.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Site {
    /// What everything else is named after.
    pub name: SiteName,
    /// The name people reach it by, if there is one.
    pub domain: Option<Domain>,
    /// The program and its database.
    pub odoo: Odoo,
    /// Further folders of addons, in the order of `addons_path`.
    pub addons: Vec<Addons>,
    /// How the Python environment is built.
    pub python: Python,
    /// What is asked of apt.
    pub apt: Apt,
    /// Where it listens.
    pub http: Http,
    /// What prints reports.
    pub wkhtmltopdf: Wkhtmltopdf,
    /// What is closed to the outside.
    pub firewall: Firewall,
    /// Who is kept out for trying passwords.
    pub fail2ban: Fail2ban,
    /// Where its database is.
    pub postgres: Postgres,
    /// Where it says what it does.
    pub logs: Logs,
    /// What stands before it, if anything does.
    pub proxy: Option<Proxy>,
    /// What derives from the name.
    pub paths: Paths,
}

/// The section `[odoo]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Odoo {
    /// The release.
    pub version: Series,
    /// Where its source comes from.
    pub repository: Repository,
    /// The branch to follow.
    pub branch: Branch,
    /// The commit to stay at; without one the branch is resolved once and recorded.
    pub commit: Option<Commit>,
    /// What opens the repository, where it is private.
    pub access: Option<Access>,
    /// The database.
    pub database: DatabaseName,
    /// Modules to install, each named once.
    pub modules: Vec<ModuleName>,
    /// Whether a new database is filled with demonstration data.
    pub demo: bool,
    /// The language of a new database.
    pub language: Option<Language>,
    /// Whose translations are on the server.
    pub languages: Languages,
    /// The country of a new database's company, which decides on its currency and its accounts.
    pub country: Option<Country>,
    /// The name of a new database's company.
    pub company: Option<Company>,
    /// Loggers that tell more, or less, than usual.
    pub log_handlers: Vec<LogHandler>,
}

/// One `[[addons]]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Addons {
    /// The name of its folder, unique among them.
    pub name: AddonsName,
    /// Where its source comes from.
    pub repository: Repository,
    /// The branch to follow.
    pub branch: Branch,
    /// The commit to stay at.
    pub commit: Option<Commit>,
    /// The folder in it that has the modules; its top where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<AddonsFolder>,
    /// What opens the repository, where it is private.
    pub access: Option<Access>,
}

/// The section `[python]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Python {
    /// What builds the environment.
    pub installer: Installer,
    /// Where packages come from, if not from the usual index.
    pub index: Option<Index>,
    /// A folder of wheels, for a server without a network.
    pub wheels: Option<Folder>,
}

/// The section `[apt]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Apt {
    /// Whether every package of the server is brought up to date first.
    pub upgrade: bool,
}

/// The section `[http]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Http {
    /// The address to listen at.
    pub interface: IpAddr,
    /// The port for requests.
    pub port: Port,
    /// The port for websockets, which is open only when there are workers.
    pub gevent_port: Port,
    /// How many processes answer.
    pub workers: Workers,
    /// How many people are expected to work with it at once.
    pub users: Option<Users>,
    /// Whether a proxy is before it, whose `X-Forwarded-*` headers are believed.
    pub proxy_mode: bool,
}

/// The section `[wkhtmltopdf]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Wkhtmltopdf {
    /// Which build; none where there is no such section.
    pub build: Build,
    /// A mirror of the patched build.
    pub url: Option<Address>,
    /// The patched build, on this server.
    pub file: Option<FilePath>,
    /// The digest of what `url` or `file` names, where it is not the known build.
    pub sha256: Option<Sha256>,
    /// Further scripts that reports are written in.
    pub fonts: Vec<Script>,
}

/// The section `[firewall]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Firewall {
    /// Whether the ports behind a proxy, and PostgreSQL's, are closed to the outside.
    pub enabled: bool,
}

/// The section `[fail2ban]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Fail2ban {
    /// Whether there is a jail.
    pub enabled: bool,
    /// How many failed logins within ten minutes lead there.
    pub attempts: Count,
    /// For how long, in minutes.
    pub minutes: Count,
}

/// The section `[postgres]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Postgres {
    /// Whether the server of this host is set up for its memory; where nothing is said it is left as it is.
    pub tuning: Option<bool>,
    /// The server, where it is another host's.
    pub server: Option<Server>,
}

/// A `PostgreSQL` server on another host.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Server {
    /// Its name or address.
    pub host: ServerName,
    /// Its port.
    pub port: Port,
    /// The role to sign in as.
    pub user: RoleName,
    /// How the connection is secured.
    pub sslmode: SslMode,
    /// The authority that its certificate must come from.
    pub root_certificate: Option<FilePath>,
    /// The file that holds the role's password.
    pub password: FilePath,
}

/// The section `[logs]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Logs {
    /// Whether a file is written, and rotated; else the journal of systemd has it all.
    pub file: bool,
}

/// The section `[proxy]`: nginx before Odoo, for [`Site::domain`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Proxy {
    /// Where its certificate comes from.
    pub tls: Tls,
    /// The certificate with its chain, where it comes from files.
    pub certificate: Option<FilePath>,
    /// The private key of that certificate.
    pub key: Option<FilePath>,
    /// Whom the issuer writes to, where it comes by ACME.
    pub email: Option<Email>,
    /// The largest request.
    pub body_limit: BodyLimit,
    /// Proxies before nginx, whose `X-Forwarded-*` headers are believed.
    pub trusted: Vec<Network>,
    /// Whether programs may call by XML-RPC, JSON-RPC and `/json/2`, each a limited number of times.
    pub rpc: bool,
    /// Programs that may call whenever and as often as they like.
    pub rpc_clients: Vec<Network>,
}

/// What derives from the name of a site, so that two of them live side by side on one server.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Paths {
    /// Odoo's configuration, `/etc/NAME.conf`.
    pub conf: String,
    /// The unit of systemd, `NAME.service`.
    pub unit: String,
    /// Sources and environments, `/opt/NAME`.
    pub home: String,
    /// Attachments and sessions, `/var/lib/NAME`.
    pub data: String,
    /// Journals, `/var/lib/odoo-deploy/NAME`.
    pub state: String,
    /// The user the service runs as.
    pub user: String,
    /// The user that builds, who owns nothing the service can write.
    pub builder: String,
    /// The role in the `PostgreSQL` of this host.
    pub role: String,
    /// Where a file of its log would be, `/var/log/NAME`.
    pub logs: String,
}

impl Paths {
    fn of(name: &SiteName) -> Self {
        Self {
            conf: layout::conf(name.as_str()).display().to_string(),
            unit: format!("{name}.service"),
            home: format!("/opt/{name}"),
            data: format!("/var/lib/{name}"),
            state: layout::state(name.as_str()).display().to_string(),
            user: name.to_string(),
            builder: format!("{name}-build"),
            role: name.to_string(),
            logs: format!("/var/log/{name}"),
        }
    }
}

/// Where `PostgreSQL` listens, if it listens to the network at all.
const POSTGRESQL: u16 = 5432;

/// Why there is no site.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The file could not be read as text.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The text is wrong.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

impl Site {
    /// The ports that a firewall closes to the outside: Odoo's own and `PostgreSQL`'s.
    #[must_use]
    pub fn closed_ports(&self) -> [u16; 3] {
        let http = &self.http;
        [http.port.number(), http.gevent_port.number(), POSTGRESQL]
    }

    /// The address on which nginx serves Odoo's own printer: one of the loopback network that no other site has, as none
    /// has its port.
    #[must_use]
    pub fn printer(&self) -> String {
        let [high, low] = self.http.port.number().to_be_bytes();
        format!("127.8.{high}.{low}")
    }

    /// Reads a site from a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read as text, or the text is no site.
    pub fn load(path: &Path) -> Result<Self, SiteError> {
        let source = source::read(path)?;
        Ok(Self::parse(path, &source)?)
    }

    /// Reads a site from a text; `path` is what errors name.
    ///
    /// # Errors
    ///
    /// All errors of the text at once, each with its place. What looks like a secret is masked in them.
    pub fn parse(path: &Path, source: &str) -> Result<Self, Diagnostics> {
        read::site(path, source)
    }
}

#[cfg(test)]
mod tests;
