//! The disk space that a resource needs.

use std::path::PathBuf;

/// The disk space that a resource needs at a path. Measured with Odoo 19 on Debian 12.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// The path of the resource, or of a folder in which the resource creates files.
    pub place: PathBuf,
    /// The size in megabytes.
    pub megabytes: u64,
    /// The number of files, in thousands.
    pub thousands: u64,
    /// Whether programs are run from this path.
    pub runs: bool,
}

impl Footprint {
    pub(super) fn new(place: impl Into<PathBuf>, megabytes: u64, thousands: u64) -> Self {
        Self {
            place: place.into(),
            megabytes,
            thousands,
            runs: false,
        }
    }

    /// The same, for a path from which programs are run.
    pub(super) fn that_runs(self) -> Self {
        Self { runs: true, ..self }
    }
}
