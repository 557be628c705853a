//! Resolves a branch to a commit.

use std::path::Path;

use crate::host::command::{Cmd, PATH};
use crate::host::{Error, Host, Result};
use crate::secret::access::{Access, git_credentials, is_ssh};

/// The commit of `branch`, or of the tag with that name, in the repository `url`. `None` if git is needed to ask and
/// is not installed yet.
///
/// # Errors
/// If the repository cannot be reached, or has no such branch.
pub async fn resolve(
    host: &Host,
    url: &str,
    branch: &str,
    access: Option<&Access>,
) -> Result<Option<String>> {
    if let Some(path) = url.strip_prefix("file://")
        && let Some(commit) = in_folder(host, Path::new(path), branch)?
    {
        return Ok(Some(commit));
    }
    let ssh = is_ssh(url);
    if !has(host, "git") || (ssh && !has(host, "ssh")) {
        return Ok(None);
    }
    let told = git_credentials(host, url, access)?;
    let ask = Cmd::new("git")
        .args(told.options)
        .args(["ls-remote", "--exit-code", "--", url])
        .args([
            format!("refs/heads/{branch}"),
            format!("refs/tags/{branch}"),
        ])
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_SSH_COMMAND", told.ssh)
        .accept(2)
        .deadline(120);
    // only a list of names is read, so an unprivileged account will do; but only root can read the secret of a
    // private repository
    let ask = if ssh || access.is_some() {
        ask
    } else {
        ask.user("nobody").env("HOME", "/nonexistent")
    };
    let output = host.run(&ask).await?;
    let commit = output
        .stdout
        .split_whitespace()
        .next()
        .filter(|word| is_commit(word));
    let none = || Error::impossible(format!("`{url}` has no branch `{branch}`"));
    commit
        .map(|commit| Some(commit.to_owned()))
        .ok_or_else(none)
}

fn has(host: &Host, program: &str) -> bool {
    PATH.split(':')
        .any(|folder| host.path(&Path::new(folder).join(program)).exists())
}

/// Reads a branch of a repository on this host from its files. Asking git would need git, and `safe.directory` for a
/// folder of another owner. `None` if the files do not have the branch.
fn in_folder(host: &Host, repository: &Path, branch: &str) -> Result<Option<String>> {
    for git in [repository.to_owned(), repository.join(".git")] {
        for kind in ["refs/heads", "refs/tags"] {
            let name = format!("{kind}/{branch}");
            let loose = text(host, &git.join(&name))?.map(|text| text.trim().to_owned());
            let packed = text(host, &git.join("packed-refs"))?.unwrap_or_default();
            if let Some(commit) = loose
                .or_else(|| in_packed(&packed, &name))
                .filter(|text| is_commit(text))
            {
                return Ok(Some(commit));
            }
        }
    }
    Ok(None)
}

/// Reads a file. `None` for a link in a folder that others can write to: root does not follow such a link, and git,
/// which does not run as root here, is asked instead.
fn text(host: &Host, path: &Path) -> Result<Option<String>> {
    match host.text(path) {
        Err(Error::Unsafe { .. }) => Ok(None),
        read => read,
    }
}

/// Finds a line `COMMIT NAME` in `packed-refs`. For an annotated tag, the commit is in the next line, `^COMMIT`.
fn in_packed(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((commit, found)) = line.split_once(' ') else {
            continue;
        };
        if found == name {
            let peeled = lines.peek().and_then(|next| next.strip_prefix('^'));
            return Some(peeled.unwrap_or(commit).to_owned());
        }
    }
    None
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_reference_is_found_and_an_annotated_tag_is_peeled() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let text =
            format!("# pack-refs with: peeled\n{a} refs/heads/19.0\n{a} refs/tags/v1\n^{b}\n");
        assert_eq!(in_packed(&text, "refs/heads/19.0"), Some(a));
        assert_eq!(in_packed(&text, "refs/tags/v1"), Some(b));
        assert_eq!(in_packed(&text, "refs/heads/9.0"), None);
    }
}
