//! The folder of Odoo's data.

use std::path::Path;

use super::{Evidence, Verdict};
use crate::host::{Host, Kind, Result};

/// What Odoo puts there for itself, and makes anew: who is signed in, and caches of programs that it calls.
const OWN: &[&str] = &["sessions", ".cache", ".local", ".config"];

/// How deep it is looked for files.
const DEPTH: usize = 4;

/// Removes a folder of data that a run made, where nothing is in it but what Odoo makes for itself; else it stays, and what
/// is in it is named.
///
/// # Errors
/// If it cannot be looked at or removed.
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
