//! The filestore: the files of a database's attachments.

use std::path::{Path, PathBuf};

use super::Database;
use crate::event::Event;
use crate::gate;
use crate::host::command::Cmd;
use crate::host::{Host, Kind, Result};

/// The depth to which Odoo stores files.
const DEPTH: usize = 4;

fn path(data: &Path, name: &str) -> PathBuf {
    data.join("filestore").join(name)
}

/// Why a new database cannot use its filestore: the folder holds the files of an earlier database, which no longer
/// exists. `None` if the folder holds no files.
///
/// # Errors
/// If the filestore cannot be read.
pub fn left(host: &Host, data: &Path, name: &str) -> Result<Option<String>> {
    let path = path(data, name);
    if !holds_anything(host, &path, DEPTH)? {
        return Ok(None);
    }
    let path = path.display();
    Ok(Some(format!(
        "`{path}` holds the files of a database `{name}`, and there is none with anything in it: a new one would be given \
         files that are not its own. Restore the database they belong to, or move them aside: `mv {path} {path}-aside`"
    )))
}

/// Whether `path` contains anything except folders.
fn holds_anything(host: &Host, path: &Path, depth: usize) -> Result<bool> {
    match host.meta(path)?.map(|meta| meta.kind) {
        None => return Ok(false),
        Some(Kind::Folder) if depth > 0 => (),
        Some(_) => return Ok(true),
    }
    for name in host.list(path)? {
        if holds_anything(host, &path.join(name), depth - 1)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes the files that the rows of the database `named`, and files that Odoo had just written. If there are any
/// other files, the whole filestore is moved aside.
pub(super) async fn take_away(database: &Database, host: &Host, named: &[String]) -> Result<()> {
    let path = path(&database.data, &database.name);
    if host
        .meta(&path)?
        .is_none_or(|meta| meta.kind != Kind::Folder)
    {
        return Ok(());
    }
    // run as the owner of the files, so that root follows no path that the service can redirect
    let as_owner = |call: Cmd| {
        call.user(database.account())
            .folder(Path::new("/"))
            .deadline(600)
    };
    let find = Cmd::new("find").args([
        &path.display().to_string(),
        "!",
        "-type",
        "d",
        "-printf",
        "%P\\0",
    ]);
    let found = host.run(&as_owner(find)).await?.stdout;
    let files: Vec<&str> = found.split_terminator('\0').collect();
    match gate::remove_filestore(host, &path, &files, named)? {
        gate::Filestore::Goes(call) => host.run(&as_owner(call)).await.map(drop),
        gate::Filestore::Aside(call, to) => {
            host.run(&as_owner(call)).await?;
            let text = format!(
                "`{}` holds files that came from elsewhere: all of it is now `{}`",
                path.display(),
                to.display()
            );
            host.events().tell(Event::Note { text });
            Ok(())
        }
    }
}
