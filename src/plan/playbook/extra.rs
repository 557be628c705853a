//! Puts an administrator's own steps into a playbook, before or after steps of it.

use std::path::Path;

use super::order::order;
use super::read;
use super::step::{Given, Written};
use super::{Playbook, StepTemplate};
use crate::text::diagnostic::{Diagnostic, Diagnostics, quote};
use crate::text::template;

/// The prefix for ids of an administrator's steps. No version of the built-in playbook uses it.
pub const OWN: &str = "own-";

/// Returns `playbook` with the steps and checks of a second file.
pub(super) fn extended(
    playbook: &Playbook,
    path: &Path,
    source: &str,
) -> Result<Playbook, Diagnostics> {
    let number = playbook.files.len();
    let (file, written, mut errors) = read::file(path, source, number);
    let mut steps = playbook.steps.clone();
    for own in written.steps {
        put(&mut steps, own, &mut errors);
    }
    let mut files: Vec<_> = playbook.files.iter().collect();
    files.push(&file);
    order(&steps, &files, &mut errors);
    if !errors.is_empty() {
        return Err(file.diagnostics(errors));
    }
    let mut files = playbook.files.clone();
    files.push(file);
    Ok(Playbook {
        files,
        steps,
        checks: [playbook.checks.clone(), written.checks].concat(),
    })
}

/// Inserts an administrator's step beside its anchor. Several with the same anchor keep their order.
fn put(steps: &mut Vec<StepTemplate>, own: Written, errors: &mut Vec<Diagnostic>) {
    let Written {
        mut step,
        needs,
        anchor,
    } = own;
    if !step.id.text.starts_with(OWN) {
        let error = Diagnostic::new(
            step.id.span.clone(),
            format!("{} does not begin with `{OWN}`", quote(&step.id.text)),
        );
        errors.push(error.hint(format!(
            "so that no later version has a step of that id: write `{OWN}{}`",
            step.id.text
        )));
    }
    let Some(anchor) = anchor else {
        let error = Diagnostic::new(step.id.span.clone(), "this step has no place");
        errors.push(error.hint("write `after = \"…\"` or `before = \"…\"` with the id of a step"));
        return;
    };
    let Some(at) = steps
        .iter()
        .position(|other| other.id.text == anchor.id.text)
    else {
        let message = format!("no step has the id {}", quote(&anchor.id.text));
        let known = steps.iter().map(|step| step.id.text.as_str());
        let hint = template::instead(&anchor.id.text, known);
        errors.push(Diagnostic::new(anchor.id.span, message).hint(hint));
        return;
    };
    if anchor.is_before {
        if needs == Given::Nothing {
            step.needs = steps[at].needs.clone();
        }
        steps[at].needs.steps.push(step.id.text.clone());
        steps.insert(at, step);
        return;
    }
    if needs == Given::Nothing {
        step.needs.steps.push(anchor.id.text);
    }
    let own_below = steps[at + 1..].iter().take_while(|other| other.file > 0);
    let place = at + 1 + own_below.count();
    steps.insert(place, step);
}
