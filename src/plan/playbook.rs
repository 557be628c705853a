//! How any site is built: ordered steps, as data.
//!
//! The rules: (1) a string is a template over the context; (2) a string that is only a reference is the value
//! it names, with its type, spliced when it is an element of a list and names a list; (3) a step has `id`,
//! optional `needs`, `when` and `each`, and exactly one resource; (4) a step needs only steps above it, and
//! without `needs` the one right above. So the order of the file is the order of the work, and no cycle can
//! be written. (5) A check has exactly one resource too, and comes after all steps.

mod expand;
mod node;
mod order;
mod read;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::text::diagnostic::{Diagnostic, Diagnostics};
use crate::text::template::Context;
use node::Node;

/// A playbook whose form and order are right. What its references name is known only with a context.
#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    path: PathBuf,
    source: String,
    steps: Vec<Step>,
    checks: Vec<Step>,
}

/// One `[[step]]` or `[[check]]` as written.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    /// A template. For a check without one it is made up.
    id: Text,
    needs: Option<Vec<Text>>,
    when: Option<Condition>,
    each: Option<Reference>,
    kind: String,
    kind_span: Range<usize>,
    fields: Vec<(String, Node)>,
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

/// `a.b.c` or `not a.b.c`.
#[derive(Debug, Clone, PartialEq)]
struct Condition {
    negated: bool,
    reference: Reference,
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
    /// Where its kind is written in the playbook, for errors about the resource.
    pub span: Range<usize>,
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
        if let Some(known) = known.filter(|known| known.source == source) {
            return Ok(known);
        }
        let playbook = Arc::new(Self::parse(path, source)?);
        read().insert(path.to_owned(), playbook.clone());
        Ok(playbook)
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

    /// Gives errors found later, such as those about a resource, their text.
    #[must_use]
    pub fn diagnostics(&self, items: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics::new(&self.path, &self.source, items)
    }
}

#[cfg(test)]
mod tests;
