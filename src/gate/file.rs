//! Files and links.

use std::path::Path;

use super::tree::remove_own_name;
use super::{Evidence, Verdict, move_aside, tell_aside};
use crate::host::command::Cmd;
use crate::host::store::digest;
use crate::host::{Host, Result};

/// Keeps the bytes of a file in the store, then removes the file.
///
/// # Errors
/// If the bytes cannot be kept, or the file cannot be removed.
pub fn remove_own(host: &Host, path: &Path) -> Result<()> {
    let Some(bytes) = host.read(path)? else {
        return host.remove_file(path);
    };
    let name = host.store()?.keep(&bytes)?;
    let why = if host.store()?.wrote(path)?.contains(&name) {
        "a run wrote these bytes"
    } else {
        "its bytes are kept"
    };
    Evidence::new(why).tell(host, &path.display().to_string())?;
    host.remove_file(path)
}

/// Removes a file that a run made. It stays if somebody has replaced it since.
///
/// # Errors
/// If the file cannot be read or removed.
pub fn remove_made(host: &Host, path: &Path) -> Result<Verdict<()>> {
    let Some(bytes) = host.read(path)? else {
        return host.remove_file(path).map(Ok);
    };
    if !host.store()?.wrote(path)?.contains(&digest(&bytes)) {
        return Ok(Err(format!(
            "`{}` is not the one that a run made",
            path.display()
        )));
    }
    Evidence::new("a run wrote these bytes").tell(host, &path.display().to_string())?;
    host.remove_file(path).map(Ok)
}

/// The name in the notes for a certificate that a run obtained through certbot.
#[must_use]
pub fn lineage_key(name: &str) -> String {
    format!("certificate of certbot {name}")
}

/// The command by which certbot removes a certificate that a run obtained.
///
/// # Errors
/// If the notes cannot be read.
pub fn remove_lineage(host: &Host, name: &str) -> Result<Verdict<Cmd>> {
    if host.made(&lineage_key(name))?.is_empty() {
        return Ok(Err(format!(
            "no run noted that it obtained certbot's certificate `{name}`"
        )));
    }
    Evidence::new("a run obtained it").tell(host, name)?;
    let delete = Cmd::new("certbot").args(["delete", "--non-interactive", "--cert-name", name]);
    Ok(Ok(delete))
}

/// Removes a link if it still points to `target`, which a run set.
///
/// # Errors
/// If the link cannot be read or removed.
pub fn remove_link(host: &Host, path: &Path, target: &Path) -> Result<Verdict<()>> {
    match host.link_target(path)? {
        None => Ok(Ok(())),
        Some(found) if found == target => {
            let why = "a run made it, and it points to where it did";
            Evidence::new(why).tell(host, &path.display().to_string())?;
            host.remove_file(path).map(Ok)
        }
        Some(found) => Ok(Err(format!(
            "somebody has it point to `{}`",
            found.display()
        ))),
    }
}

/// Removes a record in `/run`: what a unit wrote at its start, or a key that is lent to a builder. Leaves other paths
/// alone.
///
/// # Errors
/// If the record cannot be removed.
pub fn remove_record(host: &Host, path: &Path) -> Result<()> {
    if path.starts_with("/run") {
        return remove_own_name(host, path);
    }
    Ok(())
}

/// The command by which the account of the database server removes one of our files among the server's settings. If
/// the text is not `ours`, the command moves the file aside. `None` as `ours` skips this check.
///
/// # Errors
/// If the file cannot be read.
pub fn remove_server_file(host: &Host, path: &Path, ours: Option<&str>) -> Result<Option<Cmd>> {
    let Some(text) = host.text(path)? else {
        return Ok(None);
    };
    let name = path.display().to_string();
    if ours.is_none_or(|ours| ours == text) {
        Evidence::new("a run wrote this text").tell(host, &name)?;
        return Ok(Some(Cmd::new("rm").args(["-f", "--", &name])));
    }
    let aside = super::aside(host, path)?;
    let call = Cmd::new("mv").args([
        "-T",
        "--no-clobber",
        "--",
        &name,
        &aside.display().to_string(),
    ]);
    tell_aside(host, path, &aside, "was edited by hand");
    Ok(Some(call))
}

/// Makes room for a new file at `path`: a file that no run wrote is moved aside.
///
/// # Errors
/// If the file cannot be read or moved.
pub fn make_room(host: &Host, path: &Path) -> Result<()> {
    let Some(bytes) = host.read(path)? else {
        return Ok(());
    };
    if !host.store()?.wrote(path)?.contains(&digest(&bytes)) {
        return move_aside(host, path, "is not the one that a run made");
    }
    Evidence::new("a run wrote these bytes").tell(host, &path.display().to_string())
}

/// Keeps the bytes of a file in the store and announces that the file is about to be replaced.
///
/// # Errors
/// If the bytes cannot be kept.
pub fn replaces(host: &Host, path: &Path) -> Result<()> {
    let Some(bytes) = host.read(path)? else {
        return Ok(());
    };
    host.store()?.keep(&bytes)?;
    Evidence::new("its bytes are kept").tell(host, &path.display().to_string())
}
