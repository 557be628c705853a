//! The details of one change, for people: its fields, its names, its text.

use super::line::{BAD, DIM, GOOD, Line, PLAIN};
use super::options::Signs;
use super::text;
use crate::event::change::{Action, Change};
use crate::text::diff::{self, Row};

/// The indent of details.
pub(super) const INDENT: usize = 6;
/// The most names of a set to list.
const MOST_NAMES: usize = 8;
/// The most fields of one change to show.
const MOST_FIELDS: usize = 20;
/// The most lines of one text to show.
const MOST_LINES: usize = 60;
/// The most characters of one value to show.
const LONGEST_VALUE: usize = 160;

/// Lays out the details below a change.
pub(super) struct Details {
    pub(super) signs: Signs,
    pub(super) width: usize,
}

impl Details {
    /// The lines of one change.
    pub(super) fn of(&self, change: &Change) -> Vec<Line> {
        let mut rows = diff::rows(change.before.as_ref(), change.after.as_ref());
        if change.text.is_some() {
            rows.retain(|row| !row.is_digest());
        }
        match change.action() {
            // the summary already says what the fields would say
            Action::Create | Action::Remove if !change.summary.is_empty() => rows.clear(),
            // for a removed resource, only the names that are removed with it are of interest
            Action::Remove => rows.retain(|row| matches!(row, Row::Names { .. })),
            _ => {}
        }
        let mut lines = self.fields(&rows, change.action() == Action::Create);
        if let Some(text) = &change.text {
            lines.extend(self.text(&text::rows(text)));
        }
        lines
    }

    fn fields(&self, rows: &[Row], new: bool) -> Vec<Line> {
        let name = |row: &Row| match row {
            Row::Field { name, .. } | Row::Names { name, .. } => name.chars().count(),
        };
        let column = rows.iter().map(name).max().unwrap_or(0).min(24);
        let indent = INDENT + if column == 0 { 0 } else { column + 2 };
        let start = |name: &str| {
            let line = Line::plain(&" ".repeat(INDENT));
            if column == 0 {
                line
            } else {
                line.padded(PLAIN, name, column).then(PLAIN, "  ")
            }
        };
        let mut lines = Vec::new();
        for row in rows.iter().take(MOST_FIELDS) {
            match row {
                Row::Field {
                    name,
                    before,
                    after,
                } => {
                    let mut line = start(name);
                    if !new {
                        line = line.then(PLAIN, &self.value(before.as_deref()));
                        line = line.then(DIM, &format!(" {} ", self.signs.arrow));
                    }
                    line = line.then(PLAIN, &self.value(after.as_deref()));
                    lines.extend(line.wrap(self.width, indent));
                }
                Row::Names {
                    name,
                    added,
                    removed,
                } => {
                    let both = [("+ ", GOOD, added), ("- ", BAD, removed)];
                    for (mark, style, names) in both.into_iter().filter(|both| !both.2.is_empty()) {
                        let line = start(name).then(style, mark).then(style, &some_of(names));
                        lines.extend(line.wrap(self.width, indent + 2));
                    }
                }
            }
        }
        lines.extend(self.more(rows.len().saturating_sub(MOST_FIELDS), "field"));
        lines
    }

    fn value(&self, value: Option<&str>) -> String {
        let Some(value) = value else {
            return "(none)".to_owned();
        };
        let value = diff::shorten(value);
        if value.chars().count() <= LONGEST_VALUE {
            return value.to_owned();
        }
        value
            .chars()
            .take(LONGEST_VALUE)
            .chain(self.signs.ellipsis.chars())
            .collect()
    }

    fn text(&self, rows: &[text::Row]) -> Vec<Line> {
        let line = |row: &text::Row| {
            let (style, mark, text) = match row {
                text::Row::Added(text) => (GOOD, "+ ", text),
                text::Row::Removed(text) => (BAD, "- ", text),
                text::Row::Same(text) => (PLAIN, "  ", text),
                text::Row::Place(text) => (DIM, "", text),
            };
            let line = Line::plain(&" ".repeat(INDENT))
                .then(style, mark)
                .then(style, text);
            line.cut(self.width, self.signs.ellipsis)
        };
        let mut lines: Vec<Line> = rows.iter().take(MOST_LINES).map(line).collect();
        lines.extend(self.more(rows.len().saturating_sub(MOST_LINES), "line"));
        lines
    }

    fn more(&self, number: usize, noun: &str) -> Option<Line> {
        let plural = if number == 1 { "" } else { "s" };
        let text = format!(
            "{}{} and {number} more {noun}{plural}",
            " ".repeat(INDENT),
            self.signs.ellipsis
        );
        (number > 0).then(|| {
            Line::default()
                .then(DIM, &text)
                .cut(self.width, self.signs.ellipsis)
        })
    }
}

/// The first names, and the number of further names.
fn some_of(names: &[String]) -> String {
    // one more name is shorter than saying that there is one more
    if names.len() <= MOST_NAMES + 1 {
        return names.join(", ");
    }
    let (first, rest) = names.split_at(MOST_NAMES);
    format!("{} and {} more", first.join(", "), rest.len())
}
