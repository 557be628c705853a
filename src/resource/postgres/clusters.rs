//! The PostgreSQL clusters of this host, as their files say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::event::Event;
use crate::gate;
use crate::host::{Error, Host, Result};
use crate::resource::apt::dpkg::Dpkg;
use crate::resource::postgres::local_cluster::{port, value};

/// Where Debian and Ubuntu keep the configuration of clusters, by major version and name.
const CONFIGURATIONS: &str = "/etc/postgresql";

/// Where they keep the data, in the same way.
const DATA: &str = "/var/lib/postgresql";

/// Where they keep each major version's programs.
const PROGRAMS: &str = "/usr/lib/postgresql";

/// The number from which PostgreSQL counts databases that it did not make itself (`FirstNormalObjectId`).
const FIRST_OWN_DATABASE: u32 = 16384;

/// What PostgreSQL has in its folder of data, besides `pg_…`.
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

/// What `pg_createcluster` puts into a cluster's folder of configuration.
const IN_CONFIGURATION: &[&str] = &[
    "conf.d",
    "environment",
    "pg_ctl.conf",
    "pg_hba.conf",
    "pg_ident.conf",
    "postgresql.conf",
    "start.conf",
];

/// A cluster, as its configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configured {
    /// The major version, as its folder is named.
    pub version: String,
    /// Its name.
    pub name: String,
    /// The port that it takes.
    pub port: u16,
    /// Where its data are.
    pub data: PathBuf,
    /// Whether the server of its version is installed.
    pub has_server: bool,
    /// Whether its data are there.
    pub has_data: bool,
}

impl Configured {
    /// Its name to the tools of Debian: `15/main`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.version, self.name)
    }

    /// Where its configuration is.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        Path::new(CONFIGURATIONS)
            .join(&self.version)
            .join(&self.name)
    }

    /// Whether it can run. What a removed PostgreSQL has left cannot.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.has_server && self.has_data
    }

    /// What PostgreSQL calls its system identifier: no two clusters have the same. `None` where it cannot be read.
    fn identity(&self, host: &Host) -> Option<String> {
        let control = host.read(&self.data.join("global/pg_control")).ok()??;
        let first: [u8; 8] = control.get(..8)?.try_into().ok()?;
        Some(format!("{:016x}", u64::from_le_bytes(first)))
    }

    /// What it holds that neither PostgreSQL nor this program made, by its files: the server may be down.
    fn holds(&self, host: &Host) -> Result<Option<String>> {
        let own = |oid: &String| oid.parse().is_ok_and(|oid: u32| oid >= FIRST_OWN_DATABASE);
        if host.list(&self.data.join("base"))?.iter().any(own)
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

/// All clusters that are configured.
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
            let usual = Path::new(DATA).join(&version).join(&name);
            let data = value(&conf, "data_directory").map_or(usual, PathBuf::from);
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

/// Whether a server that can run came by another way than the distribution's package `postgresql`, which would bring a
/// second major version beside it.
///
/// # Errors
/// If it cannot be told.
pub fn has_other_server(host: &Host) -> Result<bool> {
    if !configured(host)?.iter().any(Configured::is_alive) {
        return Ok(false);
    }
    Ok(!Dpkg::read(host)?.installed.contains_key("postgresql"))
}

/// The clusters by what each is and no other, also those whose server is not installed.
pub(in crate::resource) fn identities(host: &Host) -> Result<BTreeMap<String, String>> {
    let all = configured(host)?.into_iter();
    let known = all.filter_map(|found| Some((found.id(), found.identity(host)?)));
    Ok(known.collect())
}

/// Drops those of `made` whose server is in `goes`, by the program of their packages, that are still the same and hold
/// nothing of an owner's: what is left of one without its packages would keep the next from being made.
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
