//! The site that `site.toml` describes. The file is parsed and checked once; no other code checks the values again.

mod about;
mod access;
mod addons;
mod apt;
mod company;
mod fail2ban;
mod firewall;
mod git;
mod http;
mod logs;
mod name;
mod net;
mod network;
mod odoo;
mod place;
mod postgres;
mod proxy;
mod python;
mod read;
mod reference;
mod reserved;
mod schema;
mod secret;
mod section;
mod server;
mod setting;
mod text;
mod wkhtmltopdf;
mod workers;

use std::path::Path;

use serde::Serialize;

pub use addons::Addons;
pub use apt::Apt;
pub use company::{Company, Country, Language, Languages};
pub use fail2ban::{Count, Fail2ban};
pub use firewall::Firewall;
pub use git::{Branch, Commit, ODOO, Repository, Sha256};
pub use http::Http;
pub use logs::{LogHandler, Logs};
pub use name::{AddonsFolder, AddonsName, DatabaseName, ModuleName, SiteName};
pub use net::{Address, Domain, Index, Port};
pub use network::Network;
pub use odoo::Odoo;
pub use place::{CredentialName, FilePath, Folder, Login, Variable};
pub use postgres::Postgres;
pub use proxy::{BodyLimit, Email, Proxy, Tls};
pub use python::{Installer, Python};
pub use reference::reference;
pub use schema::schema;
pub use server::{RoleName, Server, ServerName, SslMode};
pub use text::is_forbidden;
pub use wkhtmltopdf::{Build, Script, Wkhtmltopdf};
pub use workers::{Processes, Users, Workers};

use crate::host::layout;
use crate::text::diagnostic::Diagnostics;
use crate::text::source::{self, ReadError};
use section::section;

/// What `site.toml` asks for. Every value was checked when it was read, and no value contradicts another.
/// Playbooks and templates read the serialized struct as `site`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Site {
    /// The name that the unit, the user, the role, the paths and the database derive from.
    pub name: SiteName,
    /// The name by which people reach the site, if there is one.
    pub domain: Option<Domain>,
    /// Odoo and its database.
    pub odoo: Odoo,
    /// Further repositories of modules, in the order of `addons_path`.
    pub addons: Vec<Addons>,
    /// How the Python environment is built.
    pub python: Python,
    /// What is asked of apt.
    pub apt: Apt,
    /// Where Odoo listens.
    pub http: Http,
    /// The wkhtmltopdf that prints reports.
    pub wkhtmltopdf: Wkhtmltopdf,
    /// Which ports are closed to other hosts.
    pub firewall: Firewall,
    /// When addresses that try passwords are banned.
    pub fail2ban: Fail2ban,
    /// The PostgreSQL server.
    pub postgres: Postgres,
    /// Where Odoo writes its log.
    pub logs: Logs,
    /// nginx in front of Odoo, if it is wanted.
    pub proxy: Option<Proxy>,
    /// The paths and names that derive from `name`.
    pub paths: Paths,
}

section! {
    /// What everything of the site is named after, and how people reach the site.
    struct Head from Written in "[site]" {
        /// The name of the site. Its unit, user, role, paths and database are named after it. The name is a lower case
        /// letter, then up to 23 of `a-z`, `0-9`, `_` and `-`. A name that the system uses is refused. A second site on
        /// the same server needs a name of its own.
        name: SiteName = SiteName::odoo(),
        /// The name by which people reach the site. Needed with `[proxy]`.
        domain: Option<Domain>,
    }
}

/// Paths and names that are derived from the name of a site, so that one server can have several sites.
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
    /// The user that the service runs as.
    pub user: String,
    /// The user that builds the code. It owns nothing that the service can write to.
    pub builder: String,
    /// The role in the `PostgreSQL` of this host.
    pub role: String,
    /// The folder for log files, if Odoo writes any: `/var/log/NAME`.
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

/// Why a site could not be loaded.
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
    /// Returns the ports that a firewall closes to other hosts: Odoo's own and PostgreSQL's.
    #[must_use]
    pub fn closed_ports(&self) -> [u16; 3] {
        [self.http.port, self.http.gevent_port, Port::POSTGRESQL].map(Port::number)
    }

    /// The loopback address at which nginx serves the requests of Odoo's own wkhtmltopdf. It is derived from the site's
    /// port, so that no two sites have the same address.
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
    /// If the text is not a site: all errors of the text, each with its place. What looks like a secret is masked in
    /// them.
    pub fn parse(path: &Path, source: &str) -> Result<Self, Diagnostics> {
        read::site(path, source)
    }
}

#[cfg(test)]
mod tests;
