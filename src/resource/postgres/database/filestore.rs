//! The files of a database's attachments, which are stored beside it.

use std::path::{Path, PathBuf};

use super::Database;
use crate::event::Event;
use crate::gate;
use crate::host::command::Cmd;
use crate::host::{Host, Kind, Result};

/// How deep Odoo puts its files.
const DEPTH: usize = 4;

fn path(data: &Path, name: &str) -> PathBuf {
    data.join("filestore").join(name)
}

/// Why no new database can have the files in its place: those of an earlier one are there, without it. `None` where
/// there are none.
///
/// # Errors
/// If they cannot be looked at.
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

/// Whether there is anything but folders.
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

/// Takes the files away that the database's rows have `named`, and those that Odoo had written just before; where there are
/// others among them, all are moved aside.
pub(super) async fn take_away(database: &Database, host: &Host, named: &[String]) -> Result<()> {
    let path = path(&database.data, &database.name);
    if host
        .meta(&path)?
        .is_none_or(|meta| meta.kind != Kind::Folder)
    {
        return Ok(());
    }
    // as their owner: root follows no path that the service can bend
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
