//! The steps for this site on this host.

pub mod blueprint;
pub mod playbook;
pub mod requirements;
pub mod resolve;
pub mod sizing;
mod unknown;
pub mod wkhtmltopdf;

use std::path::Path;

pub use unknown::Unknown;

use crate::check::Check;
use crate::plan::playbook::Notes;
use crate::resource::{AnyResource, File};

/// One thing to be so.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name in the playbook.
    pub id: String,
    /// The steps above that it stands on, by their place.
    pub needs: Vec<usize>,
    /// What is to be so.
    pub resource: AnyResource,
    /// What must become known before the step can be set.
    pub awaits: Option<Unknown>,
    /// What must hold before it changes what is there already.
    pub trials: Vec<Check>,
    /// What people are told once with it.
    pub notes: Notes<String>,
}

/// An ordered plan. A step needs only steps above it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What is to be so, in order.
    pub steps: Vec<Step>,
    /// What must answer once it is.
    pub checks: Vec<Check>,
}

impl Plan {
    /// The file that a step writes at `path`.
    #[must_use]
    pub fn file(&self, path: &Path) -> Option<&File> {
        self.steps.iter().find_map(|step| match &step.resource {
            AnyResource::File(file) if file.path == path => Some(file),
            _ => None,
        })
    }
}
