//! Findings, for people.

use super::line::{BAD, Line, PLAIN, WARN};
use super::progress::word;
use crate::event::{Found, Weight};

/// The indent of continuation lines.
const INDENT: usize = 8;

/// The lines of a finding, with at most `width` columns.
pub(super) fn lines(
    what: &str,
    hint: &str,
    weight: Weight,
    found: Found,
    width: usize,
) -> Vec<Line> {
    let head = match weight {
        Weight::Soon => word("soon", WARN),
        Weight::Host | Weight::Site => word("wrong", BAD),
    };
    let when = match found {
        Found::Now => "",
        Found::Before => "found before this run: ",
        Found::Still => "not of this run: ",
        Found::New => "new after this run: ",
    };
    let line = head
        .then(PLAIN, &format!("{when}{what}: "))
        .then(PLAIN, hint);
    line.wrap(width, INDENT)
}
