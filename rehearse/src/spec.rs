//! What a machine is to be like.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::base::Base;
use super::error::{Error, Result};

/// A machine to boot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spec {
    /// Its host name, and the name it is stopped by.
    pub name: String,
    /// What it boots.
    pub base: Base,
    /// The network it is on.
    pub network: Network,
    /// Files and folders of the host that it sees.
    pub binds: Vec<Bind>,
    /// Where what it writes goes.
    pub storage: Storage,
    /// Names that resolve, inside, to this host.
    pub aliases: Vec<String>,
    /// Capabilities beyond those of a container (`CAP_SYS_MODULE`, `all`).
    pub capabilities: Vec<String>,
}

impl Spec {
    /// A machine on a private network that writes to memory.
    #[must_use]
    pub fn new(name: impl Into<String>, base: Base) -> Self {
        Self {
            name: name.into(),
            base,
            network: Network::default(),
            binds: Vec::new(),
            storage: Storage::default(),
            aliases: Vec::new(),
            capabilities: Vec::new(),
        }
    }
}

/// The network of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Network {
    /// The host's own: its ports are the host's, and it cannot change addresses or packet filters.
    Host,
    /// One of its own, behind address translation: two machines never clash over a port.
    #[default]
    Private,
}

/// Where a machine's writable layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Storage {
    /// In memory (at most half of the host's): nothing is durable, and it is dropped at once.
    #[default]
    Tmpfs,
    /// In the bed's folder: as durable, and as slow to remove, as the disk beneath.
    Disk,
}

/// A file or folder of the host, seen inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// Its absolute path on the host.
    pub source: PathBuf,
    /// Its absolute path inside.
    pub target: PathBuf,
    /// Whether the machine may only read it.
    pub read_only: bool,
}

/// Refuses names that could not be a host name, a folder and a cgroup at once.
pub(super) fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    let good = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && !name.contains("..")
        && name.chars().all(allowed);
    if good {
        Ok(())
    } else {
        Err(Error::BadName(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_host_names_and_no_paths() {
        for good in ["a", "trial-2", "bookworm.odoo"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(41);
        for bad in [
            "", ".", "../x", "a/b", "-a", "a-", "1a", "a..b", "A", "a@lock", &long,
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
