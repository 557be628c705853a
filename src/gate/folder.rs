//! The folder of Odoo's data.

use std::path::Path;

use super::{Evidence, Verdict};
use crate::host::{Host, Kind, Result};

/// What Odoo creates in the folder and can create again: sessions of users, and caches of programs that it calls.
const OWN: &[&str] = &["sessions", ".cache", ".local", ".config"];

/// How many levels deep to search for files. A folder below that counts as a file.
const DEPTH: usize = 4;

/// Removes a data folder that a run made if it contains only what Odoo can create again. Otherwise the folder stays,
/// and the reason names its content.
///
/// # Errors
/// If the folder cannot be read or removed.
pub fn remove_data(host: &Host, path: &Path) -> Result<Verdict<()>> {
    let mut theirs = Vec::new();
    for name in host.list(path)? {
        let inside = path.join(&name);
        if !OWN.contains(&name.as_str()) && holds_files(host, &inside, DEPTH)? {
            theirs.push(inside.display().to_string());
        }
    }
    if !theirs.is_empty() {
        return Ok(Err(format!(
            "`{}` holds files that no run made",
            theirs.join("`, `")
        )));
    }
    let why = "a run made it, and there is nothing in it but what Odoo makes for itself";
    Evidence::new(why).tell(host, &path.display().to_string())?;
    host.remove_tree(path).map(Ok)
}

fn holds_files(host: &Host, path: &Path, depth: usize) -> Result<bool> {
    match host.meta(path)?.map(|meta| meta.kind) {
        None => return Ok(false),
        Some(Kind::Folder) if depth > 0 => (),
        Some(_) => return Ok(true),
    }
    for name in host.list(path)? {
        if holds_files(host, &path.join(name), depth - 1)? {
            return Ok(true);
        }
    }
    Ok(false)
}
