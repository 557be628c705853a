//! Trees that never change once complete: each is made in a folder beside its path and moved there by one rename.

use std::path::{Path, PathBuf};

use crate::gate;
use crate::host::{Host, Result};

/// The folder in which the tree of `path` is made.
pub(super) fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".partial-{name}"))
}

/// Removes an unfinished tree.
pub(in crate::resource) fn clear(host: &Host, path: &Path) -> Result<()> {
    gate::clear_partial(host, path)
}

/// Moves a complete `tree` to `path`.
pub(super) fn put(host: &Host, tree: &Path, path: &Path) -> Result<()> {
    host.sync(tree)?;
    gate::put_tree(host, tree, path)?;
    clear(host, path)
}
