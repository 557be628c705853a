//! A playbook: the ordered steps that build any site, as data. `docs/playbook.md` has the rules.

mod condition;
mod expand;
mod extra;
mod node;
mod order;
mod read;
mod step;

pub use extra::OWN;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::text::diagnostic::{Diagnostic, Diagnostics, Invalid};
use crate::text::template::Context;
use node::Node;

/// A playbook with correct syntax and order. Its references can be checked only with a context.
#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    /// The playbook, then the file that extends it.
    files: Vec<File>,
    steps: Vec<StepTemplate>,
    checks: Vec<StepTemplate>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
struct File {
    path: PathBuf,
    source: String,
}

/// One `[[step]]` or `[[check]]` as written.
#[derive(Debug, Clone, PartialEq)]
struct StepTemplate {
    /// The index in [`Playbook::files`] of the file that contains it.
    file: usize,
    /// A template. A check without an id gets a generated one.
    id: Text,
    needs: Needs,
    when: Option<Condition>,
    each: Option<Reference>,
    kind: String,
    kind_span: Range<usize>,
    fields: Vec<(String, Node)>,
    notes: Notes<Text>,
}

/// The needs of a step.
#[derive(Debug, Clone, Default, PartialEq)]
struct Needs {
    /// As written in `needs`.
    named: Vec<Text>,
    /// Ids of further steps, as written: the step right above if there is no `needs`, and an administrator's steps that
    /// are put before this one.
    steps: Vec<String>,
}

/// Notes for the user, shown once when a step is about to create or change a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Notes<T> {
    /// Shown if the resource will be created.
    pub on_create: Option<T>,
    /// Shown if the resource exists and will be changed.
    pub on_change: Option<T>,
}

impl<T> Default for Notes<T> {
    fn default() -> Self {
        Self {
            on_create: None,
            on_change: None,
        }
    }
}

/// A string of the playbook, and the place of its literal.
#[derive(Debug, Clone, PartialEq)]
struct Text {
    text: String,
    span: Range<usize>,
}

/// A reference: `a.b.c`.
#[derive(Debug, Clone, PartialEq)]
struct Reference {
    parts: Vec<String>,
    span: Range<usize>,
}

/// A condition: `a.b.c`, `not a.b.c`, `a.b.c == word` or `a.b.c != word`.
#[derive(Debug, Clone, PartialEq)]
struct Condition {
    negated: bool,
    reference: Reference,
    /// The text that the value is compared with. If `None`, the value must be `true` or `false`.
    equals: Option<String>,
}

/// One step or check of one site, with every reference replaced by its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name, unique in the playbook.
    pub id: String,
    /// The tasks that it needs, all of them above it. Empty for a check, which runs after all steps.
    pub needs: Vec<String>,
    /// The kind of its resource, as written.
    pub kind: String,
    /// The fields of the resource.
    pub fields: Map<String, Value>,
    /// Whether it is a check.
    pub check: bool,
    /// Notes for the user.
    pub notes: Notes<String>,
    /// The place of its kind in the file, for errors about the resource.
    pub place: Place,
}

/// A place in one of a playbook's files.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    file: usize,
    span: Range<usize>,
}

impl Place {
    /// Whether it is in the file with the administrator's own steps.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.file > 0
    }
}

impl File {
    fn diagnostics(&self, items: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics::new(&self.path, &self.source, items)
    }
}

/// A cache of parsed playbooks by path: several sites of one command use the same playbook.
static READ: Mutex<BTreeMap<PathBuf, Arc<Playbook>>> = Mutex::new(BTreeMap::new());

impl Playbook {
    /// Parses a playbook. Errors name `path`.
    ///
    /// # Errors
    ///
    /// If the playbook is wrong: returns all errors that can be found without a context, each with its place. These are
    /// syntax errors of TOML and of templates, steps without a resource or with two, two steps with the same id, and
    /// needs that are not above.
    pub fn parse(path: &Path, source: &str) -> Result<Self, Diagnostics> {
        read::playbook(path, source)
    }

    /// As [`Self::parse`], but cached: an unchanged text is not parsed again.
    ///
    /// # Errors
    ///
    /// As for [`Self::parse`].
    pub fn shared(path: &Path, source: &str) -> Result<Arc<Self>, Diagnostics> {
        let read = || READ.lock().unwrap_or_else(PoisonError::into_inner);
        let known = read().get(path).cloned();
        if let Some(known) = known.filter(|known| known.files[0].source == source) {
            return Ok(known);
        }
        let playbook = Arc::new(Self::parse(path, source)?);
        read().insert(path.to_owned(), playbook.clone());
        Ok(playbook)
    }

    /// Adds the steps and checks of a second file. Each of its steps is put `before` or `after` another step.
    ///
    /// # Errors
    ///
    /// As for [`Self::parse`], in the second file.
    pub fn extended(&self, path: &Path, source: &str) -> Result<Self, Diagnostics> {
        extra::extended(self, path, source)
    }

    /// Whether the playbook has a step with this id, even if its `when` leaves it out.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.steps.iter().any(|step| step.id.text == id)
    }

    /// Makes the tasks for a context: steps first, then checks, in the order of the file.
    ///
    /// A step that makes no task, because of `when` or of an empty `each`, passes on its needs: the steps that need it
    /// then need the steps that it needs.
    ///
    /// # Errors
    ///
    /// If references name nothing, or a value of the wrong type: returns all of them, each with its place.
    pub fn expand(&self, context: &Context) -> Result<Vec<Task>, Diagnostics> {
        expand::tasks(self, context)
    }

    /// Adds the file and the text to an error that was found after parsing, such as one about a resource.
    #[must_use]
    pub fn wrong(&self, place: &Place, error: Invalid) -> Diagnostics {
        self.files[place.file].diagnostics(vec![error.at(place.span.clone())])
    }
}

#[cfg(test)]
mod tests;
