//! Values of a playbook with their places, and how they are evaluated in a context.

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Text;
use crate::text::diagnostic::Diagnostic;
use crate::text::template::{self, Context};

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// A number, `true` or `false`.
    Plain(Value),
    /// A template.
    Text(Text),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Vec<(String, Node)>),
}

impl Node {
    /// Converts a TOML value. Values that a playbook cannot have are collected as errors.
    pub(super) fn read(
        value: &Spanned<DeValue<'_>>,
        source: &str,
        errors: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut refuse = |what: &str| {
            let error = Diagnostic::new(value.span(), format!("{what} cannot be used here"));
            errors.push(error.hint("write it as a string"));
            Self::Plain(Value::Null)
        };
        match value.get_ref() {
            DeValue::String(text) => {
                let text = Text {
                    text: text.to_string(),
                    span: value.span(),
                };
                errors.extend(text.check(source));
                Self::Text(text)
            }
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Self::Plain(number.into()),
                    Err(_) => refuse("so large a number"),
                }
            }
            DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64)
            {
                Some(number) => Self::Plain(Value::Number(number)),
                None => refuse("this number"),
            },
            DeValue::Boolean(value) => Self::Plain(Value::Bool(*value)),
            DeValue::Datetime(_) => refuse("a date or time"),
            DeValue::Array(list) => Self::List(
                list.iter()
                    .map(|value| Self::read(value, source, errors))
                    .collect(),
            ),
            DeValue::Table(table) => Self::Table(Self::table(table, source, errors)),
        }
    }

    /// Converts the values of a TOML table.
    pub(super) fn table(
        table: &DeTable<'_>,
        source: &str,
        errors: &mut Vec<Diagnostic>,
    ) -> Vec<(String, Self)> {
        let mut read = |value| Self::read(value, source, errors);
        table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), read(value)))
            .collect()
    }

    /// Evaluates the value in a context. Errors are collected; a wrong value becomes `Null`.
    pub(super) fn value(
        &self,
        context: &Context,
        source: &str,
        errors: &mut Vec<Diagnostic>,
    ) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Text(text) => text.value(context, source).unwrap_or_else(|wrong| {
                errors.extend(wrong);
                Value::Null
            }),
            Self::List(list) => {
                let mut values = Vec::new();
                for node in list {
                    let value = node.value(context, source, errors);
                    match (node, value) {
                        (Self::Text(_), Value::Array(several)) => values.extend(several),
                        (_, value) => values.push(value),
                    }
                }
                Value::Array(values)
            }
            Self::Table(table) => Value::Object(fields(table, context, source, errors)),
        }
    }
}

/// Evaluates the values of a table in a context.
pub(super) fn fields(
    table: &[(String, Node)],
    context: &Context,
    source: &str,
    errors: &mut Vec<Diagnostic>,
) -> Map<String, Value> {
    table
        .iter()
        .map(|(key, node)| (key.clone(), node.value(context, source, errors)))
        .collect()
}

impl Text {
    /// Whether it is the same in every context.
    pub(super) fn is_literal(&self) -> bool {
        !["{{", "{%", "{#"]
            .iter()
            .any(|start| self.text.contains(start))
    }

    /// Returns the error that it has in every context, if any.
    pub(super) fn check(&self, source: &str) -> Option<Diagnostic> {
        let plain = self.is_literal() || template::reference(&self.text).is_some();
        let wrong = (!plain)
            .then(|| template::check(&self.text).err())
            .flatten();
        wrong.map(|error| self.place(error, source))
    }

    /// Evaluates it in a context. A single reference keeps the type of its value.
    pub(super) fn value(&self, context: &Context, source: &str) -> Result<Value, Vec<Diagnostic>> {
        let Some(parts) = template::reference(&self.text) else {
            return self.render(context, source).map(Value::String);
        };
        let start = self.text.len() - self.text.trim_start_matches(['{', ' ', '\t']).len();
        let length = self.text[start..].trim_end_matches(['}', ' ', '\t']).len();
        template::find(context, &parts, start..start + length)
            .cloned()
            .map_err(|error| vec![self.place(error, source)])
    }

    /// Renders it as text in a context.
    pub(super) fn render(
        &self,
        context: &Context,
        source: &str,
    ) -> Result<String, Vec<Diagnostic>> {
        if self.is_literal() {
            return Ok(self.text.clone());
        }
        template::evaluate(&self.text, context).map_err(|errors| {
            errors
                .into_iter()
                .map(|error| self.place(error, source))
                .collect()
        })
    }

    /// Moves an error from its place in the text to its place in the file. If the literal has escapes, the places
    /// differ, and the whole literal is underlined.
    fn place(&self, error: Diagnostic, source: &str) -> Diagnostic {
        let literal = source.get(self.span.clone()).unwrap_or_default();
        let inner = ["\"\"\"", "'''", "\"", "'"]
            .into_iter()
            .find_map(|mark| Some((mark.len(), literal.strip_prefix(mark)?.strip_suffix(mark)?)));
        let start = inner.and_then(|(mark, inner)| {
            let newline = ["\r\n", "\n"]
                .into_iter()
                .find(|newline| inner.starts_with(newline));
            let skipped = newline.filter(|_| mark == 3).map_or(0, str::len);
            (inner[skipped..] == self.text).then_some(self.span.start + mark + skipped)
        });
        let span = match start {
            Some(start) => start + error.span.start..start + error.span.end,
            None => self.span.clone(),
        };
        Diagnostic { span, ..error }
    }
}
