//! Credentials for private repositories, and how git gets them.
//!
//! A secret is read from its source and given to git only through a key file for ssh, or through a credential helper
//! for exactly one server. It therefore never appears in an argument, a URL, an environment variable, git's
//! configuration, a log or a journal.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::gate;
use crate::host::{Error, Host, Ownership, Result, layout};

/// The folder of root's SSH keys and known hosts.
const KEYS: &str = "/root/.ssh";

/// The folder for copies that a builder may read. It is in memory, so that no copy of a secret is ever on a disk.
const LENT: &str = layout::RUN;

/// The credentials for a private repository. This type knows only where the secret is stored, never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Access {
    /// A deploy key, for a repository over SSH.
    Key {
        /// The path of the private key.
        file: PathBuf,
        /// The path of the file with the keys of known servers; `None` means root's `known_hosts`.
        known_hosts: Option<PathBuf>,
    },
    /// A token, for a repository over HTTPS.
    Token {
        /// Where the token is stored.
        from: SecretSource,
        /// The user name that belongs to the token.
        user: String,
    },
}

/// Where a secret is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// In a file that only root can read.
    File(PathBuf),
    /// In an environment variable of this process.
    Env(String),
    /// In a credential of the unit that runs this process, see `systemd.exec(5)`.
    Credential(String),
}

/// The settings with which git can open a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitCredentials {
    /// The ssh command for `GIT_SSH_COMMAND`; empty if git uses a token.
    pub ssh: String,
    /// Its options, `-c KEY=VALUE`.
    pub options: Vec<String>,
}

/// Whether git reaches `url` through ssh.
#[must_use]
pub fn is_ssh(url: &str) -> bool {
    url.starts_with("ssh://") || (!url.contains("://") && url.contains('@'))
}

impl Access {
    /// Checks that the secret exists and that only root can read it.
    ///
    /// # Errors
    /// If not; the error says what to do.
    pub fn check(&self, host: &Host) -> Result<()> {
        match self {
            Self::Token { from, .. } => from.read(host).map(drop),
            Self::Key { file, known_hosts } => {
                read_private(host, file)?;
                match known_hosts {
                    Some(path) if host.read(path)?.is_none() => Err(absent(path)),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl SecretSource {
    /// Reads the secret, without the line break at its end.
    fn read(&self, host: &Host) -> Result<String> {
        let bytes = match self {
            Self::Env(name) => {
                let unset = || {
                    Error::impossible(format!(
                        "the environment variable `{name}` is not set: the token of a repository is expected in it"
                    ))
                };
                std::env::var(name).map_err(|_| unset())?.into_bytes()
            }
            Self::File(path) => read_private(host, path)?,
            Self::Credential(name) => read_private(host, &credential(name)?)?,
        };
        let text = String::from_utf8_lossy(&bytes);
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() || secret.contains(|c: char| c.is_control()) {
            return Err(Error::impossible(format!(
                "the token in {self} is not one line of text"
            )));
        }
        Ok(secret.to_owned())
    }

    /// A shell command that prints the secret. git's helper runs it, so that this process does not pass the secret
    /// on.
    fn print(&self) -> Result<String> {
        Ok(match self {
            Self::File(path) => format!("head -n 1 {}", path.display()),
            Self::Credential(name) => format!("head -n 1 {}", credential(name)?.display()),
            Self::Env(name) => {
                let own = std::process::id();
                format!("sed -zn s/^{name}=//p /proc/{own}/environ | tr -d \\\\0")
            }
        })
    }
}

impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Env(name) => write!(f, "the environment variable `{name}`"),
            Self::Credential(name) => write!(f, "the credential `{name}`"),
        }
    }
}

/// The path at which systemd provides a credential to this process.
fn credential(name: &str) -> Result<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
        Error::impossible(format!(
            "there is no credential `{name}`: run this in a unit with `LoadCredential={name}:/path`"
        ))
    })?;
    Ok(Path::new(&folder).join(name))
}

fn absent(path: &Path) -> Error {
    Error::impossible(format!(
        "there is no `{}`, which is to open a repository",
        path.display()
    ))
}

/// Reads a file with a secret. Only root may be able to read the file.
fn read_private(host: &Host, path: &Path) -> Result<Vec<u8>> {
    let (Some(meta), Some(bytes)) = (host.meta(path)?, host.read(path)?) else {
        return Err(absent(path));
    };
    if meta.owner != "root" || meta.mode & 0o077 != 0 {
        let path = path.display();
        return Err(Error::impossible(format!(
            "others than root can read the secret in `{path}`: `chown root: {path}; chmod 600 {path}`, \
             and change the secret if anyone may have seen it"
        )));
    }
    Ok(bytes)
}

/// The credentials for git when it runs as root. Root reads secrets from their source, so nothing is written.
///
/// # Errors
/// If the secret is a credential of systemd and this process has none.
pub fn git_credentials(host: &Host, url: &str, access: Option<&Access>) -> Result<GitCredentials> {
    let mut told = match access {
        Some(Access::Key { file, known_hosts }) => GitCredentials {
            ssh: ssh([file], known_hosts.as_deref()),
            options: Vec::new(),
        },
        Some(Access::Token { from, user }) => {
            let print = format!("echo username={user}; printf password=; {}", from.print()?);
            by_helper(url, &print)
        }
        None => GitCredentials {
            ssh: "ssh -o BatchMode=yes".into(),
            options: Vec::new(),
        },
    };
    told.options.extend(as_written(host, url, access)?);
    Ok(told)
}

/// Options by which git contacts the server in `url` although `insteadOf` in `/etc/gitconfig` replaces it: always if a
/// secret is sent, otherwise only if the replacement needs ssh, for which there is no key. A mirror is used.
fn as_written(host: &Host, url: &str, access: Option<&Access>) -> Result<Vec<String>> {
    let config = host.read_text(Path::new("/etc/gitconfig"))?;
    let config = config.unwrap_or_default();
    let mut stead = "";
    let mut is_led = false;
    for line in config.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let address = section.strip_prefix("url \"");
            stead = address
                .and_then(|a| a.split('"').next())
                .unwrap_or_default();
        } else if let Some((key, value)) = line.split_once('=') {
            let is_rule = key.trim().eq_ignore_ascii_case("insteadOf") && !stead.is_empty();
            let begins = url.starts_with(value.trim().trim_matches('"'));
            is_led |= is_rule && begins && (access.is_some() || is_ssh(stead) && !is_ssh(url));
        }
    }
    // git uses the longest matching rule; a `=` in the URL would end the name of the setting
    let own = is_led && !url.contains('=');
    let rule = own.then(|| ["-c".to_owned(), format!("url.{url}.insteadOf={url}")]);
    Ok(rule.into_iter().flatten().collect())
}

/// The folder for what `builder` gets for `purpose`.
fn folder(builder: &str, purpose: &str) -> PathBuf {
    Path::new(LENT).join(format!("{builder}-lent-{purpose}"))
}

/// Copies the credentials for `url` to a folder that the group of `builder` can read and not change. Only credentials
/// that the site names are copied: root's own keys are for root alone. `purpose` names the folder, so that several
/// copies can exist at the same time.
///
/// # Errors
/// If a secret cannot be read, or if the site names no key for a repository over SSH.
pub fn grant(
    host: &Host,
    builder: &str,
    purpose: &str,
    url: &str,
    access: Option<&Access>,
) -> Result<GitCredentials> {
    revoke(host, builder, purpose)?;
    let folder = folder(builder, purpose);
    let copy = |name: &str, bytes: &[u8]| -> Result<PathBuf> {
        for (path, group, mode) in [(Path::new(LENT), "root", 0o755), (&folder, builder, 0o750)] {
            let ownership = Ownership {
                group,
                ..Ownership::root(mode)
            };
            host.ensure_folder(path, ownership)?;
        }
        let lent = folder.join(name);
        let ownership = Ownership {
            group: builder,
            ..Ownership::root(0o640)
        };
        host.write(&lent, bytes, ownership)?;
        Ok(lent)
    };
    let copy_file = |path: &Path| -> Result<Option<PathBuf>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let bytes = host.read(path)?;
        bytes.map(|bytes| copy(&name, &bytes)).transpose()
    };
    let own_hosts = Path::new(KEYS).join("known_hosts");
    let mut told = match access {
        Some(Access::Token { from, user }) => {
            let answer = format!("username={user}\npassword={}\n", from.read(host)?);
            let lent = copy("credential", answer.as_bytes())?;
            by_helper(url, &format!("cat {}", lent.display()))
        }
        Some(Access::Key { file, known_hosts }) => {
            let key = copy("key", &read_private(host, file)?)?;
            let hosts = copy_file(known_hosts.as_ref().unwrap_or(&own_hosts))?;
            GitCredentials {
                ssh: ssh([&key], hosts.as_deref()),
                options: Vec::new(),
            }
        }
        None if is_ssh(url) => return Err(Error::impossible(without_key(builder, url))),
        None => return git_credentials(host, url, None),
    };
    told.options.extend(as_written(host, url, access)?);
    Ok(told)
}

/// The message for a repository over SSH without a key in the site. Says how to make a key.
#[must_use]
pub fn without_key(builder: &str, url: &str) -> String {
    format!(
        "`{url}` has no `key`: code is fetched by the account `{builder}`, to which root's own keys are not lent; make one \
         that opens this repository alone, `ssh-keygen -t ed25519 -N '' -f {KEYS}/deploy`, register `{KEYS}/deploy.pub` with \
         the server, and write `key = {{ file = \"{KEYS}/deploy\" }}` below `repository`; the server's own key is expected in \
         `{KEYS}/known_hosts`"
    )
}

/// Removes what was copied for `purpose`, also by a process that was killed.
///
/// # Errors
/// If the copy cannot be removed.
pub fn revoke(host: &Host, builder: &str, purpose: &str) -> Result<()> {
    let folder = folder(builder, purpose);
    gate::remove_record(host, &folder)
}

/// An ssh command that uses only these keys and refuses servers that are not known.
fn ssh<'k>(keys: impl IntoIterator<Item = &'k PathBuf>, known_hosts: Option<&Path>) -> String {
    let mut command = "ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes".to_owned();
    if let Some(known) = known_hosts {
        command = format!("{command} -o UserKnownHostsFile={}", known.display());
    }
    keys.into_iter().fold(command, |command, key| {
        format!("{command} -i {}", key.display())
    })
}

/// Makes `print` git's only credential helper, for the server in `url` alone. Other configured helpers are switched
/// off, because git would offer them the token for storing.
fn by_helper(url: &str, print: &str) -> GitCredentials {
    let server = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let helper = format!("!f() {{ test \"$1\" = get || exit 0; {print}; }}; f");
    GitCredentials {
        ssh: String::new(),
        options: vec![
            "-c".into(),
            "credential.helper=".into(),
            "-c".into(),
            format!("credential.{server}.helper={helper}"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    fn host(root: &Path, gitconfig: &str) -> Host {
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("etc/gitconfig"), gitconfig).unwrap();
        Host::at(root, Programs::Real, Events::silent())
    }

    #[test]
    fn instead_of_rules_that_divert_keys_or_secrets_are_overridden() {
        let to_ssh = "[core]\n\tautocrlf = true\n[url \"git@git.example.org:\"]\n\tinsteadof = \"https://git.example.org/\"\n";
        let to_mirror = "[url \"https://mirror/\"]\n\tinsteadOf = https://git.example.org/\n";
        let token = Access::Token {
            from: SecretSource::Env("TOKEN".into()),
            user: "deploy".into(),
        };
        let url = "https://git.example.org/odoo.git";
        let own = [
            "-c",
            "url.https://git.example.org/odoo.git.insteadOf=https://git.example.org/odoo.git",
        ];
        for (config, url, access, expected) in [
            (to_ssh, url, None, &own[..]),
            (to_ssh, "https://other/odoo.git", None, &[]),
            (to_mirror, url, None, &[]),
            (to_mirror, url, Some(&token), &own),
            ("", url, Some(&token), &[]),
        ] {
            let root = tempfile::tempdir().unwrap();
            let options = as_written(&host(root.path(), config), url, access).unwrap();
            assert_eq!(options, expected, "{config} {url}");
        }
    }

    #[test]
    fn ssh_addresses_are_recognised() {
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

    #[test]
    fn a_token_is_used_for_its_server_only_and_is_in_no_argument() {
        let access = Access::Token {
            from: SecretSource::File("/etc/token".into()),
            user: "deploy".into(),
        };
        let root = tempfile::tempdir().unwrap();
        let told = git_credentials(
            &host(root.path(), ""),
            "https://git.example.org:8443/firm/private.git",
            Some(&access),
        );
        let told = told.unwrap().options.join(" ");
        assert_eq!(
            told,
            "-c credential.helper= -c credential.https://git.example.org:8443.helper=!f() { test \"$1\" = get || exit 0; \
             echo username=deploy; printf password=; head -n 1 /etc/token; }; f"
        );
    }
}
