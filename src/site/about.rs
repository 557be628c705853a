//! The documentation of a section and its keys, for the schema and for the reference.

use serde_json::{Value, json};

use super::section::Section;
use super::setting::Setting;

/// The documentation of a section.
pub(super) struct About {
    /// The header of its table in the file.
    pub(super) header: &'static str,
    /// What the section is for.
    pub(super) meaning: String,
    /// Its keys.
    pub(super) keys: Vec<Key>,
}

/// The documentation of a key.
pub(super) struct Key {
    /// The key.
    pub(super) name: &'static str,
    /// The meaning of the value. The words of a choice follow, each on a line.
    pub(super) meaning: String,
    /// The type of the value.
    pub(super) words: String,
    /// What applies if the file does not have the key.
    pub(super) absent: Absent,
    /// The JSON Schema of the value.
    pub(super) schema: Value,
}

/// What applies if the file does not have a key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Absent {
    /// The file is refused.
    Refused,
    /// There is no value.
    Nothing,
    /// A default, as JSON.
    Default(Value),
    /// A default that depends on other keys, in words.
    Derived(&'static str),
}

impl Key {
    /// Creates the documentation of a key without a type. If `absent` is `None`, the key has no default.
    pub(super) fn new(name: &'static str, meaning: &[&str], absent: Option<Absent>) -> Self {
        Self {
            name,
            meaning: prose(meaning),
            words: String::new(),
            absent: absent.unwrap_or(Absent::Nothing),
            schema: Value::Null,
        }
    }

    fn or(mut self, absent: Absent) -> Self {
        if self.absent == Absent::Nothing {
            self.absent = absent;
        }
        self
    }

    /// Adds a type. `absent` applies if the declaration has no default.
    pub(super) fn holds<T: Setting>(mut self, absent: Absent) -> Self {
        self.words = T::words();
        self.schema = T::schema();
        self.explain::<T>();
        self.or(absent)
    }

    /// Makes the value a list.
    pub(super) fn lists<T: Setting>(mut self) -> Self {
        self.words = format!("a list, each {}", T::words());
        self.schema = json!({ "type": "array", "items": T::schema() });
        self.explain::<T>();
        self.or(Absent::Default(Value::Array(Vec::new())))
    }

    fn explain<T: Setting>(&mut self) {
        for (word, meaning) in T::choices() {
            self.meaning.extend(["\n`\"", word, "\"`:", meaning]);
        }
    }

    /// Makes the value a table.
    pub(super) fn nests<S: Section>(mut self) -> Self {
        let about = S::about();
        let keys: Vec<_> = about.keys.iter().map(|key| key.name).collect();
        self.words = format!("a table with `{}`", keys.join("`, `"));
        self.schema = about.schema();
        self
    }
}

/// The text of a doc comment, with each paragraph on one line.
pub(super) fn prose(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines.iter().map(|line| line.trim()) {
        if line.is_empty() {
            text.push('\n');
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text
}
