//! Where the PostgreSQL cluster of this host is configured.

use std::path::{Path, PathBuf};

use crate::host::{Error, Host, Result};
use crate::resource::postgres::clusters::{Configured, configured};

/// Where Debian and Ubuntu keep the configuration of clusters, by major version and name.
const CLUSTERS: &str = "/etc/postgresql";

/// Where they keep the data, in the same way.
const DATA: &str = "/var/lib/postgresql";

/// The port whose socket is used.
const PORT: u16 = 5432;

/// What PostgreSQL allows where nothing else is said.
const CONNECTIONS: u32 = 100;

/// A cluster, as Debian and Ubuntu name it.
pub(super) struct Place {
    version: String,
    name: String,
}

/// Why the server of this host would not read a file of settings of ours; `None` if it would, or is still to come.
///
/// # Errors
/// If its files cannot be read.
pub fn settings_not_read(host: &Host) -> Result<Option<String>> {
    match Place::find(host)? {
        Some(place) => place.excludes(host),
        None => Ok(None),
    }
}

impl Place {
    /// The cluster on the default port. No other is touched: it may be somebody else's. `None` where
    /// none is set up that can run.
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

    /// Its unit.
    pub(super) fn unit(&self) -> String {
        format!("postgresql@{}-{}.service", self.version, self.name)
    }

    /// Its `postgresql.conf`.
    fn configuration(&self) -> PathBuf {
        self.folder().join("postgresql.conf")
    }

    /// The folder of the files that are read after it, in the order of their names.
    pub(super) fn further(&self) -> PathBuf {
        self.folder().join("conf.d")
    }

    fn folder(&self) -> PathBuf {
        Path::new(CLUSTERS).join(&self.version).join(&self.name)
    }

    /// Why the further files are not read, and what to write.
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

    /// Whether its `postgresql.conf` includes the further files, as Debian and Ubuntu ship it.
    fn includes(&self, host: &Host) -> Result<bool> {
        let conf = host.text(&self.configuration())?;
        let folder = value(&conf.unwrap_or_default(), "include_dir");
        Ok(folder.is_some_and(|folder| Path::new(&folder).file_name() == Some("conf.d".as_ref())))
    }

    /// The value of a setting as the server takes it at its next start: from the last of its files
    /// that has one, and before all of them from what `alter system` wrote; `but` is a file that is left out.
    fn setting(&self, host: &Host, name: &str, but: Option<&str>) -> Result<Option<String>> {
        let data = Path::new(DATA).join(&self.version).join(&self.name);
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

/// The file with what this program has the server run with, among those that are read after `postgresql.conf`.
const SETTINGS: &str = "odoo-deploy.conf";

/// How many connections the server of this host allows, as its files say: they are read without a
/// program, and also while it stands still. `None` where no cluster is set up yet.
///
/// # Errors
/// If a file cannot be read.
pub fn max_connections(host: &Host) -> Result<Option<u32>> {
    if host.list(Path::new(CLUSTERS))?.is_empty() {
        return Ok(None);
    }
    let Some(place) = Place::find(host)? else {
        return Ok(None);
    };
    let value = place.setting(host, "max_connections", None)?;
    Ok(Some(
        value
            .and_then(|value| value.parse().ok())
            .unwrap_or(CONNECTIONS),
    ))
}

/// How many connections others than this program have the server of this host allow, where they say it: nobody lowers
/// what an administrator has set.
///
/// # Errors
/// If a file cannot be read.
pub fn own_connections(host: &Host) -> Result<Option<u32>> {
    if host.list(Path::new(CLUSTERS))?.is_empty() {
        return Ok(None);
    }
    let Some(place) = Place::find(host)? else {
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

/// The value of a setting in a file of PostgreSQL's, the last line going first. The `=` may be
/// missing, the value may stand in quotes, and a comment may follow.
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
    fn a_setting_is_read_as_postgresql_does() {
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
