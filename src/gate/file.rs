//! Files and links.

use std::path::Path;

use super::tree::remove_own_name;
use super::{Evidence, Verdict, move_aside, tell_aside};
use crate::host::command::Cmd;
use crate::host::store::digest;
use crate::host::{Host, Result};

/// Removes a file whose bytes are ours, or are where they can be found again: beside it, and by digest in the store.
///
/// # Errors
/// If it is neither, or cannot be removed.
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

/// Removes a file that a run made and noted; where somebody has put another in its place, that stays.
///
/// # Errors
/// If it cannot be read or removed.
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

/// What notes call a certificate that a run had certbot obtain.
#[must_use]
pub fn lineage_key(name: &str) -> String {
    format!("certificate of certbot {name}")
}

/// How certbot removes a certificate that a run had it obtain.
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

/// Removes a link, where it still points to where a run had it point.
///
/// # Errors
/// If it cannot be read or removed.
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

/// Removes what is in memory for as long as the machine runs: what a unit wrote down, what is handed to a builder.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_record(host: &Host, path: &Path) -> Result<()> {
    if path.starts_with("/run") {
        return remove_own_name(host, path);
    }
    Ok(())
}

/// How the server's account removes a file of this program's among the server's settings; where its text is not one that
/// was written by us, how it moves it aside.
///
/// # Errors
/// If it cannot be read.
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

/// Makes room for a file of ours; another's that is in its place is moved aside.
///
/// # Errors
/// If it cannot be read or moved.
pub fn make_room(host: &Host, path: &Path) -> Result<()> {
    let Some(bytes) = host.read(path)? else {
        return Ok(());
    };
    if !host.store()?.wrote(path)?.contains(&digest(&bytes)) {
        return move_aside(host, path, "is not the one that a run made");
    }
    Evidence::new("a run wrote these bytes").tell(host, &path.display().to_string())
}

/// Says that a file is about to be replaced whose bytes are kept.
///
/// # Errors
/// If they cannot be kept.
pub fn replaces(host: &Host, path: &Path) -> Result<()> {
    let Some(bytes) = host.read(path)? else {
        return Ok(());
    };
    host.store()?.keep(&bytes)?;
    Evidence::new("its bytes are kept").tell(host, &path.display().to_string())
}
