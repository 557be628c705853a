//! What is wrong with a text, and where: every error of a file at once, each with its place.

mod layout;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The most errors that are rendered: a file with more is of another kind altogether.
const MOST_SHOWN: usize = 100;

/// One error in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in lower case, with back-ticks round what was written.
    pub message: String,
    /// The offending bytes of the text. May be empty, and may lie at the end of the text.
    pub span: Range<usize>,
    /// A few words shown beside the underlined text; empty when the message says it all.
    pub label: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span,
            label: String::new(),
            hint: None,
        }
    }

    /// Adds the words beside the underlined text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What is wrong with a value that has no place in a text yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid(Diagnostic);

impl Invalid {
    /// Says what is wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Diagnostic::new(0..0, message))
    }

    /// Adds the words beside the underlined text.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self(self.0.label(label))
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self(self.0.hint(hint))
    }

    /// Gives it its place in a text.
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

/// All the errors of one text, sorted by place. Its one-line form is [`fmt::Display`]; the form for
/// people, with the text underlined, is [`Diagnostics::render`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    path: PathBuf,
    source: String,
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Collects `items` found in `source`, which was read from `path`. Spans that reach past the end of
    /// the text, or into the middle of a character, are moved to the nearest place that exists.
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

    /// Where the text was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text the spans point into.
    #[must_use]
    pub fn source_text(&self) -> &str {
        &self.source
    }

    /// The errors, sorted by place.
    #[must_use]
    pub fn items(&self) -> &[Diagnostic] {
        &self.items
    }

    /// The line and the column (in characters) where an error starts, both counted from 1.
    #[must_use]
    pub fn place(&self, item: &Diagnostic) -> (usize, usize) {
        place(&self.source, item.span.start)
    }

    /// Renders every error with its place, the text underlined, and what to write instead, for a
    /// terminal `width` columns wide. The text ends with a line feed.
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

/// The last place at or before `offset` where `text` can be cut.
fn floor(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    (0..=end)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// The first place at or after `offset` where `text` can be cut.
fn ceil(text: &str, offset: usize) -> usize {
    (offset..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len())
}

/// The line and the column (in characters) of a byte of `source`, both counted from 1.
#[must_use]
pub fn place(source: &str, offset: usize) -> (usize, usize) {
    let before = &source[..floor(source, offset)];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

/// The candidate that was most likely meant by `word`, if one is close enough: one slip for every
/// three letters, not counting case and the choice between `-` and `_`.
#[must_use]
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    // Distance is quadratic: a word far longer than any name was no slip of the finger.
    if word.len() > 64 {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word, &plain(candidate)),
                candidate,
            )
        })
        .filter(|(slips, candidate)| *slips <= candidate.len().max(word.len()).div_ceil(3).min(3))
        .filter(|(slips, candidate)| *slips < candidate.chars().count())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// Whether a character moves, hides or reorders the text around it, so that what is shown is not what is
/// there: control characters, line and paragraph separators, bidirectional marks (the set of
/// "Trojan Source", CVE-2021-42574) and characters without width.
#[must_use]
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        )
}

/// `text` between back-ticks as it may be shown in a message: on one line, no longer than 60
/// characters, with characters that would move or hide text written as their code point.
#[must_use]
pub fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        if is_deceptive(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown.push('`');
    shown
}

#[cfg(test)]
mod tests;
