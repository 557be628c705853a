//! Errors of journals.

use std::io;
use std::path::{Path, PathBuf};

use crate::engine::journal::Holder;

/// A journal that cannot be written, read or trusted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file operation failed.
    #[error("cannot {act} the journal `{path}`")]
    File {
        /// The operation, as a verb.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The journal's folder could not be created or synced.
    #[error(transparent)]
    Host(#[from] crate::host::Error),
    /// A line is not as this program wrote it.
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
    /// A newer version of this program wrote the journal.
    #[error(
        "the journal `{path}` has format {found}, this program reads up to {known}; use the newer odoo-deploy that wrote it"
    )]
    Future {
        /// The journal.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// A record may not follow the earlier ones.
    #[error("the journal `{path}` says `{record}` where that cannot be: {detail}")]
    Illegal {
        /// The journal.
        path: PathBuf,
        /// The record's name.
        record: &'static str,
        /// Why not.
        detail: String,
    },
    /// A record could not be serialised.
    #[error("cannot put a record into words")]
    Encode(#[from] serde_json::Error),
    /// Another process of odoo-deploy holds the lock of the site.
    #[error("another odoo-deploy works on this site: {0}")]
    Locked(Holder),
}

impl Error {
    /// For `map_err` on a file operation: adds the operation and the path to the error.
    pub(crate) fn file(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File {
            act,
            path: path.to_owned(),
            source,
        }
    }
}
