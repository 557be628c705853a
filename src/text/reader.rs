//! Takes typed keys out of a TOML table with spans, and collects every error on the way.
//!
//! Deserialising with serde would stop at the first error. The author of a file wants to see all errors at once.

mod value;

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

pub use value::{FromToml, text, unexpected};

use crate::text::diagnostic::{Diagnostic, did_you_mean, quote};

/// A table, while its keys are taken out.
#[derive(Debug)]
pub struct Table<'t, 'i> {
    name: String,
    span: Range<usize>,
    left: Vec<(&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>)>,
    known: Vec<&'static str>,
    errors: Vec<Diagnostic>,
}

impl<'t, 'i> Table<'t, 'i> {
    /// Starts with all keys of `table`. `name` is the table's name as it is written in the file.
    #[must_use]
    pub fn new(name: impl Into<String>, span: Range<usize>, table: &'t DeTable<'i>) -> Self {
        Self {
            left: table.iter().collect(),
            ..Self::empty(name, span)
        }
    }

    fn empty(name: impl Into<String>, span: Range<usize>) -> Self {
        Self {
            name: name.into(),
            span,
            left: Vec::new(),
            known: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// The span of the table in the file.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Adds an error.
    pub fn error(&mut self, error: Diagnostic) {
        self.errors.push(error);
    }

    /// Whether `key` exists and has not been taken yet.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.left.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// Whether `key` exists, has not been taken yet, and is a list.
    #[must_use]
    pub fn has_list(&self, key: &str) -> bool {
        let mut left = self.left.iter();
        left.any(|(name, value)| name.get_ref() == key && value.get_ref().is_array())
    }

    /// Declares keys that are taken later. Hints about unknown keys list the known ones in this order.
    pub fn knows(&mut self, keys: &[&'static str]) {
        self.known.extend(keys);
    }

    fn raw(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let at = self
            .left
            .iter()
            .position(|(name, _)| name.get_ref() == key)?;
        Some(self.left.swap_remove(at).1)
    }

    /// Takes a value. Returns `None` if it is absent or wrong; a wrong value adds an error.
    pub fn take<T: FromToml>(&mut self, key: &'static str) -> Option<Spanned<T>> {
        let value = self.raw(key)?;
        self.convert(value)
    }

    fn convert<T: FromToml>(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Spanned<T>> {
        match T::from_toml(value.get_ref()) {
            Ok(good) => Some(Spanned::new(value.span(), good)),
            Err(invalid) => {
                self.errors.push(invalid.at(value.span()));
                None
            }
        }
    }

    /// Takes a list of values. Wrong values are left out and add errors. Returns `None` if the key is absent or not a
    /// list.
    pub fn list<T: FromToml>(&mut self, key: &'static str) -> Option<Vec<Spanned<T>>> {
        let value = self.raw(key)?;
        let Some(array) = value.get_ref().as_array() else {
            let invalid = unexpected("a list", value.get_ref()).hint(format!("`{key} = [\"…\"]`"));
            self.errors.push(invalid.at(value.span()));
            return None;
        };
        Some(
            array
                .iter()
                .filter_map(|value| self.convert(value))
                .collect(),
        )
    }

    /// Takes a table. If it is absent, returns an empty table with the span of the outer table.
    #[must_use]
    pub fn table(&mut self, key: &'static str) -> Table<'t, 'i> {
        let name = format!("[{key}]");
        let Some(value) = self.raw(key) else {
            return Table::empty(name, self.span.clone());
        };
        if let Some(table) = value.get_ref().as_table() {
            return Table::new(name, value.span(), table);
        }
        let invalid = unexpected("a table", value.get_ref()).hint(format!(
            "write `{name}` on a line of its own, and the keys below it"
        ));
        self.errors.push(invalid.at(value.span()));
        Table::empty(name, value.span())
    }

    /// Takes an inline table, `key = { … }`. Returns `None` if it is absent or not a table.
    pub fn inline(&mut self, key: &'static str, example: &str) -> Option<Table<'t, 'i>> {
        let value = self.raw(key)?;
        if let Some(table) = value.get_ref().as_table() {
            return Some(Table::new(key, value.span(), table));
        }
        let invalid = unexpected("a table", value.get_ref());
        self.errors.push(
            invalid
                .hint(format!("write `{key} = {example}`"))
                .at(value.span()),
        );
        None
    }

    /// Finishes an inner table and adds its errors to this one.
    pub fn errors_of(&mut self, inner: Table<'_, '_>) {
        self.errors.extend(inner.finish());
    }

    /// Takes a list of tables, `[[key]]`. If it is absent, returns an empty list.
    pub fn tables(&mut self, key: &'static str) -> Vec<Table<'t, 'i>> {
        let name = format!("[[{key}]]");
        let Some(value) = self.raw(key) else {
            return Vec::new();
        };
        let wrong = |value: &Spanned<DeValue<'_>>, expected: &str| {
            unexpected(expected, value.get_ref())
                .hint(format!("write `{name}` with two brackets before each one"))
                .at(value.span())
        };
        let Some(array) = value.get_ref().as_array() else {
            self.errors.push(wrong(value, "a list of tables"));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for element in array {
            match element.get_ref().as_table() {
                Some(table) => tables.push(Table::new(name.clone(), element.span(), table)),
                None => self.errors.push(wrong(element, "a table")),
            }
        }
        tables
    }

    /// Returns the keys that are left, for a table that may have further keys with any name.
    #[must_use]
    pub fn into_rest(self) -> Rest<'t, 'i> {
        Rest {
            left: self.left,
            known: self.known,
            errors: self.errors,
        }
    }

    /// The errors of this table, including one for each key that was not taken.
    #[must_use]
    pub fn finish(mut self) -> Vec<Diagnostic> {
        for (key, _) in &self.left {
            self.errors.push(unknown_key(key, &self.name, &self.known));
        }
        self.errors
    }
}

/// The rest of a table after its known keys were taken out.
#[derive(Debug)]
pub struct Rest<'t, 'i> {
    /// The keys that are left, with their values.
    pub left: Vec<(&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>)>,
    /// The keys that were taken or declared.
    pub known: Vec<&'static str>,
    /// The errors so far.
    pub errors: Vec<Diagnostic>,
}

/// The error for a key that the table does not have.
pub(crate) fn unknown_key(
    key: &Spanned<DeString<'_>>,
    table: &str,
    known: &[&'static str],
) -> Diagnostic {
    let shown = quote(key.get_ref());
    let error = Diagnostic::new(
        key.span(),
        format!("unknown key {shown} in {}", Name(table)),
    )
    .label("unknown key");
    error.hint(match did_you_mean(key.get_ref(), known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known keys: {}", list(known)),
    })
}

/// Names in back-ticks, separated by commas.
fn list(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// A table's name in messages. The outermost table has no name in the file.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("the file"),
            name => write!(f, "`{name}`"),
        }
    }
}

/// Parses a TOML text. After syntax errors, returns the errors and everything that could be read.
#[must_use]
pub fn parse(source: &str) -> (Spanned<DeTable<'_>>, Vec<Diagnostic>) {
    let (table, errors) = DeTable::parse_recoverable(source);
    let errors = errors
        .iter()
        .map(|error| {
            let Some(span) = error.span() else {
                return Diagnostic::new(too_deep(source), "this key has too many parts");
            };
            // the parser puts what it expected on a separate line
            let mut lines = error.message().lines();
            let message = lines.next().unwrap_or("not TOML");
            let diagnostic = Diagnostic::new(span, message);
            match lines.next() {
                Some(expected) => diagnostic.label(expected),
                None => diagnostic,
            }
        })
        .collect();
    (table, errors)
}

/// The first key with more parts than the parser accepts. This is the parser's only error without a span.
fn too_deep(source: &str) -> Range<usize> {
    const MOST_PARTS: usize = 80;
    let mut start = 0;
    for part in source.split_inclusive(['=', '[', ']', '{', '}', ',', '\n']) {
        if part.matches('.').count() >= MOST_PARTS {
            let indent = part.len() - part.trim_start().len();
            return start + indent..start + part.len();
        }
        start += part.len();
    }
    0..0
}
