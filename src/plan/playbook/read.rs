//! Parses a text to a [`Playbook`] and collects every error.

use std::path::Path;

use super::order::order;
use super::step::{Given, Reading, Written};
use super::{File, Playbook, StepTemplate};
use crate::text::diagnostic::{Diagnostic, Diagnostics};
use crate::text::reader::{self, Table};

pub(super) fn playbook(path: &Path, source: &str) -> Result<Playbook, Diagnostics> {
    let (file, written, mut errors) = file(path, source, 0);
    let mut steps: Vec<StepTemplate> = Vec::new();
    for Written {
        mut step, needs, ..
    } in written.steps
    {
        if needs == Given::Nothing {
            step.needs.steps = steps
                .last()
                .map(|above| above.id.text.clone())
                .into_iter()
                .collect();
        }
        steps.push(step);
    }
    if steps.is_empty() && errors.is_empty() {
        let error = Diagnostic::new(0..0, "a playbook has steps");
        errors.push(error.hint("write `[[step]]`"));
    }
    order(&steps, &[&file], &mut errors);
    if !errors.is_empty() {
        return Err(file.diagnostics(errors));
    }
    Ok(Playbook {
        files: vec![file],
        steps,
        checks: written.checks,
    })
}

/// The steps and checks of one file.
#[derive(Default)]
pub(super) struct Steps {
    pub(super) steps: Vec<Written>,
    pub(super) checks: Vec<StepTemplate>,
}

/// Parses one file. `number` is 0 for the playbook and 1 for the file that extends it.
pub(super) fn file(path: &Path, source: &str, number: usize) -> (File, Steps, Vec<Diagnostic>) {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let file = File {
        path: path.to_owned(),
        source: source.to_owned(),
    };
    let (table, mut errors) = reader::parse(source);
    let mut found = Steps::default();
    // After a syntax error, the broken step would be reported a second time as incomplete.
    if errors.is_empty() {
        let mut root = Table::new("", table.span(), table.get_ref());
        let mut reading = Reading {
            file: number,
            source,
            errors: &mut errors,
        };
        for table in root.tables("step") {
            found.steps.extend(reading.step(table, None));
        }
        for (at, table) in root.tables("check").into_iter().enumerate() {
            let check = reading.step(table, Some(at + 1));
            found.checks.extend(check.map(|check| check.step));
        }
        errors.extend(root.finish());
    }
    (file, found, errors)
}
