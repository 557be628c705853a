//! Users, roles, packages and clusters.

use super::{Evidence, Verdict};
use crate::host::command::Cmd;
use crate::host::{Host, Result};
use crate::text::sql::identifier;

/// The command that removes a user that a run made. The user stays if it still owns something (`owned`): the next
/// account with the same uid would get that.
///
/// # Errors
/// If the notes cannot be read, or if the disk's watch refuses the removal, as tests do.
pub fn remove_user(host: &Host, name: &str, uid: u32, owned: Option<&str>) -> Result<Verdict<Cmd>> {
    let notes = host.made(&format!("user {name}"))?;
    if !notes.is_empty() && !notes.contains(&uid.to_string()) {
        return Ok(Err("it is not the one that a run made".to_owned()));
    }
    if let Some(owned) = owned {
        return Ok(Err(format!("`{owned}` is its own")));
    }
    Evidence::new("a run made it, and nothing is its own").tell(host, &format!("user {name}"))?;
    Ok(Ok(Cmd::new("userdel").args(["--", name])))
}

/// The statement that drops a role that a run made. The role stays if something still depends on it (`needed_by`).
///
/// # Errors
/// If the notes cannot be read, or if the disk's watch refuses the removal, as tests do.
pub fn drop_role(
    host: &Host,
    name: &str,
    oid: &str,
    needed_by: &[String],
) -> Result<Verdict<String>> {
    let notes = host.made(&format!("role {name}"))?;
    if !notes.is_empty() && !notes.iter().any(|note| note == oid) {
        return Ok(Err("it is not the one that a run made".to_owned()));
    }
    if !needed_by.is_empty() {
        return Ok(Err(format!("it is needed by {}", needed_by.join(", "))));
    }
    Evidence::new("a run made it, and nothing depends on it")
        .tell(host, &format!("role {name}"))?;
    Ok(Ok(format!("drop role {};", identifier(name))))
}

/// The arguments for `apt-get` that remove exactly these packages, which a run installed.
///
/// # Errors
/// If the disk's watch refuses the removal, as tests do.
pub fn remove_packages(host: &Host, names: &[&str]) -> Result<Vec<String>> {
    let why = "a run brought them, and nothing that came later needs them";
    Evidence::new(why).tell(host, &format!("packages {}", names.join(" ")))?;
    let words = ["remove", "--no-auto-remove"];
    Ok(words
        .iter()
        .chain(names)
        .map(|word| (*word).to_owned())
        .collect())
}

/// The command that drops a cluster which the packages of a run created. `made` is the system identifier that the run
/// saw, `found` the present one. `holds` names content that belongs neither to PostgreSQL nor to odoo-deploy.
///
/// # Errors
/// If the disk's watch refuses the removal, as tests do.
pub fn drop_cluster(
    host: &Host,
    (version, name): (&str, &str),
    made: Option<&str>,
    found: Option<&str>,
    holds: Option<&str>,
) -> Result<Verdict<Cmd>> {
    if made.is_none() || made != found {
        return Ok(Err("it is not the one that a run made".to_owned()));
    }
    if let Some(holds) = holds {
        return Ok(Err(format!("it holds {holds}")));
    }
    Evidence::new("a run's packages made it, and it holds nothing of an owner's")
        .tell(host, &format!("cluster {version}/{name}"))?;
    let drop = Cmd::new("pg_dropcluster").args(["--stop", version, name]);
    Ok(Ok(drop.deadline(180)))
}
