//! Where odoo-deploy keeps its own files, and which files belong to which site.

use std::path::{Path, PathBuf};

use super::{Host, Result};

/// The folder of journals, earlier bytes and secrets, with one folder for each site. Only root can read it.
pub const STATE: &str = "/var/lib/odoo-deploy";

/// The folder in memory for what is useless after a reboot: locks, and the records of what services were started
/// with.
pub const RUN: &str = "/run/odoo-deploy";

/// The folder of the journal of site `name`.
#[must_use]
pub fn state(name: &str) -> PathBuf {
    Path::new(STATE).join(name)
}

/// The lock of site `name`. It is in memory, so that a run that changes nothing, or is refused, leaves no trace on
/// disk.
#[must_use]
pub fn lock(name: &str) -> PathBuf {
    Path::new(RUN).join(format!("{name}.lock"))
}

/// Odoo's configuration of site `name`.
#[must_use]
pub fn conf(name: &str) -> PathBuf {
    Path::new("/etc").join(format!("{name}.conf"))
}

/// The names of all sites of this host except `own`.
///
/// # Errors
/// If the folder of their journals cannot be read.
pub fn other_sites(host: &Host, own: &str) -> Result<Vec<String>> {
    let mut names = host.list(Path::new(STATE))?;
    names.retain(|name| name != own);
    Ok(names)
}
