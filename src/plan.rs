//! A plan: the steps for one site on one host, and how they are compiled.

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

/// One step of a plan: a resource, and what it depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name in the playbook.
    pub id: String,
    /// The indexes of the steps above that it needs.
    pub needs: Vec<usize>,
    /// The resource.
    pub resource: AnyResource,
    /// A value that must be resolved before the step can be set.
    pub awaits: Option<Unknown>,
    /// The checks that must pass before the step changes an existing resource.
    pub trials: Vec<Check>,
    /// Notes that the user is shown with the step.
    pub notes: Notes<String>,
}

/// An ordered plan. A step needs only steps above it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The checks that must pass after all steps.
    pub checks: Vec<Check>,
}

impl Plan {
    /// The file resource of the step that writes `path`, if there is one.
    #[must_use]
    pub fn file(&self, path: &Path) -> Option<&File> {
        self.steps.iter().find_map(|step| match &step.resource {
            AnyResource::File(file) if file.path == path => Some(file),
            _ => None,
        })
    }
}
