//! A plan for people: a line and details for each change, and a summary.

use super::details::{Details, INDENT};
use super::line::{BAD, BOLD, DIM, GOOD, Line, PLAIN, WARN};
use super::options::Signs;
use crate::event::Totals;
use crate::event::change::{Action, Change};

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
    let page = Layout {
        signs,
        width,
        steps: steps.max().unwrap_or(0).clamp(8, 24),
    };
    let mut lines = Vec::new();
    for change in changes.iter().filter(|change| change.is_pending()) {
        lines.extend(page.head(change));
        lines.extend(Details { signs, width }.of(change));
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

struct Layout {
    signs: Signs,
    width: usize,
    /// The width of the column of step names.
    steps: usize,
}

impl Layout {
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
            .then(if change.forecast { WARN } else { PLAIN }, forecast)
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
