//! The lines of a journal.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::engine::journal::{Error, Result};
use crate::host::BootTime;
use crate::host::store::digest;
use crate::resource::{AnyResource, AnyState};

/// The format that this program writes. It reads this format and all older ones.
pub const FORMAT: u32 = 1;

/// One record of a journal.
///
/// A line stores it as `{"record":NAME,FIELD…}`. The derived serde form is `{NAME:{FIELD…}}` instead: with a tag
/// among the fields, serde would buffer all fields until it has found the tag, and every command reads all journals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Record {
    /// The run begins. Always the first record, and only the first.
    Opened {
        /// The journal's format.
        format: u32,
        /// The site's name.
        site: String,
        /// The program's version.
        version: String,
        /// The time, in seconds since 1970.
        time: u64,
        /// The same time by the kernel's monotonic clock, which cannot be set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moment: Option<BootTime>,
    },
    /// Another process continues the run.
    Resumed {
        /// The time, in seconds since 1970.
        time: u64,
    },
    /// A branch was resolved to a commit. This run and all later ones use that commit.
    Resolved {
        /// The repository and its branch.
        source: String,
        /// The commit.
        commit: String,
    },
    /// A step is about to be set from `before` to `after`.
    Begin {
        /// The step's name in the playbook.
        step: String,
        /// The whole resource, so that a rollback needs neither site nor playbook.
        resource: AnyResource,
        /// The state found.
        before: AnyState,
        /// The state wanted.
        after: AnyState,
    },
    /// The step was set, and its resource is in the wanted state.
    Done {
        /// The step's key: see [`key`].
        key: String,
        /// The state reached.
        state: AnyState,
    },
    /// The step could not be set.
    Failed {
        /// The step's key.
        key: String,
        /// What went wrong.
        error: String,
    },
    /// All steps are done and all checks have passed.
    Committed {
        /// The time, in seconds since 1970.
        time: u64,
    },
    /// The rollback of the run begins.
    RollingBack {
        /// The time, in seconds since 1970.
        time: u64,
    },
    /// A step was rolled back, or left as it is on purpose.
    Undone {
        /// The step's key.
        key: String,
        /// Why the resource was left as it is, if it was.
        kept: Option<String>,
    },
    /// A step could not be rolled back.
    UndoFailed {
        /// The step's key.
        key: String,
        /// What went wrong.
        error: String,
    },
    /// The run was rolled back.
    RolledBack {
        /// The time, in seconds since 1970.
        time: u64,
    },
}

impl Record {
    /// The record's name in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Resumed { .. } => "resumed",
            Self::Resolved { .. } => "resolved",
            Self::Begin { .. } => "begin",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Committed { .. } => "committed",
            Self::RollingBack { .. } => "rolling_back",
            Self::Undone { .. } => "undone",
            Self::UndoFailed { .. } => "undo_failed",
            Self::RolledBack { .. } => "rolled_back",
        }
    }

    /// The body of the record's line.
    fn body(&self) -> serde_json::Result<String> {
        let json = serde_json::to_string(self)?;
        let name = self.name();
        // strip `{"NAME":{` before the fields and `}}` after them
        let fields = &json[name.len() + 5..json.len() - 2];
        Ok(format!("{{\"record\":\"{name}\",{fields}}}"))
    }
}

impl FromStr for Record {
    type Err = serde_json::Error;

    fn from_str(body: &str) -> serde_json::Result<Self> {
        let named = body.strip_prefix("{\"record\":\"");
        let Some((name, fields)) = named.and_then(|named| named.split_once("\",")) else {
            return Err(serde::de::Error::custom("it does not say what it records"));
        };
        serde_json::from_str(&format!("{{\"{name}\":{{{fields}}}"))
    }
}

/// The key of a resource in a run. The step's name is not enough: after an edit of `site.toml` the same step may set
/// another resource, and both must be rolled back.
#[must_use]
pub fn key(resource: &AnyResource) -> String {
    format!("{} {}", resource.kind(), resource.subject())
}

/// Returns the line for `record` and its seal. `previous` is the seal of the line before.
pub(super) fn seal(previous: &str, record: &Record) -> Result<(String, String)> {
    let body = record.body()?;
    let seal = seal_of(previous, &body);
    Ok((format!("{{\"seal\":\"{seal}\",\"body\":{body}}}\n"), seal))
}

fn seal_of(previous: &str, body: &str) -> String {
    digest(format!("{previous}{body}").as_bytes())[..32].to_owned()
}

/// Parses a journal. Returns its records, the seal of the last one, and the length of all complete lines in bytes.
///
/// # Errors
/// If a complete line is damaged, or the format is newer than [`FORMAT`].
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<(Vec<Record>, String, usize)> {
    let (mut records, mut previous, mut length) = (Vec::new(), String::new(), 0);
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if line.last() != Some(&b'\n') {
            break;
        }
        let damaged = |detail: String| Error::Damaged {
            path: path.to_owned(),
            line: index + 1,
            detail,
        };
        let (seal, body) =
            split(line).ok_or_else(|| damaged("it has not the form of a record".into()))?;
        if seal != seal_of(&previous, body) {
            return Err(damaged(
                "its seal does not fit it and the line before".into(),
            ));
        }
        if index == 0 {
            check_format(path, body)?;
        }
        records.push(
            body.parse()
                .map_err(|e: serde_json::Error| damaged(e.to_string()))?,
        );
        seal.clone_into(&mut previous);
        length += line.len();
    }
    Ok((records, previous, length))
}

/// Splits a line into its seal and its body, byte for byte.
fn split(line: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(line).ok()?;
    let rest = text.strip_prefix("{\"seal\":\"")?.strip_suffix("}\n")?;
    let (seal, body) = rest.split_at_checked(32)?;
    Some((seal, body.strip_prefix("\",\"body\":")?))
}

fn check_format(path: &Path, body: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct First {
        format: u32,
    }
    match serde_json::from_str::<First>(body) {
        Ok(First { format }) if format > FORMAT => Err(Error::Future {
            path: path.to_owned(),
            found: format,
            known: FORMAT,
        }),
        _ => Ok(()),
    }
}
