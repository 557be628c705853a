//! Where the program keeps what is its own, and what tells the sites of a host apart.

use std::path::{Path, PathBuf};

use super::{Host, Result};

/// The folder of journals, earlier bytes and secrets, with a folder for each site; for root alone.
pub const STATE: &str = "/var/lib/odoo-deploy";

/// The folder in memory of what is of no use after a boot: locks, and what services were started with.
pub const RUN: &str = "/run/odoo-deploy";

/// The folder of the journal of site `name`.
#[must_use]
pub fn state(name: &str) -> PathBuf {
    Path::new(STATE).join(name)
}

/// The lock of site `name`. In memory: a run that changes nothing, or is refused, leaves no trace on the disk.
#[must_use]
pub fn lock(name: &str) -> PathBuf {
    Path::new(RUN).join(format!("{name}.lock"))
}

/// Odoo's configuration of site `name`.
#[must_use]
pub fn conf(name: &str) -> PathBuf {
    Path::new("/etc").join(format!("{name}.conf"))
}

/// The names of the sites of this host, without `own`.
///
/// # Errors
/// If the folder of their journals cannot be read.
pub fn other_sites(host: &Host, own: &str) -> Result<Vec<String>> {
    let mut names = host.list(Path::new(STATE))?;
    names.retain(|name| name != own);
    Ok(names)
}
