//! Trees that a run made: releases, environments, archives. A tree is removed as a whole, and only if it is
//! unchanged.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Evidence, move_aside};
use crate::host::command::Cmd;
use crate::host::store::digest;
use crate::host::{Error, Host, Kind, Result};

/// Names to ignore: Python and git write them whoever runs the code, and the mark of a complete tree is written last.
const LATER: &[&str] = &["__pycache__", ".git", ".odoo-deploy-complete"];

/// The note about a tree that is being made in place.
const BEGUN: &str = "begun";

/// The note about a tree that is being removed in place.
const GOING: &str = "going";

/// The note about a tree in which a run is changing files.
const CHANGING: &str = "changing";

/// The files and folders that mark a tree as complete; one for each kind of tree.
const WHOLE: [&str; 3] = [".odoo-deploy-complete", ".sha256", ".git"];

/// Notes the content of `tree` before it is moved to `path`, or before it is marked as complete there.
///
/// # Errors
/// If the tree cannot be read, or the note cannot be written.
pub fn note_tree(host: &Host, tree: &Path, path: &Path) -> Result<()> {
    host.store()?.note_made(&key(path), &content(host, tree)?)
}

/// Moves a complete `tree` to `path`, which must be free.
///
/// # Errors
/// If `path` exists, or the tree cannot be noted or moved.
pub fn put_tree(host: &Host, tree: &Path, path: &Path) -> Result<()> {
    note_tree(host, tree, path)?;
    host.rename(tree, path)
}

/// The command that removes a folder of tools from an unfinished tree.
///
/// # Errors
/// If the disk's watch refuses the removal, as tests do.
pub fn remove_tools(host: &Host, path: &Path) -> Result<Cmd> {
    let name = path.display().to_string();
    Evidence::new("it is part of what is being made").tell(host, &name)?;
    Ok(Cmd::new("rm").args(["-rf", "--", &name]))
}

/// The `find` command that removes `others`, which are conditions for `find`, from a tree that was unchanged before
/// this run. It also removes the folders that this leaves empty, because git has no empty folders.
///
/// # Errors
/// If the disk's watch refuses the removal, as tests do.
pub fn remove_translations(
    host: &Host,
    path: &Path,
    find: Cmd,
    others: Vec<String>,
) -> Result<Cmd> {
    let name = path.display().to_string();
    let what = format!("translations in {name}");
    Evidence::new("a run made the tree, and it is as it was made").tell(host, &what)?;
    let emptied = "-delete -o -type d -name i18n* -empty -delete";
    Ok(find.arg(name).args(others).args(emptied.split(' ')))
}

/// Notes that a tree is about to be made at `path`, which must be free.
///
/// # Errors
/// If the note cannot be written.
pub fn begin_tree(host: &Host, path: &Path) -> Result<()> {
    host.store()?.note_made(&key(path), BEGUN)
}

/// Notes that a run is about to change files in the tree at `path`, until the next [`note_tree`]. Returns `false`,
/// and notes nothing, if somebody else has changed the tree since a run made it.
///
/// # Errors
/// If the tree cannot be read, or the note cannot be written.
pub fn change_tree(host: &Host, path: &Path) -> Result<bool> {
    let notes = host.made(&key(path))?;
    let is_changing = notes.last().is_some_and(|note| note == CHANGING);
    let is_ours = is_changing || notes.contains(&content(host, path)?);
    if is_ours {
        host.store()?.note_made(&key(path), CHANGING)?;
    }
    Ok(is_ours)
}

/// Removes the tree at `path`. If it is ours, it gets another name first, because a half-removed tree would pass for
/// a complete one. A tree that no run made, or that somebody has changed since, is moved aside. `is_whole` says
/// whether the tree has the mark of a complete one.
///
/// # Errors
/// If the tree cannot be moved or removed.
pub fn take_tree_away(host: &Host, path: &Path, is_whole: bool) -> Result<()> {
    if host.meta(path)?.is_none() {
        return Ok(());
    }
    let notes = host.made(&key(path))?;
    // it was begun where nothing was, and never completed
    let is_half = !is_whole && notes.last().is_some_and(|note| note == BEGUN);
    let is_going = notes.last().is_some_and(|note| note == GOING);
    if !is_half && !is_going && !notes.contains(&content(host, path)?) {
        return move_aside(host, path, "is not as a run made it");
    }
    let why = if is_half {
        "a run began it where nothing was, and it never was whole"
    } else if is_going {
        "its removal was under way"
    } else {
        "a run made it, and it is as it was made"
    };
    Evidence::new(why).tell(host, &path.display().to_string())?;
    match host.rename(path, &partial(path)) {
        Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::CrossesDevices => {
            remove_in_place(host, path)
        }
        renamed => renamed.and_then(|()| host.remove_tree(&partial(path))),
    }
}

/// Removes a tree that cannot be renamed, because an overlay file system has it in a lower layer. Removes the marks
/// of a complete tree first, so that the rest does not pass for one.
fn remove_in_place(host: &Host, path: &Path) -> Result<()> {
    host.store()?.note_made(&key(path), GOING)?;
    for name in WHOLE {
        let part = path.join(name);
        match host.meta(&part)?.map(|meta| meta.kind) {
            Some(Kind::Folder) => host.remove_tree(&part)?,
            Some(_) => host.remove_file(&part)?,
            None => (),
        }
    }
    host.remove_tree(path)
}

/// Removes the half-made tree that a crash left beside `path`.
///
/// # Errors
/// If the half-made tree cannot be removed.
pub fn clear_partial(host: &Host, path: &Path) -> Result<()> {
    remove_own_name(host, &partial(path))
}

/// Removes something with a name that only odoo-deploy gives.
pub(super) fn remove_own_name(host: &Host, path: &Path) -> Result<()> {
    if host.meta(path)?.is_none() {
        return Ok(());
    }
    Evidence::new("it bears the name of what is half made")
        .tell(host, &path.display().to_string())?;
    host.remove_tree(path)
}

/// The temporary name of `path` while it is being made or removed.
fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".partial-{name}"))
}

fn key(path: &Path) -> String {
    format!("tree {}", path.display())
}

/// The digest of a tree's content: names, sizes and modification times of everything in it.
fn content(host: &Host, tree: &Path) -> Result<String> {
    let (mut all, root) = (Vec::new(), host.path(tree));
    let read = list(&root, Path::new(""), &mut all);
    read.map_err(Error::file("look through", tree))?;
    all.sort_unstable();
    Ok(digest(all.concat().as_bytes()))
}

fn list(root: &Path, folder: &Path, all: &mut Vec<String>) -> io::Result<()> {
    let here = root.join(folder);
    if !here.symlink_metadata()?.is_dir() {
        all.push("no folder".to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(&here)? {
        let entry = entry?;
        let name = entry.file_name();
        if LATER.iter().any(|later| name == *later) {
            continue;
        }
        let path = folder.join(&name);
        let meta = entry.metadata()?;
        if meta.is_dir() {
            all.push(format!("{}/\n", path.display()));
            list(root, &path, all)?;
            continue;
        }
        let mut line = path.display().to_string();
        if meta.is_file() {
            let _ = write!(
                line,
                " {} {}.{}",
                meta.len(),
                meta.mtime(),
                meta.mtime_nsec()
            );
        } else if meta.is_symlink() {
            let _ = write!(line, " -> {}", fs::read_link(entry.path())?.display());
        }
        all.push(line + "\n");
    }
    Ok(())
}
