//! Finds secrets that were written into `site.toml`, refuses them, and masks them in messages.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::secret::password::is_key_of_secret;
use crate::text::diagnostic::{Diagnostic, quote};

/// The secrets found in a parsed table.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// An error for each secret.
    pub(super) errors: Vec<Diagnostic>,
    /// The places of the secret values, which must not be shown.
    pub(super) values: Vec<Range<usize>>,
}

impl Found {
    /// Searches a table and everything below it.
    pub(super) fn look(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let place = value.get_ref();
            // A table names a place, such as `{ file = "…" }`, and is no secret, even if no section has such a key.
            if is_key_of_secret(key.get_ref()) && !place.is_table() {
                self.values.push(value.span());
                let message = format!("{} is never written in this file", quote(key.get_ref()));
                self.errors.push(
                    Diagnostic::new(key.span(), message)
                        .label("a secret")
                        .hint("secrets are never inline: take the line away, and change the secret if anyone saw it"),
                );
            } else {
                self.look_into(value);
            }
        }
    }

    fn look_into(&mut self, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.look(table),
            DeValue::Array(array) => array.iter().for_each(|value| self.look_into(value)),
            _ => {}
        }
    }
}

/// Replaces the `values`, and everything else that looks like a secret, by stars, also if the text could not be parsed.
/// Length and lines stay the same.
pub(super) fn mask(source: &str, values: &[Range<usize>]) -> String {
    let mut hidden = values.to_vec();
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        for (at, _) in line.match_indices('=') {
            let key = line[..at].trim_end_matches([' ', '\t', '"', '\'']);
            let mut words =
                key.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
            if words.next().is_some_and(is_key_of_secret) {
                hidden.push(start + at + 1..start + line.len());
                break;
            }
        }
        let mut at = start;
        for token in line.split(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'')) {
            let found = super::net::credentials(token);
            hidden.extend(found.map(|found| at + found.start..at + found.end));
            at += token.len() + 1;
        }
        start += line.len();
    }
    for (at, frame) in source.match_indices("PRIVATE KEY-----") {
        let rest = &source[at + frame.len()..];
        let end = rest.find("-----END").unwrap_or(rest.len());
        hidden.push(at + frame.len()..at + frame.len() + end);
    }
    let mut masked = String::with_capacity(source.len());
    hidden.sort_by_key(|range| range.start);
    let mut hidden = hidden.into_iter().peekable();
    for (at, character) in source.char_indices() {
        while hidden.next_if(|range| range.end <= at).is_some() {}
        let inside = hidden.peek().is_some_and(|range| range.contains(&at));
        if inside && !character.is_whitespace() && character != '=' {
            masked.extend(std::iter::repeat_n('*', character.len_utf8()));
        } else {
            masked.push(character);
        }
    }
    masked
}
