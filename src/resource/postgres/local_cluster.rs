//! The configuration of this host's PostgreSQL cluster.

use std::path::{Path, PathBuf};

use crate::host::{Error, Host, Result};
use crate::resource::postgres::clusters::{Configured, configured, data_folder};

/// The folder in which Debian and Ubuntu keep the configuration of clusters, by major version and name.
const CLUSTERS: &str = "/etc/postgresql";

/// The port in the name of the socket that Odoo uses.
const PORT: u16 = 5432;

/// PostgreSQL's default for `max_connections`.
const CONNECTIONS: u32 = 100;

/// A cluster, with its names on Debian and Ubuntu.
pub(super) struct LocalCluster {
    version: String,
    name: String,
}

/// Why the server of this host would not read our settings file; `None` if it would, or if it is not installed yet.
///
/// # Errors
/// If its files cannot be read.
pub fn settings_not_read(host: &Host) -> Result<Option<String>> {
    match LocalCluster::find(host)? {
        Some(place) => place.excludes(host),
        None => Ok(None),
    }
}

impl LocalCluster {
    /// The cluster on the default port; `None` if no cluster can run. Fails if clusters run only on other ports:
    /// these are not touched, because they may belong to somebody else.
    pub(super) fn find(host: &Host) -> Result<Option<Self>> {
        let mut others = Vec::new();
        for found in configured(host)?.into_iter().filter(Configured::is_alive) {
            if found.port == PORT {
                let Configured { version, name, .. } = found;
                return Ok(Some(Self { version, name }));
            }
            others.push(format!("{} on port {}", found.id(), found.port));
        }
        if others.is_empty() {
            return Ok(None);
        }
        Err(Error::impossible(format!(
            "no PostgreSQL cluster is set up for port {PORT}, there is {}; make one: `pg_createcluster --port {PORT} VERSION odoo`",
            others.join(", ")
        )))
    }

    /// The systemd unit of the cluster.
    pub(super) fn unit(&self) -> String {
        format!("postgresql@{}-{}.service", self.version, self.name)
    }

    /// The `postgresql.conf` of the cluster.
    fn configuration(&self) -> PathBuf {
        self.folder().join("postgresql.conf")
    }

    /// The folder of additional files, which are read after `postgresql.conf` in the order of their names.
    pub(super) fn further(&self) -> PathBuf {
        self.folder().join("conf.d")
    }

    fn folder(&self) -> PathBuf {
        Path::new(CLUSTERS).join(&self.version).join(&self.name)
    }

    /// Why the additional files are not read, and how the user can correct this.
    pub(super) fn excludes(&self, host: &Host) -> Result<Option<String>> {
        let reason = || {
            format!(
                "`{}` does not read `{}`; give it back its line `include_dir = 'conf.d'`, or take `tuning` away",
                self.configuration().display(),
                self.further().display()
            )
        };
        Ok((!self.includes(host)?).then(reason))
    }

    /// Whether `postgresql.conf` includes the additional files, as Debian and Ubuntu ship it.
    fn includes(&self, host: &Host) -> Result<bool> {
        let conf = host.text(&self.configuration())?;
        let folder = value(&conf.unwrap_or_default(), "include_dir");
        Ok(folder.is_some_and(|folder| Path::new(&folder).file_name() == Some("conf.d".as_ref())))
    }

    /// The value of a setting at the server's next start. `alter system` takes precedence over all files, and a later
    /// file over earlier ones. The additional file `but` is ignored.
    fn setting(&self, host: &Host, name: &str, but: Option<&str>) -> Result<Option<String>> {
        let conf = host.text(&self.configuration())?.unwrap_or_default();
        let data = data_folder(&conf, &self.version, &self.name);
        let mut files = vec![data.join("postgresql.auto.conf")];
        if self.includes(host)? {
            let mut names = host.list(&self.further())?;
            names.retain(|name| Path::new(name).extension() == Some("conf".as_ref()));
            names.retain(|name| but != Some(name));
            names.sort();
            files.extend(names.iter().rev().map(|name| self.further().join(name)));
        }
        files.push(self.configuration());
        for file in files {
            let text = host.text(&file)?.unwrap_or_default();
            if let Some(value) = value(&text, name) {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

/// The name of our settings file among the additional files.
const SETTINGS: &str = "odoo-deploy.conf";

/// The `max_connections` of this host's server, read from its files, so that the value is known even if the server is
/// down. `None` if no cluster exists yet.
///
/// # Errors
/// If a file cannot be read.
pub fn max_connections(host: &Host) -> Result<Option<u32>> {
    if host.list(Path::new(CLUSTERS))?.is_empty() {
        return Ok(None);
    }
    let Some(place) = LocalCluster::find(host)? else {
        return Ok(None);
    };
    let value = place.setting(host, "max_connections", None)?;
    Ok(Some(
        value
            .and_then(|value| value.parse().ok())
            .unwrap_or(CONNECTIONS),
    ))
}

/// The `max_connections` that an administrator has set on this host's server, without our settings file; `None` if it
/// is not set. This program never lowers that value.
///
/// # Errors
/// If a file cannot be read.
pub fn own_connections(host: &Host) -> Result<Option<u32>> {
    if host.list(Path::new(CLUSTERS))?.is_empty() {
        return Ok(None);
    }
    let Some(place) = LocalCluster::find(host)? else {
        return Ok(None);
    };
    let value = place.setting(host, "max_connections", Some(SETTINGS))?;
    Ok(value.and_then(|value| value.parse().ok()))
}

pub(super) fn port(conf: &str) -> u16 {
    value(conf, "port")
        .and_then(|value| value.parse().ok())
        .unwrap_or(PORT)
}

/// The value of a setting in a file of PostgreSQL; the last line takes precedence. The `=` is optional, the value may
/// be quoted, and a comment may follow.
pub(super) fn value(conf: &str, name: &str) -> Option<String> {
    let of_line = |line: &str| {
        let line = line.trim_start();
        let (head, rest) = line.split_at_checked(name.len())?;
        if !head.eq_ignore_ascii_case(name) || !rest.starts_with([' ', '\t', '=']) {
            return None;
        }
        let rest = rest.trim_start();
        let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
        let value = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split('\'').next(),
            None => rest.split(['#', ' ', '\t']).next(),
        };
        value.map(str::to_owned)
    };
    conf.lines().rev().find_map(of_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_as_postgresql_reads_it() {
        for (conf, expected) in [
            ("", 5432),
            ("port = 5433\t\t\t\t# (change requires restart)\n", 5433),
            ("#port = 5433\n", 5432),
            ("port=5434\nport = 5435\n", 5435),
            ("  port = 5436\n", 5436),
            ("PORT '5437'\n", 5437),
            ("portal = 1\n", 5432),
        ] {
            assert_eq!(port(conf), expected, "{conf}");
        }
        let conf = "include_dir = 'conf.d'\t# others\n";
        assert_eq!(value(conf, "include_dir").as_deref(), Some("conf.d"));
    }
}
