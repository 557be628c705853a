//! All errors in a text at once, each with its place.

mod layout;
mod text;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use text::{ceil, floor};
pub use text::{did_you_mean, is_deceptive, place, quote};

/// The most errors that are rendered. A file with more errors is probably not the right file.
const MOST_SHOWN: usize = 100;

/// What kind of error a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The text contains something wrong.
    Wrong,
    /// The text lacks something that is needed.
    Absent,
}

/// One error in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether something is wrong or missing.
    pub kind: Kind,
    /// What is wrong, in lower case, with the user's words in back-ticks.
    pub message: String,
    /// The wrong bytes of the text. May be empty, and may be at the end of the text.
    pub span: Range<usize>,
    /// A few words beside the underlined text; empty if the message is enough.
    pub label: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Wrong,
            message: message.into(),
            span,
            label: String::new(),
            hint: None,
        }
    }

    /// An error about something that the table or file at `span` lacks.
    pub fn absent(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Absent,
            ..Self::new(span, message)
        }
    }

    /// Sets the words beside the underlined text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Sets what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// An error in a value, before its place in the text is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid(Diagnostic);

impl Invalid {
    /// An error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Diagnostic::new(0..0, message))
    }

    /// Sets the words beside the underlined text.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self(self.0.label(label))
    }

    /// Sets what to write instead.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self(self.0.hint(hint))
    }

    /// Adds the place in the text.
    #[must_use]
    pub fn at(self, span: Range<usize>) -> Diagnostic {
        Diagnostic { span, ..self.0 }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Invalid {}

/// All errors of one text, sorted by place. [`fmt::Display`] writes them on one line; [`Diagnostics::render`] shows
/// them to people, with the text underlined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    path: PathBuf,
    source: String,
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Collects `items` found in `source`, which was read from `path`. A span that ends beyond the text, or within a
    /// character, is moved to the nearest valid place.
    #[must_use]
    pub fn new(path: &Path, source: &str, items: Vec<Diagnostic>) -> Self {
        let mut items: Vec<_> = items
            .into_iter()
            .map(|item| {
                let start = floor(source, item.span.start);
                let end = ceil(source, item.span.end.max(start));
                Diagnostic {
                    span: start..end,
                    ..item
                }
            })
            .collect();
        items.sort_by_key(|item| (item.span.start, item.span.end));
        items.dedup();
        Self {
            path: path.to_owned(),
            source: source.to_owned(),
            items,
        }
    }

    /// The path of the text.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The errors, sorted by place.
    #[must_use]
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    /// The line and the column (in characters) of an error's start, both counted from 1.
    #[must_use]
    pub fn place(&self, item: &Diagnostic) -> (usize, usize) {
        place(&self.source, item.span.start)
    }

    /// Renders every error with its place, the underlined text, and what to write instead, for a terminal `width`
    /// columns wide. The result ends with a line feed.
    #[must_use]
    pub fn render(&self, width: usize, color: bool) -> String {
        let path = self.path.to_string_lossy();
        let mut text = String::new();
        for item in self.items.iter().take(MOST_SHOWN) {
            if !text.is_empty() {
                text.push('\n');
            }
            layout::render(&mut text, &path, &self.source, item, width, color);
        }
        let more = self.items.len().saturating_sub(MOST_SHOWN);
        if more > 0 {
            text.push('\n');
            text.push_str(&more.to_string());
            text.push_str(" more errors are not shown\n");
        }
        text
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.items.as_slice() {
            [] => write!(f, "{path}: no errors"),
            [first, rest @ ..] => {
                let (line, column) = self.place(first);
                write!(f, "{path}:{line}:{column}: {}", first.message)?;
                match rest.len() {
                    0 => Ok(()),
                    1 => f.write_str(" (and 1 more error)"),
                    more => write!(f, " (and {more} more errors)"),
                }
            }
        }
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests;
