//! From the text to the [`Playbook`], collecting every error.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use super::node::Node;
use super::order::order;
use super::{Condition, Playbook, Reference, Step, Text};
use crate::text::diagnostic::{Diagnostic, Diagnostics, did_you_mean, quote};
use crate::text::reader::{self, Rest, Table, unexpected, unknown_key};
use crate::text::template;

pub(super) fn playbook(path: &Path, source: &str) -> Result<Playbook, Diagnostics> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let (table, mut errors) = reader::parse(source);
    // A step that syntax broke would only be told a second time as incomplete.
    if errors.is_empty() {
        let mut root = Table::new("", table.span(), table.get_ref());
        let steps = read_all(root.tables("step"), false, source, &mut errors);
        let checks = read_all(root.tables("check"), true, source, &mut errors);
        errors.extend(root.finish());
        if steps.is_empty() && errors.is_empty() {
            let error = Diagnostic::new(
                table.span().start..table.span().start,
                "a playbook has steps",
            );
            errors.push(error.hint("write `[[step]]`"));
        }
        order(&steps, source, &mut errors);
        if errors.is_empty() {
            return Ok(Playbook {
                path: path.to_owned(),
                source: source.to_owned(),
                steps,
                checks,
            });
        }
    }
    Err(Diagnostics::new(path, source, errors))
}

fn read_all(
    tables: Vec<Table<'_, '_>>,
    check: bool,
    source: &str,
    errors: &mut Vec<Diagnostic>,
) -> Vec<Step> {
    let numbered = tables.into_iter().enumerate();
    numbered
        .filter_map(|(at, table)| step(table, check.then_some(at + 1), source, errors))
        .collect()
}

/// A kind, its place, and its fields.
type Resource = (String, Range<usize>, Vec<(String, Node)>);

/// Reads one step; `number` is that of a check.
fn step(
    mut table: Table<'_, '_>,
    number: Option<usize>,
    source: &str,
    errors: &mut Vec<Diagnostic>,
) -> Option<Step> {
    let span = table.span();
    let (what, header) = if number.is_some() {
        ("check", "[[check]]")
    } else {
        ("step", "[[step]]")
    };
    if number.is_none() && !table.has("id") {
        let error = Diagnostic::new(span.clone(), "this step has no `id`").label("no `id`");
        table.error(error.hint("write `id = \"…\"`, by which other steps can need it"));
    }
    let id = table.take::<String>("id").map(text);
    let needs = number
        .is_none()
        .then(|| table.list::<String>("needs"))
        .flatten();
    let when = table
        .take::<String>("when")
        .and_then(|when| note(condition(&when), errors));
    let each = table
        .take::<String>("each")
        .and_then(|each| note(reference(&each, "each"), errors));
    let Rest {
        mut left,
        known,
        errors: noted,
    } = table.into_rest();
    errors.extend(noted);
    left.sort_by_key(|(key, _)| key.span().start);

    let mut resource: Option<Resource> = None;
    let mut refused = false;
    for (key, value) in left {
        let name = key.get_ref();
        let Some(fields) = value.get_ref().as_table() else {
            let near = did_you_mean(name, known.iter().copied());
            refused |= near.is_none();
            errors.push(match near {
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
        let fields = Node::table(fields, source, errors);
        match &resource {
            None => resource = Some((name.to_string(), key.span(), fields)),
            Some((first, ..)) => errors.push(
                Diagnostic::new(
                    key.span(),
                    format!(
                        "this {what} has two resources, {} and {}",
                        quote(first),
                        quote(name)
                    ),
                )
                .label("the second one")
                .hint(format!("write a `{header}` of its own for it")),
            ),
        }
    }
    if resource.is_none() && !refused {
        let error = Diagnostic::new(span.clone(), format!("this {what} has no resource"))
            .label("no resource");
        errors.push(error.hint("write one, such as `file = { path = \"…\" }`"));
    }
    let id = id.or_else(|| {
        number.map(|number| Text {
            text: format!("check-{number}"),
            span: 0..0,
        })
    })?;
    errors.extend(id.check(source));
    let needs = needs.map(|needs| needs.into_iter().map(text).collect::<Vec<_>>());
    errors.extend(needs.iter().flatten().filter_map(|need| need.check(source)));
    // With an error noted it is read on all the same, so that the steps below can be told of their needs.
    let (kind, kind_span, fields) = resource.unwrap_or((String::new(), span, Vec::new()));
    Some(Step {
        id,
        needs,
        when,
        each,
        kind,
        kind_span,
        fields,
    })
}

fn note<T>(result: Result<T, Diagnostic>, errors: &mut Vec<Diagnostic>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

fn text(text: Spanned<String>) -> Text {
    Text {
        span: text.span(),
        text: text.into_inner(),
    }
}

fn condition(when: &Spanned<String>) -> Result<Condition, Diagnostic> {
    let (negated, name) = match when.get_ref().strip_prefix("not ") {
        Some(name) => (true, name.trim_start()),
        None => (false, when.get_ref().as_str()),
    };
    let reference = reference(&Spanned::new(when.span(), name.to_owned()), "when")?;
    Ok(Condition { negated, reference })
}

fn reference(name: &Spanned<String>, key: &str) -> Result<Reference, Diagnostic> {
    let text = name.get_ref();
    if let Some(parts) = template::path(text) {
        let parts = parts.into_iter().map(str::to_owned).collect();
        return Ok(Reference {
            parts,
            span: name.span(),
        });
    }
    let error = Diagnostic::new(name.span(), format!("{} is not a reference", quote(text)))
        .label("a reference such as `site.apt.upgrade`");
    Err(match template::reference(text) {
        Some(parts) => error.hint(format!(
            "without the braces: `{key} = \"{}\"`",
            parts.join(".")
        )),
        None if key == "when" => {
            error.hint("a reference to `true` or `false`, with `not ` before it if need be")
        }
        None => error.hint("a reference to a list"),
    })
}
