//! A generated secret that only root can read.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::gate;
use crate::host::store::digest;
use crate::host::{Error, Host, Kind, Mode, Ownership, Result};
use crate::resource::{Moved, Resource};
use crate::secret::password;

/// A file with a random password, and beside it a file `.hash` with what Odoo stores of the password.
///
/// The password is never asked for, printed or passed on: programs are given the hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// The file of the password.
    pub path: PathBuf,
    /// The rounds of PBKDF2 with which this release of Odoo hashes.
    pub rounds: u32,
    /// If true, the owner's data cannot be reached without the password: it stays as long as they do.
    #[serde(default)]
    pub data: bool,
}

/// The state of a secret: that it exists, and who can read it. Never its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    owner: String,
    mode: Mode,
    hash: bool,
}

impl Secret {
    /// The path of the hash of the password at `path`.
    pub(in crate::resource) fn hash_path(path: &std::path::Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".hash");
        name.into()
    }
}

impl Resource for Secret {
    type State = State;

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let hash = host.meta(&Self::hash_path(&self.path))?.is_some();
        let state = |meta: crate::host::Meta| State {
            owner: meta.owner,
            mode: meta.mode.into(),
            hash,
        };
        let meta = host.meta(&self.path)?;
        if meta.as_ref().is_some_and(|meta| meta.kind != Kind::File) {
            let reason = "it is there and is not a regular file; move it away".to_owned();
            return Err(Error::Unsafe {
                path: self.path.clone(),
                reason,
            });
        }
        Ok(meta.map(state))
    }

    fn want(&self, _now: Option<&State>) -> Option<State> {
        Some(State {
            owner: "root".into(),
            mode: Mode::from(0o600),
            hash: true,
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        let hash_path = Self::hash_path(&self.path);
        host.clear_prepared(&self.path)?;
        host.clear_prepared(&hash_path)?;
        if to.is_none() {
            for path in [&hash_path, &self.path] {
                if let Err(reason) = gate::remove_made(host, path)? {
                    return Ok(Moved::Kept(reason));
                }
            }
            return Ok(Moved::Applied);
        }
        if from == to {
            return Ok(Moved::Applied);
        }
        let password = if let Some(bytes) = host.read(&self.path)? {
            String::from_utf8(bytes)
                .map_err(|_| Error::garbled(self.subject(), "it is not UTF-8"))?
        } else {
            let mut line = password::random()?;
            let _ = writeln!(line);
            host.store()?
                .note_written(&self.path, &digest(line.as_bytes()))?;
            line
        };
        host.write(&self.path, password.as_bytes(), Ownership::root(0o600))?;
        let hash = password::hash(password.trim_end(), self.rounds)?;
        let hash = format!("{hash}\n");
        host.store()?
            .note_written(&hash_path, &digest(hash.as_bytes()))?;
        host.write(&hash_path, hash.as_bytes(), Ownership::root(0o600))?;
        Ok(Moved::Applied)
    }

    fn holds_data(&self) -> bool {
        self.data
    }

    fn summary(&self, from: Option<&State>, _to: Option<&State>) -> String {
        if from.is_none() {
            "a new random password, readable by root alone".into()
        } else {
            String::new()
        }
    }
}
