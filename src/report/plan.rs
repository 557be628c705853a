//! A plan for people: a line per change, what differs beneath it, and the sum.

use super::diff::{self, Row};
use super::line::{BAD, BOLD, DIM, GOOD, Line, PLAIN, WARN};
use super::options::Signs;
use super::text;
use crate::change::{Action, Change};
use crate::event::Totals;

/// Where details begin.
const INDENT: usize = 6;
/// How many names of a set are spelled out.
const MOST_NAMES: usize = 8;
/// How many fields of one change are shown.
const MOST_FIELDS: usize = 20;
/// How many lines of one text are shown.
const MOST_LINES: usize = 60;
/// How many characters of one value are shown.
const LONGEST_VALUE: usize = 160;

/// The lines of a plan, each of at most `width` columns.
pub(super) fn lines(changes: &[Change], totals: &Totals, signs: Signs, width: usize) -> Vec<Line> {
    if !changes.iter().any(Change::is_pending) && totals.create + totals.change + totals.remove == 0
    {
        return vec![Line::plain(&settled(totals.unchanged))];
    }
    let steps = changes
        .iter()
        .filter(|change| change.is_pending())
        .map(|change| change.step.chars().count());
    let page = Page {
        signs,
        width,
        steps: steps.max().unwrap_or(0).clamp(8, 24),
    };
    let mut lines = Vec::new();
    for change in changes.iter().filter(|change| change.is_pending()) {
        lines.extend(page.head(change));
        lines.extend(page.details(change));
    }
    let unchanged: Vec<&str> = changes
        .iter()
        .filter(|change| !change.is_pending())
        .map(|change| change.step.as_str())
        .collect();
    if !unchanged.is_empty() {
        let line = Line::default().then(DIM, &format!("    unchanged: {}", unchanged.join(", ")));
        lines.extend(line.wrap(width, INDENT));
    }
    lines.extend(
        page.sum(
            totals,
            changes
                .iter()
                .any(|change| change.is_pending() && change.forecast),
        ),
    );
    lines
}

fn settled(steps: usize) -> String {
    match steps {
        0 => "Nothing to do: the plan has no steps.".to_owned(),
        1 => "Nothing to do: the only step is as the site asks.".to_owned(),
        steps => format!("Nothing to do: all {steps} steps are as the site asks."),
    }
}

struct Page {
    signs: Signs,
    width: usize,
    /// The width of the column of step names.
    steps: usize,
}

impl Page {
    fn head(&self, change: &Change) -> Vec<Line> {
        let (mark, style) = match change.action() {
            Action::Create => ("+", GOOD),
            Action::Change => ("~", WARN),
            Action::Remove => ("-", BAD),
            Action::Nothing => (" ", PLAIN),
        };
        let forecast = if change.forecast {
            self.signs.forecast
        } else {
            " "
        };
        let mut line = Line::default()
            .then(WARN, forecast)
            .then(PLAIN, " ")
            .then(style, mark)
            .then(PLAIN, " ")
            .padded(BOLD, &change.step, self.steps)
            .then(PLAIN, "  ")
            .then(PLAIN, &change.subject);
        if !change.summary.is_empty() {
            let gap = if change.subject.is_empty() { "" } else { "  " };
            line = line.then(PLAIN, gap).then(PLAIN, &change.summary);
        }
        if !change.causes.is_empty() {
            let verb = if change.action() == Action::Change {
                "restarted because of: "
            } else {
                "because of: "
            };
            line = line
                .then(PLAIN, "  ")
                .then(WARN, &format!("{verb}{}", change.causes.join(", ")));
        }
        line.wrap(self.width, self.steps + INDENT)
    }

    fn details(&self, change: &Change) -> Vec<Line> {
        let mut rows = diff::rows(change.before.as_ref(), change.after.as_ref());
        if change.text.is_some() {
            rows.retain(|row| !row.is_digest());
        }
        match change.action() {
            // What the summary says of a new thing is what its fields would say again.
            Action::Create | Action::Remove if !change.summary.is_empty() => rows.clear(),
            // Of what goes, only what goes with it is worth a line.
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
                    for (mark, style, names) in [("+ ", GOOD, added), ("- ", BAD, removed)] {
                        if !names.is_empty() {
                            let line = start(name).then(style, mark).then(style, &some_of(names));
                            lines.extend(line.wrap(self.width, indent + 2));
                        }
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
        (number > 0).then(|| Line::default().then(DIM, &text))
    }

    fn sum(&self, totals: &Totals, forecast: bool) -> Vec<Line> {
        let Totals {
            create,
            change,
            remove,
            unchanged,
            leaves,
        } = totals;
        let sum = format!(
            "Plan: {create} to create, {change} to change, {remove} to remove, {unchanged} unchanged."
        );
        let mut lines = Line::default().then(BOLD, &sum).wrap(self.width, INDENT);
        if forecast {
            let legend = format!(
                "{} forecast: depends on the steps above it",
                self.signs.forecast
            );
            match lines.pop() {
                Some(last) if last.width() + 3 + legend.chars().count() <= self.width => {
                    lines.push(last.then(PLAIN, "   ").then(WARN, &legend));
                }
                last => {
                    lines.extend(last);
                    lines.extend(Line::default().then(WARN, &legend).wrap(self.width, 2));
                }
            }
        }
        let mut said: Vec<&str> = Vec::new();
        for leaves in leaves {
            if !said.contains(&leaves.as_str()) {
                said.push(leaves);
            }
        }
        if !said.is_empty() {
            let leaves = said.join("; ");
            let leaves = leaves.trim_end_matches('.');
            lines.extend(Line::plain(&format!("Going back leaves: {leaves}.")).wrap(self.width, 2));
        }
        lines
    }
}

/// The first names, and how many more there are.
fn some_of(names: &[String]) -> String {
    // One name takes less room than saying that there is one more.
    let shown = if names.len() <= MOST_NAMES + 1 {
        names.len()
    } else {
        MOST_NAMES
    };
    let mut text = names[..shown].join(", ");
    if shown < names.len() {
        text.push_str(&format!(" and {} more", names.len() - shown));
    }
    text
}
