//! A file with its owner, group, mode and content.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::event::change::Text;
use crate::gate;
use crate::host::command::Cmd;
use crate::host::store::digest;
use crate::host::{Error, Host, Mode, Ownership, Result};
use crate::resource::{Moved, Resource};
use crate::secret::password;

/// Stands for the value of a secret wherever content is compared, shown or recorded.
pub const MASK: &str = "•••";

/// The folder of systemd's units. systemd must reload if one changes.
const UNITS: &str = "/etc/systemd/system";

/// A file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The path of the file.
    pub path: PathBuf,
    /// The account that owns the file.
    pub owner: String,
    /// The group of the file.
    pub group: String,
    /// The permission bits, in octal.
    pub mode: Mode,
    /// The content, with [`MASK`] in place of secrets. `template = "NAME"` takes it from a template instead. The
    /// journal does not have the content: a rollback needs only the earlier bytes, which are stored beside the journal.
    #[serde(default, skip_serializing)]
    pub content: String,
    /// For keys of `key = value` lines: the file that has the value. If a hash stands in its place, the hash stays:
    /// Odoo itself puts one there when the owner changes the password.
    #[serde(default)]
    pub secrets: BTreeMap<String, PathBuf>,
    /// A file that a unit writes because of this one. It is removed together with this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<PathBuf>,
    /// A program with its arguments that must accept the file before the step is done: for a file that is read later,
    /// when nobody looks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
}

/// The state of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    owner: String,
    group: String,
    mode: Mode,
    /// The digest of the content with masked secrets.
    content: String,
    /// The digest of the exact bytes; `None` if they have not been written yet.
    bytes: Option<String>,
}

impl State {
    fn ownership(&self) -> Ownership<'_> {
        Ownership {
            owner: &self.owner,
            group: &self.group,
            mode: self.mode,
        }
    }
}

impl File {
    /// Replaces the values of secrets by [`MASK`]. If a value is neither the stored secret nor a hash, the mask says
    /// so without showing the value.
    fn masked(&self, host: &Host, text: &str) -> Result<String> {
        if self.secrets.is_empty() {
            return Ok(text.to_owned());
        }
        let mut lines = Vec::new();
        for line in text.split('\n') {
            let secret = line
                .split_once('=')
                .and_then(|(k, v)| Some((k, v.trim(), self.secrets.get(k.trim())?)));
            let Some((_, value, path)) = secret else {
                lines.push(line.to_owned());
                continue;
            };
            let good = value == MASK
                || password::is_hash(value)
                || secret_at(host, path)?.as_deref() == Some(value);
            let suffix = if good {
                ""
            } else {
                " (not the one that was set)"
            };
            lines.push(format!("{}{MASK}{suffix}", head(line)));
        }
        Ok(lines.join("\n"))
    }

    /// The content with the actual values of the secrets.
    fn filled(&self, host: &Host, present: Option<&str>) -> Result<String> {
        let mut lines = Vec::new();
        for line in self.content.split('\n') {
            let key = line
                .split_once('=')
                .filter(|(_, v)| v.trim() == MASK)
                .map(|(k, _)| k.trim());
            let Some((key, path)) = key.and_then(|k| Some((k, self.secrets.get(k)?))) else {
                lines.push(line.to_owned());
                continue;
            };
            let hash_in_place = present
                .and_then(|text| value_of(text, key))
                .filter(|v| password::is_hash(v));
            let value =
                hash_in_place.map_or_else(|| secret_at(host, path), |v| Ok(Some(v.to_owned())))?;
            let missing = || {
                Error::impossible(format!(
                    "the secret for `{key}` is not at `{}`",
                    path.display()
                ))
            };
            lines.push(format!("{}{}", head(line), value.ok_or_else(missing)?));
        }
        Ok(lines.join("\n"))
    }

    /// Saves the present file: in the store, by digest, and also beside the file if this program did not write it.
    fn put_by(&self, host: &Host, known: Option<&str>) -> Result<()> {
        let Some(bytes) = host.read(&self.path)? else {
            return Ok(());
        };
        let name = host.store()?.keep(&bytes)?;
        let ours = host.store()?.wrote(&self.path)?;
        if known == Some(&name) || ours.contains(&name) {
            return Ok(());
        }
        let mut beside = self.path.as_os_str().to_owned();
        beside.push(format!(".kept-{}", &name[..8]));
        let beside = PathBuf::from(beside);
        host.write(&beside, &bytes, Ownership::root(0o600))?;
        let text = format!(
            "`{}` had been edited by hand; the edit is kept as `{}`",
            self.path.display(),
            beside.display()
        );
        host.events().tell(Event::Note { text });
        Ok(())
    }

    /// Removes the file, and then the record that a unit wrote because of it.
    async fn remove(&self, host: &Host) -> Result<()> {
        gate::remove_own(host, &self.path)?;
        self.tell_systemd(host).await?;
        self.record
            .as_ref()
            .map_or(Ok(()), |record| gate::remove_record(host, record))
    }

    /// Lets the test program check the file, but only content of this plan: a rollback restores a file of somebody
    /// else.
    async fn try_out(&self, host: &Host, to: &State) -> Result<()> {
        if to.content != digest(self.content.as_bytes()) {
            return Ok(());
        }
        if let [program, args @ ..] = self.test.as_slice() {
            host.run(&Cmd::new(program).args(args)).await?;
        }
        Ok(())
    }

    async fn tell_systemd(&self, host: &Host) -> Result<()> {
        if self.path.starts_with(UNITS) {
            host.run(&Cmd::new("systemctl").arg("daemon-reload"))
                .await?;
        }
        Ok(())
    }
}

impl Resource for File {
    type State = State;

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let (Some(meta), Some(bytes)) = (host.meta(&self.path)?, host.read(&self.path)?) else {
            return Ok(None);
        };
        let content = match std::str::from_utf8(&bytes) {
            Ok(text) => digest(self.masked(host, text)?.as_bytes()),
            Err(_) => digest(&bytes),
        };
        let bytes = Some(digest(&bytes));
        Ok(Some(State {
            owner: meta.owner,
            group: meta.group,
            mode: meta.mode.into(),
            content,
            bytes,
        }))
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        let content = digest(self.content.as_bytes());
        let rewritten = digest(rewritten(&self.content).as_bytes());
        if let Some(now) = now.filter(|now| !self.secrets.is_empty() && now.content == rewritten) {
            let (owner, group, mode) = (self.owner.clone(), self.group.clone(), self.mode);
            return Some(State {
                owner,
                group,
                mode,
                ..now.clone()
            });
        }
        let bytes = now
            .filter(|now| now.content == content)
            .and_then(|now| now.bytes.clone());
        let (owner, group, mode) = (self.owner.clone(), self.group.clone(), self.mode);
        Some(State {
            owner,
            group,
            mode,
            content,
            bytes,
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        host.clear_prepared(&self.path)?;
        let Some(to) = to else {
            self.put_by(host, None)?;
            self.remove(host).await?;
            return Ok(Moved::Applied);
        };
        if from == Some(to) {
            // the interrupted change may not have reached this call
            self.tell_systemd(host).await?;
            self.try_out(host, to).await?;
            return Ok(Moved::Applied);
        }
        let ownership = to.ownership();
        if from.is_some_and(|from| from.content == to.content) {
            host.set_owner(&self.path, ownership)?;
            return Ok(Moved::Applied);
        }
        let present = host.read(&self.path)?;
        // before our first write, the file is the owner's own and not an edit of ours
        let first = host.store()?.wrote(&self.path)?.is_empty();
        let present_digest = present.as_deref().map(digest);
        self.put_by(host, present_digest.as_deref().filter(|_| first))?;
        let bytes = match &to.bytes {
            Some(name) => host.store()?.kept(name)?,
            None => self
                .filled(
                    host,
                    present.as_deref().and_then(|b| std::str::from_utf8(b).ok()),
                )?
                .into_bytes(),
        };
        if to.bytes.is_none() {
            host.store()?.note_written(&self.path, &digest(&bytes))?;
        }
        gate::replaces(host, &self.path)?;
        host.write(&self.path, &bytes, ownership)?;
        self.tell_systemd(host).await?;
        self.try_out(host, to).await?;
        Ok(Moved::Applied)
    }

    fn text(&self, host: &Host) -> Result<Option<Text>> {
        let bytes = host.read(&self.path)?.unwrap_or_default();
        let before = match String::from_utf8(bytes) {
            Ok(text) => veiled(&self.masked(host, &text)?),
            Err(_) => "(not text)\n".to_owned(),
        };
        let after = veiled(&self.content);
        Ok(Some(Text { before, after }))
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (None, Some(to)) => format!("{}:{} {}", to.owner, to.group, to.mode),
            _ => String::new(),
        }
    }
}

/// `text` with hidden secrets. An owner's file may contain secrets that this program did not make, such as
/// `db_password`, even in comments.
fn veiled(text: &str) -> String {
    let veil = |line: &str| match line.split_once('=') {
        Some((key, value))
            if !value.trim_start().starts_with(MASK)
                && password::is_key_of_secret(key.trim_matches([' ', '\t', ';', '#', '"'])) =>
        {
            format!("{key}= {MASK}")
        }
        _ => line.to_owned(),
    };
    text.split('\n').map(veil).collect::<Vec<_>>().join("\n")
}

/// `text` as Odoo rewrites it when the owner sets a new password in Odoo: Python's `RawConfigParser` drops comments
/// and ends with an empty line. Such a rewrite is not an edit to be undone.
fn rewritten(text: &str) -> String {
    let stays = |line: &&str| !line.trim().is_empty() && !line.starts_with([';', '#']);
    let lines: Vec<&str> = text.lines().filter(stays).collect();
    lines.join("\n") + "\n\n"
}

/// The part of `line` before the value. Blanks are kept as they are, because some readers accept none around the `=`.
fn head(line: &str) -> &str {
    let rest = &line[line.find('=').map_or(0, |at| at + 1)..];
    &line[..line.len() - rest.trim_start().len()]
}

/// The secret in the file at `path`; `None` if it has not been made yet.
fn secret_at(host: &Host, path: &Path) -> Result<Option<String>> {
    let bytes = host.read(path)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
}

/// The value in the last `key = value` line for `key`, as `configparser` reads it.
fn value_of<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let pairs = text.lines().rev().filter_map(|line| line.split_once('='));
    let mut values = pairs
        .filter(|(k, _)| k.trim() == key)
        .map(|(_, v)| v.trim());
    values.next()
}
