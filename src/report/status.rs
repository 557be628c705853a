//! The state of a site, for people: a name and a value on each line.

use serde_json::{Map, Value};

use super::line::{BOLD, DIM, Line, PLAIN};

/// The facts as aligned lines with at most `width` columns.
pub(super) fn lines(facts: &Value, width: usize) -> Vec<Line> {
    match facts {
        Value::Object(facts) => block(facts, 0, width),
        other => Line::plain(&said(other)).wrap(width, 0),
    }
}

/// Facts with simple values first, aligned in a column; then facts with nested facts.
fn block(facts: &Map<String, Value>, indent: usize, width: usize) -> Vec<Line> {
    let simple = || facts.iter().filter(|(_, value)| !is_nested(value));
    let column = simple()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0)
        .min(24);
    let mut lines = Vec::new();
    for (name, value) in simple() {
        let style = if value.is_null() { DIM } else { PLAIN };
        let line = start(indent).padded(BOLD, name, column).then(PLAIN, "  ");
        lines.extend(
            line.then(style, &said(value))
                .wrap(width, indent + column + 2),
        );
    }
    for (name, value) in facts.iter().filter(|(_, value)| is_nested(value)) {
        lines.extend(start(indent).then(BOLD, name).wrap(width, indent));
        match value {
            Value::Object(inner) => lines.extend(block(inner, indent + 2, width)),
            Value::Array(items) => {
                for item in items {
                    let line = start(indent + 2).then(PLAIN, &said(item));
                    lines.extend(line.wrap(width, indent + 4));
                }
            }
            _ => {}
        }
    }
    lines
}

fn start(indent: usize) -> Line {
    Line::plain(&" ".repeat(indent))
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Object(inner) => !inner.is_empty(),
        Value::Array(items) => items.iter().any(Value::is_object),
        _ => false,
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(said).collect::<Vec<_>>().join(", "),
        Value::Object(inner) if inner.is_empty() => "none".to_owned(),
        Value::Object(inner) => inner
            .iter()
            .map(|(name, value)| format!("{name} {}", said(value)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}
