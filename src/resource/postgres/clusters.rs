//! The PostgreSQL clusters of this host, read from their files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::event::Event;
use crate::gate;
use crate::host::{Error, Host, Result};
use crate::resource::apt::dpkg::Dpkg;
use crate::resource::postgres::local_cluster::{port, value};

/// The folder in which Debian and Ubuntu keep the configuration of clusters, by major version and name.
const CONFIGURATIONS: &str = "/etc/postgresql";

/// The folder in which they keep the data of clusters, by major version and name.
const DATA: &str = "/var/lib/postgresql";

/// The folder in which they keep PostgreSQL's programs, by major version.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// The lowest OID of databases that PostgreSQL did not create itself (`FirstNormalObjectId`).
const FIRST_OWN_DATABASE: u32 = 16384;

/// PostgreSQL's own files in a data folder, besides `pg_…`.
const IN_DATA: &[&str] = &[
    "PG_VERSION",
    "base",
    "current_logfiles",
    "global",
    "log",
    "postgresql.auto.conf",
    "postmaster.opts",
    "postmaster.pid",
];

/// The files that `pg_createcluster` puts into a configuration folder.
const IN_CONFIGURATION: &[&str] = &[
    "conf.d",
    "environment",
    "pg_ctl.conf",
    "pg_hba.conf",
    "pg_ident.conf",
    "postgresql.conf",
    "start.conf",
];

/// A cluster, as its configuration describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configured {
    /// The major version, as in the name of its folder.
    pub version: String,
    /// The name of the cluster.
    pub name: String,
    /// The port of the cluster.
    pub port: u16,
    /// The data folder.
    pub data: PathBuf,
    /// Whether the server of this version is installed.
    pub has_server: bool,
    /// Whether the data exist.
    pub has_data: bool,
}

impl Configured {
    /// The name in Debian's tools: `15/main`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.version, self.name)
    }

    /// The configuration folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        Path::new(CONFIGURATIONS)
            .join(&self.version)
            .join(&self.name)
    }

    /// Whether the cluster can run. The remains of a removed PostgreSQL cannot.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.has_server && self.has_data
    }

    /// PostgreSQL's system identifier, which is unique to each cluster. `None` if it cannot be read.
    fn identity(&self, host: &Host) -> Option<String> {
        let control = host.read(&self.data.join("global/pg_control")).ok()??;
        let first: [u8; 8] = control.get(..8)?.try_into().ok()?;
        Some(format!("{:016x}", u64::from_le_bytes(first)))
    }

    /// What the cluster holds that neither PostgreSQL nor this program made. Reads the files, because the server may
    /// be down.
    fn holds(&self, host: &Host) -> Result<Option<String>> {
        if has_own_databases(host, &self.data)?
            || !host.list(&self.data.join("pg_tblspc"))?.is_empty()
        {
            return Ok(Some("an owner's databases".to_owned()));
        }
        let conf_d = self.folder().join("conf.d");
        for (folder, known) in [
            (&self.data, IN_DATA),
            (&self.folder(), IN_CONFIGURATION),
            (&conf_d, &[]),
        ] {
            let is_known = |name: &String| {
                known.contains(&name.as_str()) || (known == IN_DATA && name.starts_with("pg_"))
            };
            if let Some(name) = host.list(folder)?.iter().find(|name| !is_known(name)) {
                return Ok(Some(format!("`{}`", folder.join(name).display())));
            }
        }
        Ok(None)
    }
}

/// The data folder of a cluster by the text of its `postgresql.conf`.
pub(super) fn data_folder(conf: &str, version: &str, name: &str) -> PathBuf {
    let usual = Path::new(DATA).join(version).join(name);
    value(conf, "data_directory").map_or(usual, PathBuf::from)
}

/// Whether a data folder contains a database that PostgreSQL did not create itself.
fn has_own_databases(host: &Host, data: &Path) -> Result<bool> {
    let own = |oid: &String| oid.parse().is_ok_and(|oid: u32| oid >= FIRST_OWN_DATABASE);
    Ok(host.list(&data.join("base"))?.iter().any(own))
}

/// Whether any cluster contains a database of the owner: a configured one, wherever its data are, or one whose
/// configuration is gone. Reads the files, because the server may be down.
///
/// # Errors
/// If the files cannot be read.
pub(in crate::resource) fn has_databases(host: &Host) -> Result<bool> {
    let mut folders: Vec<PathBuf> = configured(host)?
        .into_iter()
        .map(|found| found.data)
        .collect();
    for version in host.list(Path::new(DATA))? {
        let version = Path::new(DATA).join(version);
        let names = host.list(&version)?;
        folders.extend(names.iter().map(|name| version.join(name)));
    }
    for folder in folders {
        if has_own_databases(host, &folder)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// All configured clusters.
///
/// # Errors
/// If their files cannot be read.
pub fn configured(host: &Host) -> Result<Vec<Configured>> {
    let mut all = Vec::new();
    for version in host.list(Path::new(CONFIGURATIONS))? {
        let program = Path::new(PROGRAMS).join(&version).join("bin/postgres");
        for name in host.list(&Path::new(CONFIGURATIONS).join(&version))? {
            let folder = Path::new(CONFIGURATIONS).join(&version).join(&name);
            let Some(conf) = host.text(&folder.join("postgresql.conf"))? else {
                continue;
            };
            let data = data_folder(&conf, &version, &name);
            all.push(Configured {
                port: port(&conf),
                has_server: host.path(&program).exists(),
                has_data: host.path(&data.join("base")).exists(),
                version: version.clone(),
                name,
                data,
            });
        }
    }
    Ok(all)
}

/// Whether a cluster can run although the distribution's package `postgresql` is not installed. Installing that
/// package would add a second major version.
///
/// # Errors
/// If the files of the clusters or of dpkg cannot be read.
pub fn has_other_server(host: &Host) -> Result<bool> {
    if !configured(host)?.iter().any(Configured::is_alive) {
        return Ok(false);
    }
    Ok(!Dpkg::read(host)?.installed.contains_key("postgresql"))
}

/// The system identifiers of all clusters, including clusters without an installed server.
pub(in crate::resource) fn identities(host: &Host) -> Result<BTreeMap<String, String>> {
    let all = configured(host)?.into_iter();
    let known = all.filter_map(|found| Some((found.id(), found.identity(host)?)));
    Ok(known.collect())
}

/// Drops clusters in `made` if the packages in `goes` contain their server, the clusters are still the same, and they
/// hold nothing of an owner. Uses the program from their packages. Without this, the remains of a cluster would
/// prevent the creation of the next one.
pub(in crate::resource) async fn drop_empty(
    host: &Host,
    made: &BTreeMap<String, String>,
    goes: &[&str],
) -> Result<()> {
    for found in configured(host)? {
        let server = format!("postgresql-{}", found.version);
        if !goes.contains(&server.as_str()) {
            continue;
        }
        let drop = gate::drop_cluster(
            host,
            (&found.version, &found.name),
            made.get(&found.id()).map(String::as_str),
            found.identity(host).as_deref(),
            found.holds(host)?.as_deref(),
        )?;
        let drop = match drop {
            Ok(drop) => drop,
            Err(reason) => {
                let text = format!("the cluster `{}` stays: {reason}", found.id());
                host.events().tell(Event::Note { text });
                continue;
            }
        };
        host.run(&drop).await?;
        if host.meta(&found.folder())?.is_some() {
            return Err(Error::impossible(format!(
                "pg_dropcluster ended well and did not remove `{}`",
                found.folder().display()
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn databases_are_found_where_the_data_of_a_cluster_are() {
        for (data, conf, oid, expected) in [
            ("srv/data", "data_directory = '/srv/data'\n", "16385", true),
            ("srv/data", "data_directory = '/srv/data'\n", "5", false),
            ("var/lib/postgresql/15/main", "port = 5432\n", "16385", true),
            // its configuration is gone
            ("var/lib/postgresql/13/old", "port = 5432\n", "16385", true),
            ("srv/other", "port = 5432\n", "16385", false),
        ] {
            let root = tempfile::tempdir().expect("a folder");
            let put = |path: &str, text: &str| {
                let path = root.path().join(path);
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("its folder");
                std::fs::write(path, text).expect("a file");
            };
            put("etc/postgresql/15/main/postgresql.conf", conf);
            put(&format!("{data}/base/{oid}/PG_VERSION"), "15\n");
            let host = Host::at(root.path(), Programs::Real, Events::silent());
            assert_eq!(
                has_databases(&host).expect("an answer"),
                expected,
                "{data} {conf} {oid}"
            );
        }
    }
}
