//! Finds unknown references in a template.
//!
//! In conditions, comparisons and `set`, Tera treats an unknown name as false, so a typing error would silently drop
//! a part of a configuration file. This module looks every reference up before rendering, even in branches that are
//! not taken. References with `is defined`, `default` or `?.` may be absent.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Context;
use crate::text::diagnostic::Diagnostic;

/// One token of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'s> {
    /// A name, or several names with dots between them.
    Path(&'s str),
    /// A string, a number or a punctuation mark.
    Other(&'s str),
}

impl<'s> Token<'s> {
    fn text(self) -> &'s str {
        match self {
            Self::Path(text) | Self::Other(text) => text,
        }
    }
}

/// The keywords of Tera, which are not references.
const WORDS: &[&str] = &[
    "and",
    "block",
    "break",
    "component",
    "continue",
    "elif",
    "else",
    "endblock",
    "endcomponent",
    "endfilter",
    "endfor",
    "endif",
    "endraw",
    "endset",
    "extends",
    "false",
    "filter",
    "for",
    "if",
    "in",
    "include",
    "is",
    "loop",
    "none",
    "not",
    "or",
    "raw",
    "set",
    "set_global",
    "true",
    "False",
    "None",
    "True",
];

/// A dotted reference and its place.
pub(super) type Reference = (String, Range<usize>);

/// An error for each of `references` that does not exist in `context`.
pub(super) fn unknown(references: &[Reference], context: &Context) -> Vec<Diagnostic> {
    let wrong = |(path, span): &Reference| {
        let parts: Vec<_> = path.split('.').collect();
        super::find(context, &parts, span.clone()).err()
    };
    references.iter().filter_map(wrong).collect()
}

/// All references of `source` that must exist in the context.
pub(super) fn references(source: &str) -> Vec<Reference> {
    let mut used: Vec<(&str, Range<usize>)> = Vec::new();
    let mut absent = BTreeSet::new();
    let mut local = BTreeSet::from(["loop"]);
    for (start, expression) in expressions(source) {
        let tokens = tokens(expression);
        for (at, (offset, token)) in tokens.iter().enumerate() {
            let near = |steps: usize| tokens.get(at + steps).map_or("", |(_, token)| token.text());
            let before = |steps: usize| match at.checked_sub(steps).and_then(|at| tokens.get(at)) {
                Some((_, token)) => token.text(),
                None => "",
            };
            let Token::Path(path) = token else { continue };
            if WORDS.contains(path) {
                continue;
            }
            let filter = before(1) == "|" || before(1) == "filter";
            let test = before(1) == "is" || (before(1) == "not" && before(2) == "is");
            let part = matches!(before(1), "." | "?.");
            if filter || test || part || near(1) == "(" {
                continue;
            }
            // names that `for` and `set` define, and the keywords of arguments
            let looped = before(1) == "for" || (before(1) == "," && before(3) == "for");
            if looped || (near(1) == "=" && matches!(before(1), "set" | "set_global")) {
                local.insert(*path);
                continue;
            }
            if near(1) == "=" {
                continue;
            }
            let asked = near(1) == "is" && matches!(near(2), "defined" | "undefined" | "not");
            if asked || near(1) == "?." || (near(1) == "|" && near(2) == "default") {
                absent.insert(*path);
            }
            let from = start + offset;
            used.push((path, from..from + path.len()));
        }
    }
    used.into_iter()
        .filter(|(path, _)| !absent.contains(path))
        .filter(|(path, _)| !local.contains(path.split('.').next().unwrap_or_default()))
        .map(|(path, span)| (path.to_owned(), span))
        .collect()
}

/// The expressions between `{{` and `}}` or `{%` and `%}`, with their offsets. Comments and raw blocks are left out.
fn expressions(source: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = source[at..].find('{').map(|open| at + open) {
        let close = match source.get(open..open + 2) {
            Some("{{") => "}}",
            Some("{%") => "%}",
            Some("{#") => "#}",
            _ => {
                at = open + 1;
                continue;
            }
        };
        let start = open + 2;
        let Some(end) = source[start..].find(close).map(|end| start + end) else {
            break;
        };
        at = end + 2;
        let inner = &source[start..end];
        if close == "%}" && inner.trim_matches(['-', ' ', '\t', '\n']) == "raw" {
            at = source[at..]
                .find("endraw")
                .map_or(source.len(), |end| at + end);
        } else if close != "#}" {
            found.push((start, inner));
        }
    }
    found
}

fn tokens(expression: &str) -> Vec<(usize, Token<'_>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = expression[at..].chars().next() {
        let rest = &expression[at..];
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if matches!(first, '"' | '\'' | '`') {
            rest[1..].find(first).map_or(rest.len(), |end| end + 2)
        } else if name(first) {
            rest.find(|c| !name(c) && c != '.').unwrap_or(rest.len())
        } else if ["==", "!=", "<=", ">=", "?."]
            .iter()
            .any(|mark| rest.starts_with(mark))
        {
            2
        } else {
            first.len_utf8()
        };
        let text = &rest[..length];
        let path = name(first) && !first.is_ascii_digit();
        found.push((
            at,
            if path {
                Token::Path(text.trim_end_matches('.'))
            } else {
                Token::Other(text)
            },
        ));
        at += length;
    }
    found
}
