//! Trees that never change once whole: made beside their place, and put there by one rename.

use std::path::{Path, PathBuf};

use crate::gate;
use crate::host::{Host, Result};

/// Where what is half made of `path` is.
pub(super) fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".partial-{name}"))
}

/// Clears what was left half made.
pub(in crate::resource) fn clear(host: &Host, path: &Path) -> Result<()> {
    gate::clear_partial(host, path)
}

/// Puts a whole `tree` into its place.
pub(super) fn put(host: &Host, tree: &Path, path: &Path) -> Result<()> {
    host.sync(tree)?;
    gate::put_tree(host, tree, path)?;
    clear(host, path)
}
