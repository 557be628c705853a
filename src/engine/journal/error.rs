//! What can be wrong with a journal.

use std::io;
use std::path::{Path, PathBuf};

use crate::engine::journal::Holder;

/// A journal that cannot be written, read or trusted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("cannot {act} the journal `{path}`")]
    File {
        /// What was being done, as a verb.
        act: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The folder could not be made durable.
    #[error(transparent)]
    Host(#[from] crate::host::Error),
    /// A line is not what this program wrote.
    #[error(
        "the journal `{path}` is damaged in line {line}: {detail}; nothing was done. Move the file away to go on without it"
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        detail: String,
    },
    /// A newer program wrote it.
    #[error(
        "the journal `{path}` has format {found}, this program reads up to {known}; use the newer odoo-deploy that wrote it"
    )]
    Future {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// A record that cannot follow the ones before.
    #[error("the journal `{path}` says `{record}` where that cannot be: {detail}")]
    Illegal {
        /// The journal.
        path: PathBuf,
        /// The record's name.
        record: &'static str,
        /// Why it cannot be.
        detail: String,
    },
    /// A record could not be turned into a line.
    #[error("cannot put a record into words")]
    Encode(#[from] serde_json::Error),
    /// Another agent holds the site.
    #[error("another odoo-deploy works on this site: {0}")]
    Locked(Holder),
}

impl Error {
    /// For `map_err` on a file operation: names the act and the path.
    pub(crate) fn file(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File {
            act,
            path: path.to_owned(),
            source,
        }
    }
}
