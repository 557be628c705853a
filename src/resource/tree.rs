//! Trees that never change once whole: made beside their place, and put there by one rename.

use std::path::{Path, PathBuf};

use crate::host::{Host, Result};

/// Where what is half made of `path` lies.
pub(super) fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".partial-{name}"))
}

/// Clears what was left half made.
pub(super) fn clear(host: &Host, path: &Path) -> Result<()> {
    match host.meta(&partial(path))? {
        Some(_) => host.remove_tree(&partial(path)),
        None => Ok(()),
    }
}

/// Takes what is at `path` away, by one rename: what is half removed would be taken for whole.
pub(super) fn take_away(host: &Host, path: &Path) -> Result<()> {
    if host.meta(path)?.is_some() {
        host.rename(path, &partial(path))?;
        clear(host, path)?;
    }
    Ok(())
}

/// Puts a whole `tree` into its place.
pub(super) fn put(host: &Host, tree: &Path, path: &Path) -> Result<()> {
    host.sync(tree)?;
    host.rename(tree, path)?;
    clear(host, path)
}
