//! What can go wrong between this program and the machine.

use std::io;
use std::path::PathBuf;

use crate::host::command::Failure;
use crate::host::safe_dir::Refusal;
use crate::host::stop::Stopped;

/// An act on the machine that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("cannot {act} `{path}`")]
    File {
        /// What was being done, as a verb.
        act: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A program ended with an error, or could not be started.
    #[error(transparent)]
    Command(#[from] Box<Failure>),
    /// An account that a file is to belong to does not exist.
    #[error("there is no {what} `{name}` on this host")]
    NoAccount {
        /// `user` or `group`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A file of the system, or the answer of a program, is not as its format says.
    #[error("cannot make sense of {what}: {detail}")]
    Garbled {
        /// What was being read.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A program that the act needs is not installed.
    #[error("`{program}` is not installed")]
    Missing {
        /// Its name.
        program: String,
    },
    /// Something else holds what the act needs, and did not let go in time.
    #[error("waited {seconds} s for {what}; still held by {holder}")]
    Held {
        /// What is held.
        what: String,
        /// By whom: process and command.
        holder: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A place on the disk that is not what a root-run program may use.
    #[error("refusing to touch `{path}`: {reason}")]
    Unsafe {
        /// The place.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An act that would change the host was asked for where nothing may be changed.
    #[error("nothing may be changed here: no journal is open")]
    NoStore,
    /// A signal asked to stop while nothing was done but waiting.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// What the site asks for cannot be reached from the state the host is in.
    #[error("{reason}")]
    Impossible {
        /// What is in the way, and the way out.
        reason: String,
    },
}

impl Error {
    /// For `map_err` on a file operation: names the act and the path.
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

    /// For an answer that is not as its format says.
    pub(crate) fn garbled(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Garbled {
            what: what.into(),
            detail: detail.into(),
        }
    }

    /// For a state from which there is no way to the asked one.
    pub(crate) fn impossible(reason: impl Into<String>) -> Self {
        Self::Impossible {
            reason: reason.into(),
        }
    }
}
