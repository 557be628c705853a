//! How a site stands, for people: a name and a value per line.

use serde_json::Value;

use super::line::{BOLD, DIM, Line, PLAIN};

/// The facts as aligned lines of at most `width` columns.
pub(super) fn lines(facts: &Value, width: usize) -> Vec<Line> {
    match facts {
        Value::Object(_) => block(facts, 0, width),
        other => Line::plain(&said(other)).wrap(width, 0),
    }
}

fn block(facts: &Value, indent: usize, width: usize) -> Vec<Line> {
    let Value::Object(facts) = facts else {
        return Vec::new();
    };
    let column = facts
        .keys()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .min(24);
    let mut lines = Vec::new();
    for (name, value) in facts {
        let start = Line::plain(&" ".repeat(indent));
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                lines.push(start.then(BOLD, name));
                lines.extend(block(value, indent + 2, width));
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                lines.push(start.then(BOLD, name));
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        lines.push(Line::default());
                    }
                    if item.is_object() {
                        lines.extend(block(item, indent + 2, width));
                    } else {
                        lines.extend(
                            Line::plain(&format!("{:indent$}  {}", "", said(item)))
                                .wrap(width, indent + 2),
                        );
                    }
                }
            }
            value => {
                let style = if value.is_null() { DIM } else { PLAIN };
                let line = start
                    .padded(BOLD, name, column)
                    .then(PLAIN, "  ")
                    .then(style, &said(value));
                lines.extend(line.wrap(width, indent + column + 2));
            }
        }
    }
    lines
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
