//! The differences between two texts, line by line.

use similar::{ChangeTag, TextDiff};

use crate::event::change::Text;

/// The number of unchanged lines to show around a difference.
const CONTEXT: usize = 3;

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// An added line.
    Added(String),
    /// A removed line.
    Removed(String),
    /// An unchanged line, shown for orientation.
    Same(String),
    /// The position of the following lines in the texts.
    Place(String),
}

/// The lines that differ, with the lines around them.
pub(super) fn rows(text: &Text) -> Vec<Row> {
    let diff = TextDiff::from_lines(&text.before, &text.after);
    let mut rows = Vec::new();
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        // for a new or a removed file, the position is always line 1
        if !(text.before.is_empty() || text.after.is_empty()) {
            rows.push(Row::Place(hunk.header().to_string().trim_end().to_owned()));
        }
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches(['\n', '\r']).to_owned();
            let unended = change.missing_newline();
            rows.push(match change.tag() {
                ChangeTag::Insert => Row::Added(line),
                ChangeTag::Delete => Row::Removed(line),
                ChangeTag::Equal => Row::Same(line),
            });
            if unended {
                rows.push(Row::Place("(no newline at the end)".to_owned()));
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> Vec<String> {
        let text = Text {
            before: before.into(),
            after: after.into(),
        };
        let shown = rows(&text).into_iter().map(|row| match row {
            Row::Added(line) => format!("+{line}"),
            Row::Removed(line) => format!("-{line}"),
            Row::Same(line) => format!(" {line}"),
            Row::Place(place) => place,
        });
        shown.collect()
    }

    #[test]
    fn lines_are_compared() {
        assert_eq!(shown("a\n", "a\n"), Vec::<String>::new());
        assert_eq!(shown("", "a\nb\n"), ["+a", "+b"]);
        assert_eq!(shown("a\n", ""), ["-a"]);
        assert_eq!(
            shown("a\nb\nc\n", "a\nB\nc\n"),
            ["@@ -1,3 +1,3 @@", " a", "-b", "+B", " c"]
        );
        assert_eq!(
            shown("a\n", "a"),
            ["@@ -1 +1 @@", "-a", "+a", "(no newline at the end)"]
        );
    }

    #[test]
    fn three_lines_of_context_are_shown() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = before.replace('5', "five");
        assert_eq!(
            shown(before, &after),
            [
                "@@ -2,7 +2,7 @@",
                " 2",
                " 3",
                " 4",
                "-5",
                "+five",
                " 6",
                " 7",
                " 8"
            ]
        );
    }
}
