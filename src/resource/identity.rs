//! Root's SSH identity, lent to the builder while it fetches.

use std::path::{Path, PathBuf};

use crate::host::{Error, Host, Result};

/// Where root's keys lie.
const KEYS: &str = "/root/.ssh";

/// The keys that ssh tries by itself, the best first.
const NAMES: &[&str] = &["id_ed25519", "id_ecdsa", "id_rsa"];

/// In memory: a copy of a key is never on a disk.
const LENT: &str = "/run/odoo-deploy";

/// Whether git reaches `url` through ssh.
#[must_use]
pub fn is_ssh(url: &str) -> bool {
    url.starts_with("ssh://") || (!url.contains("://") && url.contains('@'))
}

/// Where what is lent to `builder` lies.
fn folder(builder: &str) -> PathBuf {
    Path::new(LENT).join(format!("{builder}-ssh"))
}

/// Lends root's keys and known hosts to `builder`: readable by its group, so that it can use and
/// not change them. Answers the command by which git calls ssh.
///
/// # Errors
/// Where root has no key.
pub(super) fn lend(host: &Host, builder: &str) -> Result<String> {
    take_back(host, builder)?;
    for (path, group, mode) in [
        (Path::new(LENT), "root", 0o755),
        (&folder(builder), builder, 0o750),
    ] {
        host.ensure_folder(path, "root", group, mode)?;
    }
    let lend = |name: &str| -> Result<Option<String>> {
        let Some(bytes) = host.read(&Path::new(KEYS).join(name))? else {
            return Ok(None);
        };
        let lent = folder(builder).join(name);
        host.write(&lent, &bytes, "root", builder, 0o640)?;
        Ok(Some(lent.display().to_string()))
    };
    let mut command = "ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes".to_owned();
    if let Some(known) = lend("known_hosts")? {
        command = format!("{command} -o UserKnownHostsFile={known}");
    }
    let keys: Vec<String> = NAMES
        .iter()
        .filter_map(|name| lend(name).transpose())
        .collect::<Result<_>>()?;
    if keys.is_empty() {
        return Err(Error::impossible(format!(
            "root has no SSH key: put one of `{}` into `{KEYS}`, with the server in its `known_hosts`",
            NAMES.join("`, `")
        )));
    }
    Ok(keys
        .iter()
        .fold(command, |command, key| format!("{command} -i {key}")))
}

/// Takes back what was lent.
pub(super) fn take_back(host: &Host, builder: &str) -> Result<()> {
    let folder = folder(builder);
    if host.meta(&folder)?.is_some() {
        host.remove_tree(&folder)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_through_ssh_is_told_from_the_rest() {
        for url in ["ssh://git@host/a.git", "git@host:a.git"] {
            assert!(is_ssh(url), "{url}");
        }
        for url in [
            "https://host/a.git",
            "https://user@host/a.git",
            "file:///a.git",
        ] {
            assert!(!is_ssh(url), "{url}");
        }
    }
}
