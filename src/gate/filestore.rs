//! The filestore of a database: it is removed with its database if all its files are known to belong to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Evidence, aside};
use crate::host::command::Cmd;
use crate::host::{Host, Result};

/// The folder in which Odoo lists each file that it writes, for its garbage collector (`_mark_for_gc` in Odoo's
/// `ir_attachment.py`).
const CHECKLIST: &str = "checklist/";

/// What happens to a filestore.
#[derive(Debug)]
pub enum Filestore {
    /// This command removes it.
    Goes(Cmd),
    /// This command moves it to this path.
    Aside(Cmd, PathBuf),
}

/// Decides what happens to the filestore at `path` with these `files`. `named` are the files that rows of its
/// database name.
///
/// # Errors
/// If the disk's watch refuses the removal, as tests do.
pub fn remove_filestore(
    host: &Host,
    path: &Path,
    files: &[&str],
    named: &[String],
) -> Result<Filestore> {
    let listed = files.iter().filter_map(|file| file.strip_prefix(CHECKLIST));
    let known: BTreeSet<&str> = named.iter().map(String::as_str).chain(listed).collect();
    let is_known = |file: &&str| file.starts_with(CHECKLIST) || known.contains(*file);
    if files.iter().all(is_known) {
        let why =
            "a run made its database, and every file is one that it names or had just written";
        Evidence::new(why).tell(host, &path.display().to_string())?;
        let call = Cmd::new("rm").args(["-rf", "--", &path.display().to_string()]);
        return Ok(Filestore::Goes(call));
    }
    let aside = aside(host, path)?;
    let [from, to] = [path, &aside].map(|path| path.display().to_string());
    let call = Cmd::new("mv").args(["-T", "--no-clobber", "--", &from, &to]);
    Ok(Filestore::Aside(call, aside))
}
