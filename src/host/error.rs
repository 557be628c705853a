//! Errors of reading and changing the machine.

use std::io;
use std::path::PathBuf;

use crate::host::command::Failure;
use crate::host::safe_dir::Refusal;
use crate::host::stop::Stopped;

/// An operation on the machine that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("cannot {act} `{path}`")]
    File {
        /// What was attempted, as a verb.
        act: &'static str,
        /// The path of the file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A program ended with an error, or could not be started.
    #[error(transparent)]
    Command(#[from] Box<Failure>),
    /// The account that is to own a file does not exist.
    #[error("there is no {what} `{name}` on this host")]
    NoAccount {
        /// `user` or `group`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A system file, or the output of a program, does not have the expected format.
    #[error("cannot make sense of {what}: {detail}")]
    Garbled {
        /// What was parsed.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A program that the operation needs is not installed.
    #[error("`{program}` is not installed")]
    Missing {
        /// Its name.
        program: String,
    },
    /// Another process holds something that the operation needs, and did not release it in time.
    #[error("waited {seconds} s for {what}; still held by {holder}")]
    Held {
        /// What it holds.
        what: String,
        /// The process: its ID and its command line.
        holder: String,
        /// How long odoo-deploy waited.
        seconds: u64,
    },
    /// A path that a program running as root must not use.
    #[error("refusing to touch `{path}`: {reason}")]
    Unsafe {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A change of the host was requested by a command that must not change anything.
    #[error("nothing may be changed here: no journal is open")]
    NoStore,
    /// A signal arrived while the run was waiting.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The host cannot be brought from its present state to the one that the site asks for.
    #[error("{reason}")]
    Impossible {
        /// What prevents it, and what to do about it.
        reason: String,
    },
}

impl Error {
    /// For `map_err` on a file operation: adds the operation and the path.
    pub(crate) fn file(
        act: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| match Refusal::of(&source) {
            Some(Refusal { path, reason }) => Self::Unsafe {
                path: path.clone(),
                reason: reason.clone(),
            },
            None => Self::File {
                act,
                path: path.to_owned(),
                source,
            },
        }
    }

    /// An error for text that does not have the expected format.
    pub(crate) fn garbled(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Garbled {
            what: what.into(),
            detail: detail.into(),
        }
    }

    /// An error for a state from which the wanted state cannot be reached.
    pub(crate) fn impossible(reason: impl Into<String>) -> Self {
        Self::Impossible {
            reason: reason.into(),
        }
    }
}
