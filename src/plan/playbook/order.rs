//! Checks the order of steps.

use super::{File, StepTemplate, Text};
use crate::text::diagnostic::{Diagnostic, place, quote};
use crate::text::template;

/// Collects errors about duplicate ids and needs that are not above, for the last of `files`; the earlier files were
/// checked before. Ids and needs with templates are checked later, when they are rendered.
pub(super) fn order(steps: &[StepTemplate], files: &[&File], errors: &mut Vec<Diagnostic>) {
    let written = steps.iter().enumerate();
    for (at, step) in written.filter(|(_, step)| step.file + 1 == files.len()) {
        let above = &steps[..at];
        if let Some(first) = above.iter().find(|other| other.id.text == step.id.text) {
            let (line, _) = place(&files[first.file].source, first.id.span.start);
            let message = format!("two steps have the id {}", quote(&step.id.text));
            let error = Diagnostic::new(step.id.span.clone(), message);
            errors.push(
                error
                    .label(format!("first on line {line}"))
                    .hint("give it another id"),
            );
        }
        let mut open = above.iter().any(|other| !other.id.is_literal());
        open |= step.each.is_some();
        for need in &step.needs.named {
            let known = above.iter().any(|other| other.id.text == need.text);
            let below = steps[at..].iter().find(|other| other.id.text == need.text);
            if let (false, Some(below)) = (known, below) {
                errors.push(not_above(need, below, &files[below.file].source));
            } else if !known && !open && need.is_literal() {
                errors.push(unknown_need(
                    need,
                    above.iter().map(|step| step.id.text.as_str()),
                ));
            }
        }
    }
}

fn not_above(need: &Text, below: &StepTemplate, source: &str) -> Diagnostic {
    let (line, _) = place(source, below.id.span.start);
    Diagnostic::new(
        need.span.clone(),
        format!("{} is not above this step", quote(&need.text)),
    )
    .label(format!("it is on line {line}"))
    .hint("a step needs only steps above it: move one of them")
}

/// Returns the error for a need that names no step above.
pub(super) fn unknown_need<'a>(
    need: &Text,
    above: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let error = Diagnostic::new(
        need.span.clone(),
        format!("no step above has the id {}", quote(&need.text)),
    );
    if above.clone().next().is_none() {
        return error.hint("the first step needs nothing: `needs = []`");
    }
    error.hint(template::instead(&need.text, above))
}
