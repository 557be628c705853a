//! Single TOML values.

use toml::de::DeValue;

use crate::text::diagnostic::{Invalid, quote};

/// A value that can be read from TOML.
pub trait FromToml: Sized {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// If the value has another type, or is not allowed.
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid>;
}

impl FromToml for bool {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        value
            .as_bool()
            .ok_or_else(|| unexpected("`true` or `false`", value).hint("without quotes"))
    }
}

impl FromToml for String {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        text(value).map(str::to_owned)
    }
}

/// An error that names the expected and the found value.
#[must_use]
pub fn unexpected(expected: &str, value: &DeValue<'_>) -> Invalid {
    Invalid::new(format!("expected {expected}, found {}", kind(value)))
        .label(format!("expected {expected}"))
}

/// Describes a value for a message.
fn kind(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a string".to_owned(),
        DeValue::Integer(number) => format!("the number {}", quote(&number.to_string())),
        DeValue::Float(number) => format!("the number {}", quote(&number.to_string())),
        DeValue::Boolean(value) => format!("`{value}`"),
        DeValue::Datetime(_) => "a date or time".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// The text of a string value.
///
/// # Errors
///
/// If the value is not a string. For a number the hint says to put it between quotes.
pub fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Invalid> {
    let number = match value {
        DeValue::String(text) => return Ok(text),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        _ => None,
    };
    let invalid = unexpected("a string", value);
    Err(match number {
        Some(number) => invalid.hint(format!("put it between quotes: `\"{number}\"`")),
        None => invalid,
    })
}
