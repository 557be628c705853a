//! The lines of a journal.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::engine::journal::{Error, Result};
use crate::host::BootTime;
use crate::host::store::digest;
use crate::resource::{AnyResource, AnyState};

/// The format that this program writes. It reads all up to it.
pub const FORMAT: u32 = 1;

/// One thing recorded.
///
/// A line holds it as `{"record":NAME,FIELD…}`; serde has the name around the fields, as it would keep
/// all of them in memory until it has found the name among them. Every command reads all journals.
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
        /// When, in seconds since 1970.
        time: u64,
        /// The same by a clock that nobody sets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moment: Option<BootTime>,
    },
    /// Another process goes on with the run.
    Resumed {
        /// When, in seconds since 1970.
        time: u64,
    },
    /// A branch was found to be at a commit; the run, and all that follow, stay with it.
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
        /// The resource, whole: going back needs neither site nor playbook.
        resource: AnyResource,
        /// The state found.
        before: AnyState,
        /// The state to come.
        after: AnyState,
    },
    /// The step was set and is settled.
    Done {
        /// The step's key: see [`key`].
        key: String,
        /// The state that was reached.
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
        /// When, in seconds since 1970.
        time: u64,
    },
    /// The run is about to be taken back.
    RollingBack {
        /// When, in seconds since 1970.
        time: u64,
    },
    /// A step was taken back.
    Undone {
        /// The step's key.
        key: String,
        /// What was left as it is and why, if anything.
        kept: Option<String>,
    },
    /// A step could not be taken back.
    UndoFailed {
        /// The step's key.
        key: String,
        /// What went wrong.
        error: String,
    },
    /// The run was taken back.
    RolledBack {
        /// When, in seconds since 1970.
        time: u64,
    },
}

impl Record {
    /// The record's name, as it stands in the file.
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

    /// What a line holds of it.
    fn body(&self) -> serde_json::Result<String> {
        let json = serde_json::to_string(self)?;
        let name = self.name();
        // what is around the fields: {"NAME":{ and }}
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

/// What tells the things of a run apart: a step may be about another thing after its site was
/// changed, and both must be taken back.
#[must_use]
pub fn key(resource: &AnyResource) -> String {
    format!("{} {}", resource.kind(), resource.subject())
}

/// The line of `record` after the line whose seal is `previous`, with its own seal.
pub(super) fn seal(previous: &str, record: &Record) -> Result<(String, String)> {
    let body = record.body()?;
    let seal = seal_of(previous, &body);
    Ok((format!("{{\"seal\":\"{seal}\",\"body\":{body}}}\n"), seal))
}

fn seal_of(previous: &str, body: &str) -> String {
    digest(format!("{previous}{body}").as_bytes())[..32].to_owned()
}

/// Parses a journal: its records, the seal of the last one, and the length of all whole lines.
///
/// # Errors
/// If a whole line is not as it was written, or the format is a later one.
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

/// The seal and the body of a line, byte for byte.
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
