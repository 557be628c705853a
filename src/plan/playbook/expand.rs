//! From the [`Playbook`] to the tasks for one context.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::node::fields;
use super::order::unknown_need;
use super::{Playbook, Reference, Step, Task, Text};
use crate::text::diagnostic::{Diagnostic, Diagnostics, is_deceptive, quote};
use crate::text::template::{Context, find};

/// What came of the steps so far.
struct Expansion<'p> {
    source: &'p str,
    tasks: Vec<Task>,
    /// For each written id: the tasks to wait for.
    written: Vec<(&'p str, Vec<String>)>,
    /// Where the id of each task is written.
    ids: BTreeMap<String, Range<usize>>,
    errors: Vec<Diagnostic>,
}

pub(super) fn tasks(playbook: &Playbook, context: &Context) -> Result<Vec<Task>, Diagnostics> {
    let mut expansion = Expansion {
        source: &playbook.source,
        tasks: Vec::new(),
        written: Vec::new(),
        ids: BTreeMap::new(),
        errors: Vec::new(),
    };
    for step in &playbook.steps {
        expansion.step(step, context, false);
    }
    for check in &playbook.checks {
        expansion.step(check, context, true);
    }
    if expansion.errors.is_empty() {
        Ok(expansion.tasks)
    } else {
        Err(playbook.diagnostics(expansion.errors))
    }
}

impl<'p> Expansion<'p> {
    fn step(&mut self, step: &'p Step, context: &Context, check: bool) {
        let mut made = Vec::new();
        for context in self.contexts(step, context) {
            let context = context.as_ref();
            if !self.wanted(step, context) {
                continue;
            }
            let Some(id) = self.id(step, context, made.len(), check) else {
                continue;
            };
            let needs = if check {
                Vec::new()
            } else {
                self.needs(step, Some(context))
            };
            let fields = fields(&step.fields, context, self.source, &mut self.errors);
            made.push(Task {
                id,
                needs,
                kind: step.kind.clone(),
                fields,
                check,
                span: step.kind_span.clone(),
            });
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

    /// One context for each element of `each`, with `item`; without `each` the one there is.
    fn contexts<'c>(&mut self, step: &Step, context: &'c Context) -> Vec<Cow<'c, Context>> {
        let Some(each) = &step.each else {
            return vec![Cow::Borrowed(context)];
        };
        let list = match resolve(context, each) {
            Ok(Value::Array(list)) => list,
            Ok(other) => {
                self.errors.push(wrong_type(each, "a list", other));
                return Vec::new();
            }
            Err(error) => {
                self.errors.push(error);
                return Vec::new();
            }
        };
        let with = |item| Cow::Owned(context.with_item(item));
        list.iter().map(with).collect()
    }

    fn wanted(&mut self, step: &Step, context: &Context) -> bool {
        let Some(when) = &step.when else {
            return true;
        };
        match resolve(context, &when.reference) {
            Ok(Value::Bool(value)) => return *value != when.negated,
            Ok(other) => self
                .errors
                .push(wrong_type(&when.reference, "`true` or `false`", other)),
            Err(error) => self.errors.push(error),
        }
        false
    }

    /// The id of a task, which no other has.
    fn id(&mut self, step: &Step, context: &Context, number: usize, check: bool) -> Option<String> {
        let place = &step.id.span;
        let mut id = match step.id.render(context, self.source) {
            Ok(id) => id,
            Err(errors) => {
                self.errors.extend(errors);
                return None;
            }
        };
        // The id of a check may be made up, and then it has no place either.
        if check && place.is_empty() && step.each.is_some() {
            id = format!("{id}-{}", number + 1);
        }
        let bad = |c: char| c.is_whitespace() || is_deceptive(c);
        if id.is_empty() || id.chars().count() > 100 || id.contains(bad) {
            let error = Diagnostic::new(place.clone(), format!("{} cannot be an id", quote(&id)));
            self.errors
                .push(error.hint("1 to 100 characters, without spaces"));
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
            self.errors.push(match step.each {
                Some(_) => error.hint("make it differ with `{{ item… }}`"),
                None => error.hint("give it another id"),
            });
            return None;
        }
        self.ids.insert(id.clone(), place.clone());
        Some(id)
    }

    /// The tasks a step waits for. Without a context, for a step that is left out, what cannot be known
    /// is not asked for.
    fn needs(&mut self, step: &Step, context: Option<&Context>) -> Vec<String> {
        let mut all = Vec::new();
        match &step.needs {
            None => all.extend(
                self.written
                    .last()
                    .into_iter()
                    .flat_map(|(_, ids)| ids.clone()),
            ),
            Some(needs) => {
                for need in needs {
                    match self.need(step, need, context) {
                        Ok(ids) => all.extend(ids),
                        Err(errors) if context.is_some() => self.errors.extend(errors),
                        Err(_) => {}
                    }
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|id| seen.insert(id.clone()));
        all
    }

    /// A need is an id as written above, for all tasks that came of it, or the id of one task above.
    fn need(
        &self,
        step: &Step,
        need: &Text,
        context: Option<&Context>,
    ) -> Result<Vec<String>, Vec<Diagnostic>> {
        let written = self
            .written
            .iter()
            .find(|(id, _)| *id == need.text)
            .map(|(_, ids)| ids.clone());
        // With `each`, `addons-{{ item.name }}` is the one of this very item, if there is one.
        let own = step.each.is_some() && !need.is_literal();
        if let (Some(ids), false) = (&written, own) {
            return Ok(ids.clone());
        }
        let unknown = || vec![unknown_need(need, self.written.iter().map(|(id, _)| *id))];
        let Some(context) = context else {
            return written.ok_or_else(unknown);
        };
        let id = need.render(context, self.source)?;
        if self.ids.contains_key(&id) {
            return Ok(vec![id]);
        }
        written.ok_or_else(unknown)
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
