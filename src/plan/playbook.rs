//! How any site is built: ordered steps, as data. `docs/playbook.md` has the rules.

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

/// A playbook whose form and order are right. What its references name is known only with a context.
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
    /// The file that has it, by its place in [`Playbook::files`].
    file: usize,
    /// A template. For a check without one it is made up.
    id: Text,
    needs: Needs,
    when: Option<Condition>,
    each: Option<Reference>,
    kind: String,
    kind_span: Range<usize>,
    fields: Vec<(String, Node)>,
    notes: Notes<Text>,
}

/// What a step waits for.
#[derive(Debug, Clone, Default, PartialEq)]
struct Needs {
    /// As written in `needs`.
    named: Vec<Text>,
    /// The written ids of other steps: the one right above if there is no `needs`, and own steps that are put before
    /// this one.
    steps: Vec<String>,
}

/// What people are told once, when a step is about to create or to change something.
#[derive(Debug, Clone, PartialEq)]
pub struct Notes<T> {
    /// If the thing is created.
    pub on_create: Option<T>,
    /// If the thing is there and changed.
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

/// A string of the playbook and the place of its literal.
#[derive(Debug, Clone, PartialEq)]
struct Text {
    text: String,
    span: Range<usize>,
}

/// `a.b.c`.
#[derive(Debug, Clone, PartialEq)]
struct Reference {
    parts: Vec<String>,
    span: Range<usize>,
}

/// `a.b.c`, `not a.b.c`, `a.b.c == word` or `a.b.c != word`.
#[derive(Debug, Clone, PartialEq)]
struct Condition {
    negated: bool,
    reference: Reference,
    /// The text that the value must be; otherwise the value is `true` or `false`.
    equals: Option<String>,
}

/// One step or check for one site, with every reference replaced by its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name, unique in the playbook.
    pub id: String,
    /// The tasks it waits for; all of them come before it. Empty for a check, which comes after all steps.
    pub needs: Vec<String>,
    /// The kind of its resource, as written.
    pub kind: String,
    /// What the resource is given.
    pub fields: Map<String, Value>,
    /// Whether it is a check.
    pub check: bool,
    /// What people are told with it.
    pub notes: Notes<String>,
    /// Where its kind is written, for errors about the resource.
    pub place: Place,
}

/// A place in one of a playbook's files.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    file: usize,
    span: Range<usize>,
}

impl Place {
    /// Whether it is in the file of the administrator's own steps.
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

/// The playbooks that were read, by their paths: several sites of one command have the same.
static READ: Mutex<BTreeMap<PathBuf, Arc<Playbook>>> = Mutex::new(BTreeMap::new());

impl Playbook {
    /// Reads a playbook; `path` is what errors name.
    ///
    /// # Errors
    ///
    /// All errors that show without a context, each with its place: syntax of TOML and of templates, steps
    /// without a resource or with two, two steps of one name, needs that are not above.
    pub fn parse(path: &Path, source: &str) -> Result<Self, Diagnostics> {
        read::playbook(path, source)
    }

    /// The same; one that was read and is the same still is not read again.
    ///
    /// # Errors
    ///
    /// As those of [`Self::parse`].
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

    /// Adds the steps and checks of a second file: each of its steps is put `before` or `after` another one.
    ///
    /// # Errors
    ///
    /// As those of [`Self::parse`], for the second file.
    pub fn extended(&self, path: &Path, source: &str) -> Result<Self, Diagnostics> {
        extra::extended(self, path, source)
    }

    /// Whether a step of this id is written in it, though `when` may leave it out.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.steps.iter().any(|step| step.id.text == id)
    }

    /// Makes the tasks for a context: steps first, then checks, in the order of the file.
    ///
    /// A step that is left out by `when`, or whose list is empty, hands on its needs: what waits for it
    /// waits for them.
    ///
    /// # Errors
    ///
    /// All references that name nothing or something of the wrong type, each with its place.
    pub fn expand(&self, context: &Context) -> Result<Vec<Task>, Diagnostics> {
        expand::tasks(self, context)
    }

    /// An error that is found later, such as one about a resource, with the text that it is about.
    #[must_use]
    pub fn wrong(&self, place: &Place, error: Invalid) -> Diagnostics {
        self.files[place.file].diagnostics(vec![error.at(place.span.clone())])
    }
}

#[cfg(test)]
mod tests;
