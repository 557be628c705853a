//! The specification of a machine.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::base::Base;
use super::error::{Error, Result};

/// A machine to boot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spec {
    /// Its host name, also its name in the bed.
    pub name: String,
    /// The base that it boots from.
    pub base: Base,
    /// Its network.
    pub network: Network,
    /// Files and folders of the host that it can see.
    pub binds: Vec<Bind>,
    /// Where its writable layer is stored.
    pub storage: Storage,
    /// Names that resolve to the host in the machine.
    pub aliases: Vec<String>,
    /// Capabilities in addition to those of a container (`CAP_SYS_MODULE`, `all`).
    pub capabilities: Vec<String>,
}

impl Spec {
    /// A machine with a private network and its writable layer in memory.
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
    /// The host's network: the machine shares the host's ports, and cannot change addresses or packet filters.
    Host,
    /// A private network behind address translation: two machines never clash over a port.
    #[default]
    Private,
}

/// Where the writable layer of a machine is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Storage {
    /// In memory, at most half of the host's. Nothing is durable, and the layer is removed at once.
    #[default]
    Tmpfs,
    /// In the bed's folder, as durable and as slow to remove as the disk.
    Disk,
}

/// A file or folder of the host that a machine can see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// Its absolute path on the host.
    pub source: PathBuf,
    /// Its absolute path in the machine.
    pub target: PathBuf,
    /// Whether it is read-only in the machine.
    pub read_only: bool,
}

/// Checks that a name can be a host name, a folder and a cgroup.
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
    fn names_must_be_host_names_and_not_paths() {
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
