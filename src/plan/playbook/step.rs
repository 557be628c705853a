//! Parses one `[[step]]` or `[[check]]` of a file.

use std::ops::Range;

use toml::Spanned;

use super::condition::{condition, reference};
use super::node::Node;
use super::{Needs, Notes, StepTemplate, Text};
use crate::text::diagnostic::{Diagnostic, did_you_mean, quote};
use crate::text::reader::{Rest, Table, unexpected, unknown_key};

/// A step, and its keys about its place in the order.
pub(super) struct Written {
    pub(super) step: StepTemplate,
    pub(super) needs: Given,
    /// In a file that extends a playbook: the step before or after which this step is put.
    pub(super) anchor: Option<Anchor>,
}

/// Whether a step has the key `needs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Needs,
    Nothing,
}

/// The step beside which an administrator's step is put.
pub(super) struct Anchor {
    pub(super) is_before: bool,
    pub(super) id: Text,
}

/// A kind, its place, and its fields.
type Resource = (String, Range<usize>, Vec<(String, Node)>);

/// Parses the steps of one file.
pub(super) struct Reading<'r> {
    /// The index of the file in [`super::Playbook::files`].
    pub(super) file: usize,
    /// Its text.
    pub(super) source: &'r str,
    pub(super) errors: &'r mut Vec<Diagnostic>,
}

impl Reading<'_> {
    /// Parses one step, or a check, which then has the number `number`.
    pub(super) fn step(
        &mut self,
        mut table: Table<'_, '_>,
        number: Option<usize>,
    ) -> Option<Written> {
        let (span, is_step) = (table.span(), number.is_none());
        if is_step && !table.has("id") {
            let error = Diagnostic::new(span.clone(), "this step has no `id`").label("no `id`");
            table.error(error.hint("write `id = \"…\"`, by which other steps can need it"));
        }
        let id = table.take::<String>("id").map(text);
        let needs = if is_step {
            table.list::<String>("needs")
        } else {
            None
        };
        let anchor = if is_step && self.file > 0 {
            self.anchor(&mut table)
        } else {
            None
        };
        let mut told = |key| {
            if is_step {
                table.take::<String>(key).map(text)
            } else {
                None
            }
        };
        let notes = Notes {
            on_create: told("on_create"),
            on_change: told("on_change"),
        };
        let when = table.take::<String>("when");
        let when = when.and_then(|when| self.good(condition(&when)));
        let each = table.take::<String>("each");
        let each = each.and_then(|each| self.good(reference(&each, "each")));
        let resource = self.resource(table.into_rest(), &span, is_step);
        let id = id.or_else(|| {
            number.map(|number| Text {
                text: format!("check-{number}"),
                span: 0..0,
            })
        })?;
        let given = if needs.is_some() {
            Given::Needs
        } else {
            Given::Nothing
        };
        let named: Vec<Text> = needs.into_iter().flatten().map(text).collect();
        let texts = [&id].into_iter().chain(&named);
        let texts = texts.chain(&notes.on_create).chain(&notes.on_change);
        self.errors
            .extend(texts.filter_map(|text| text.check(self.source)));
        // Also after an error a step is added, so that the needs of the steps below can be checked.
        let (kind, kind_span, fields) = resource.unwrap_or((String::new(), span, Vec::new()));
        let step = StepTemplate {
            file: self.file,
            id,
            needs: Needs {
                named,
                steps: Vec::new(),
            },
            when,
            each,
            kind,
            kind_span,
            fields,
            notes,
        };
        Some(Written {
            step,
            needs: given,
            anchor,
        })
    }

    /// Parses `before` or `after`.
    fn anchor(&mut self, table: &mut Table<'_, '_>) -> Option<Anchor> {
        let mut take = |key, is_before| {
            let id = table.take::<String>(key).map(text)?;
            Some(Anchor { is_before, id })
        };
        let (after, before) = (take("after", false), take("before", true));
        if let (Some(_), Some(before)) = (&after, &before) {
            let message = "a step comes either `after` or `before` another one";
            let error = Diagnostic::new(before.id.span.clone(), message);
            self.errors.push(error.hint("take one of the two away"));
        }
        after.or(before)
    }

    /// Parses the single resource among the remaining keys.
    fn resource(
        &mut self,
        rest: Rest<'_, '_>,
        span: &Range<usize>,
        is_step: bool,
    ) -> Option<Resource> {
        let (what, header) = if is_step {
            ("step", "[[step]]")
        } else {
            ("check", "[[check]]")
        };
        let Rest {
            mut left,
            known,
            errors,
        } = rest;
        self.errors.extend(errors);
        left.sort_by_key(|(key, _)| key.span().start);
        let mut resource: Option<Resource> = None;
        let mut refused = false;
        for (key, value) in left {
            let name = key.get_ref();
            let Some(fields) = value.get_ref().as_table() else {
                let near = did_you_mean(name, known.iter().copied());
                refused |= near.is_none();
                self.errors.push(match near {
                    _ if name == "needs" => {
                        Diagnostic::new(key.span(), "a check comes after all steps")
                            .hint("take `needs` away")
                    }
                    Some(_) => unknown_key(key, header, &known),
                    None => unexpected(
                        &format!("a table for the resource {}", quote(name)),
                        value.get_ref(),
                    )
                    .hint(format!("write `{name} = {{ … }}`"))
                    .at(value.span()),
                });
                continue;
            };
            let fields = Node::table(fields, self.source, self.errors);
            if let Some((first, ..)) = &resource {
                let message = format!(
                    "this {what} has two resources, {} and {}",
                    quote(first),
                    quote(name)
                );
                let error = Diagnostic::new(key.span(), message).label("the second one");
                self.errors
                    .push(error.hint(format!("write a `{header}` of its own for it")));
            } else {
                resource = Some((name.to_string(), key.span(), fields));
            }
        }
        if resource.is_none() && !refused {
            let error = Diagnostic::new(span.clone(), format!("this {what} has no resource"));
            let error = error.label("no resource");
            self.errors
                .push(error.hint("write one, such as `file = { path = \"…\" }`"));
        }
        resource
    }

    /// Returns the value of a result; collects its error.
    fn good<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }
}

fn text(text: Spanned<String>) -> Text {
    Text {
        span: text.span(),
        text: text.into_inner(),
    }
}
