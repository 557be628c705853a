//! The files of a database: they go with it where they are known to be its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Evidence, aside};
use crate::host::command::Cmd;
use crate::host::{Host, Result};

/// Where Odoo notes, for each file that it writes, that it is to be looked at by its collector of garbage
/// (`_mark_for_gc` in its `ir_attachment.py`).
const CHECKLIST: &str = "checklist/";

/// What becomes of files.
#[derive(Debug)]
pub enum Filestore {
    /// They go, by this call.
    Goes(Cmd),
    /// They are moved there, by this call.
    Aside(Cmd, PathBuf),
}

/// What becomes of the filestore at `path` with these `files`, where the rows of its database have `named` some.
///
/// # Errors
/// If a test wants it to fail.
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
