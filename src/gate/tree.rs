//! Trees that a run made: releases, environments, archives. They go as a whole, and only as they were made.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Evidence, move_aside};
use crate::host::command::Cmd;
use crate::host::store::digest;
use crate::host::{Error, Host, Kind, Result};

/// What Python writes for itself, and git, whoever runs the code; and what is written once the rest is whole.
const LATER: &[&str] = &["__pycache__", ".git", ".odoo-deploy-complete"];

/// The note of a tree that is being made at its place.
const BEGUN: &str = "begun";

/// The note of a tree that goes piece by piece.
const GOING: &str = "going";

/// The note of a tree in which a run changes files.
const CHANGING: &str = "changing";

/// By which a tree of each kind is known as whole.
const WHOLE: [&str; 3] = [".odoo-deploy-complete", ".sha256", ".git"];

/// Notes what `tree` holds, before it is put at `path` or is called whole there.
///
/// # Errors
/// If it cannot be read or noted.
pub fn note_tree(host: &Host, tree: &Path, path: &Path) -> Result<()> {
    host.store()?.note_made(&key(path), &content(host, tree)?)
}

/// Puts a whole `tree` at `path`, where nothing is.
///
/// # Errors
/// If something is there, or it cannot be noted or moved.
pub fn put_tree(host: &Host, tree: &Path, path: &Path) -> Result<()> {
    note_tree(host, tree, path)?;
    host.rename(tree, path)
}

/// The call that removes a folder of tools in a tree at `path` that is being made.
///
/// # Errors
/// If a test wants it to fail.
pub fn remove_tools(host: &Host, path: &Path) -> Result<Cmd> {
    let name = path.display().to_string();
    Evidence::new("it is part of what is being made").tell(host, &name)?;
    Ok(Cmd::new("rm").args(["-rf", "--", &name]))
}

/// The call of `find` that removes `others`, as it is told of them, from a tree that was as a run made it before this run
/// touched it; and the folders that it leaves empty, of which git has none.
///
/// # Errors
/// If a test wants it to fail.
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

/// Notes that a tree is about to be made at `path`, where nothing is.
///
/// # Errors
/// If it cannot be noted.
pub fn begin_tree(host: &Host, path: &Path) -> Result<()> {
    host.store()?.note_made(&key(path), BEGUN)
}

/// Notes that a run is about to change files in the tree at `path`, until [`note_tree`]; `false` if somebody else has
/// changed it since a run made it, which is not noted.
///
/// # Errors
/// If it cannot be read or noted.
pub fn change_tree(host: &Host, path: &Path) -> Result<bool> {
    let notes = host.made(&key(path))?;
    let is_changing = notes.last().is_some_and(|note| note == CHANGING);
    let is_ours = is_changing || notes.contains(&content(host, path)?);
    if is_ours {
        host.store()?.note_made(&key(path), CHANGING)?;
    }
    Ok(is_ours)
}

/// Takes what is at `path` away, by one rename where it is ours: what is half removed would be taken for whole. What a
/// run did not make, or somebody has changed since, is moved aside. `is_whole` says whether it bears the mark of one
/// that is.
///
/// # Errors
/// If it cannot be moved or removed.
pub fn take_tree_away(host: &Host, path: &Path, is_whole: bool) -> Result<()> {
    if host.meta(path)?.is_none() {
        return Ok(());
    }
    let notes = host.made(&key(path))?;
    // it never got to be whole, and was begun where nothing was
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

/// Removes a tree that cannot be renamed: one that an overlay file system has in a lower layer. First what it is known
/// by, so that nobody takes the rest for whole.
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

/// Clears what was left half made of the tree at `path`, beside it.
///
/// # Errors
/// If it cannot be removed.
pub fn clear_partial(host: &Host, path: &Path) -> Result<()> {
    remove_own_name(host, &partial(path))
}

/// Removes something that bears a name that only this program gives.
pub(super) fn remove_own_name(host: &Host, path: &Path) -> Result<()> {
    if host.meta(path)?.is_none() {
        return Ok(());
    }
    Evidence::new("it bears the name of what is half made")
        .tell(host, &path.display().to_string())?;
    host.remove_tree(path)
}

/// Where what is half made of `path` is.
fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".partial-{name}"))
}

fn key(path: &Path) -> String {
    format!("tree {}", path.display())
}

/// The digest of what a tree holds: names, sizes and times of all that is in it.
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
