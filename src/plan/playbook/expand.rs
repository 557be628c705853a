//! Expands a [`Playbook`] to the tasks for one context.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::Value;

use super::node::fields;
use super::order::unknown_need;
use super::{File, Notes, Place, Playbook, Reference, StepTemplate, Task, Text};
use crate::text::diagnostic::{Diagnostic, Diagnostics, is_deceptive, quote};
use crate::text::template::{Context, find};

/// The result for the steps so far.
struct Expansion<'p> {
    files: &'p [File],
    tasks: Vec<Task>,
    /// For each id as written: the tasks to wait for.
    written: Vec<(&'p str, Vec<String>)>,
    /// The place in the file of each task's id.
    ids: BTreeMap<String, Range<usize>>,
    /// The errors in each file.
    errors: Vec<Vec<Diagnostic>>,
}

/// Makes the tasks of all steps and checks. If several files have errors, those of the first file are returned.
pub(super) fn tasks(playbook: &Playbook, context: &Context) -> Result<Vec<Task>, Diagnostics> {
    let mut expansion = Expansion {
        files: &playbook.files,
        tasks: Vec::new(),
        written: Vec::new(),
        ids: BTreeMap::new(),
        errors: vec![Vec::new(); playbook.files.len()],
    };
    for step in &playbook.steps {
        expansion.step(step, context, false);
    }
    for check in &playbook.checks {
        expansion.step(check, context, true);
    }
    let errors = playbook.files.iter().zip(expansion.errors);
    match errors.into_iter().find(|(_, errors)| !errors.is_empty()) {
        Some((file, errors)) => Err(file.diagnostics(errors)),
        None => Ok(expansion.tasks),
    }
}

impl<'p> Expansion<'p> {
    /// The text of the file that contains `step`.
    fn source(&self, step: &StepTemplate) -> &'p str {
        &self.files[step.file].source
    }

    fn wrong(&mut self, step: &StepTemplate, error: Diagnostic) {
        self.errors[step.file].push(error);
    }

    /// Returns the value of a result; collects the errors.
    fn good<T>(&mut self, step: &StepTemplate, result: Result<T, Vec<Diagnostic>>) -> Option<T> {
        result
            .map_err(|errors| self.errors[step.file].extend(errors))
            .ok()
    }

    fn step(&mut self, step: &'p StepTemplate, context: &Context, check: bool) {
        let mut made = Vec::new();
        for context in self.contexts(step, context) {
            made.extend(self.task(step, &context, made.len(), check));
        }
        if !check {
            let wait = if made.is_empty() {
                self.needs(step, None)
            } else {
                made.iter().map(|task| task.id.clone()).collect()
            };
            self.written.push((&step.id.text, wait));
        }
        self.tasks.extend(made);
    }

    /// Makes the task of a step in a context; `None` if `when` leaves it out. `number` is its index among the tasks of
    /// the same step.
    fn task(
        &mut self,
        step: &StepTemplate,
        context: &Context,
        number: usize,
        check: bool,
    ) -> Option<Task> {
        if !self.wanted(step, context) {
            return None;
        }
        let id = self.id(step, context, number, check)?;
        let needs = if check {
            Vec::new()
        } else {
            self.needs(step, Some(context))
        };
        let (source, errors) = (self.source(step), &mut self.errors[step.file]);
        let fields = fields(&step.fields, context, source, errors);
        let mut told = |note: &Option<Text>| {
            let text = self.good(step, note.as_ref()?.render(context, source))?;
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let notes = Notes {
            on_create: told(&step.notes.on_create),
            on_change: told(&step.notes.on_change),
        };
        Some(Task {
            id,
            needs,
            kind: step.kind.clone(),
            fields,
            check,
            notes,
            place: Place {
                file: step.file,
                span: step.kind_span.clone(),
            },
        })
    }

    /// Returns one context for each element of `each`, with `item`. Without `each`, returns `context`.
    fn contexts<'c>(&mut self, step: &StepTemplate, context: &'c Context) -> Vec<Cow<'c, Context>> {
        let Some(each) = &step.each else {
            return vec![Cow::Borrowed(context)];
        };
        let list = match resolve(context, each) {
            Ok(Value::Array(list)) => list,
            Ok(other) => {
                self.wrong(step, wrong_type(each, "a list", other));
                return Vec::new();
            }
            Err(error) => {
                self.wrong(step, error);
                return Vec::new();
            }
        };
        let with = |item| Cow::Owned(context.with_item(item));
        list.iter().map(with).collect()
    }

    fn wanted(&mut self, step: &StepTemplate, context: &Context) -> bool {
        let Some(when) = &step.when else {
            return true;
        };
        let is_met = match &when.equals {
            Some(word) => is_word(context, &when.reference, word),
            None => is_true(context, &when.reference),
        };
        match is_met {
            Ok(is_met) => is_met != when.negated,
            Err(error) => {
                self.wrong(step, error);
                false
            }
        }
    }

    /// Makes the id of a task. An id that another task has is an error.
    fn id(
        &mut self,
        step: &StepTemplate,
        context: &Context,
        number: usize,
        check: bool,
    ) -> Option<String> {
        let place = &step.id.span;
        let rendered = step.id.render(context, self.source(step));
        let mut id = self.good(step, rendered)?;
        // A generated id of a check has no place in the file.
        if check && place.is_empty() {
            if step.file > 0 {
                id = format!("own-{id}");
            }
            if step.each.is_some() {
                id = format!("{id}-{}", number + 1);
            }
        }
        let bad = |c: char| c.is_whitespace() || is_deceptive(c);
        if id.is_empty() || id.chars().count() > 100 || id.contains(bad) {
            let error = Diagnostic::new(place.clone(), format!("{} cannot be an id", quote(&id)));
            self.wrong(step, error.hint("1 to 100 characters, without spaces"));
            return None;
        }
        if self.ids.contains_key(&id) {
            let place = if place.is_empty() {
                &step.kind_span
            } else {
                place
            };
            let error = Diagnostic::new(
                place.clone(),
                format!("two tasks have the id {}", quote(&id)),
            );
            let hint = match step.each {
                Some(_) => "make it differ with `{{ item… }}`",
                None => "give it another id",
            };
            self.wrong(step, error.hint(hint));
            return None;
        }
        self.ids.insert(id.clone(), place.clone());
        Some(id)
    }

    /// The tasks that a step waits for. A step that is left out has no context; its needs that contain templates are
    /// then skipped.
    fn needs(&mut self, step: &StepTemplate, context: Option<&Context>) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for id in &step.needs.steps {
            let written = self.written.iter().find(|(written, _)| written == id);
            all.extend(written.into_iter().flat_map(|(_, tasks)| tasks.clone()));
        }
        for need in &step.needs.named {
            match self.need(step, need, context) {
                Ok(ids) => all.extend(ids),
                Err(errors) if context.is_some() => self.errors[step.file].extend(errors),
                Err(_) => {}
            }
        }
        let mut seen = BTreeSet::new();
        all.retain(|id| seen.insert(id.clone()));
        all
    }

    /// Resolves a need. It is either an id as written above, which means all tasks of that step, or the id of one task.
    fn need(
        &self,
        step: &StepTemplate,
        need: &Text,
        context: Option<&Context>,
    ) -> Result<Vec<String>, Vec<Diagnostic>> {
        let written = self
            .written
            .iter()
            .find(|(id, _)| *id == need.text)
            .map(|(_, ids)| ids.clone());
        // With `each`, `addons-{{ item.name }}` means only the task of the same item, if there is one.
        let own = step.each.is_some() && !need.is_literal();
        if let (Some(ids), false) = (&written, own) {
            return Ok(ids.clone());
        }
        let unknown = || vec![unknown_need(need, self.written.iter().map(|(id, _)| *id))];
        let Some(context) = context else {
            return written.ok_or_else(unknown);
        };
        let id = need.render(context, self.source(step))?;
        if self.ids.contains_key(&id) {
            return Ok(vec![id]);
        }
        written.ok_or_else(unknown)
    }
}

/// Whether the value of a reference is `true`.
fn is_true(context: &Context, reference: &Reference) -> Result<bool, Diagnostic> {
    match resolve(context, reference)? {
        Value::Bool(value) => Ok(*value),
        other => Err(wrong_type(reference, "`true` or `false`", other)),
    }
}

/// Whether the value of a reference is `word`. `null`, and a key in a section that does not exist, equal no word.
fn is_word(context: &Context, reference: &Reference, word: &str) -> Result<bool, Diagnostic> {
    for length in 1..=reference.parts.len() {
        let above = Reference {
            parts: reference.parts[..length].to_vec(),
            span: reference.span.clone(),
        };
        if resolve(context, &above)?.is_null() {
            return Ok(false);
        }
    }
    match resolve(context, reference)? {
        Value::String(text) => Ok(text == word),
        Value::Number(number) => Ok(number.to_string() == word),
        Value::Bool(value) => Ok(value.to_string() == word),
        other => Err(wrong_type(reference, "a text or a number", other)),
    }
}

fn resolve<'c>(context: &'c Context, reference: &Reference) -> Result<&'c Value, Diagnostic> {
    let parts: Vec<_> = reference.parts.iter().map(String::as_str).collect();
    find(context, &parts, reference.span.clone())
}

fn wrong_type(reference: &Reference, expected: &str, found: &Value) -> Diagnostic {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    };
    let name = reference.parts.join(".");
    Diagnostic::new(
        reference.span.clone(),
        format!("{} is {found}, not {expected}", quote(&name)),
    )
    .label(format!("not {expected}"))
}
