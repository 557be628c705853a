//! Checks for every text in a site, and the macro that defines types for checked texts.

use toml::de::DeValue;

use crate::text::diagnostic::{Invalid, is_deceptive, quote};
use crate::text::reader;

/// Whether a character is forbidden everywhere in a site: the deceptive ones, and `‹` and `›`, which are the marker of
/// an unknown value in a plan.
#[must_use]
pub fn is_forbidden(character: char) -> bool {
    is_deceptive(character) || matches!(character, '\u{2039}' | '\u{203a}')
}

/// The longest text in bytes: the longest path on Linux. A much longer text does not fit into an argument of a program
/// either.
const LONGEST: usize = 4095;

/// Checks the rules that apply to every text.
///
/// # Errors
///
/// If the text is too long or contains a forbidden character.
pub(super) fn check(text: &str) -> Result<(), Invalid> {
    if text.len() > LONGEST {
        let message = format!("this text of {} bytes is too long", text.len());
        return Err(Invalid::new(message).label(format!("at most {LONGEST} bytes")));
    }
    let Some((at, character)) = text.chars().enumerate().find(|(_, c)| is_forbidden(*c)) else {
        return Ok(());
    };
    let code = u32::from(character);
    let place = at + 1;
    let invalid = Invalid::new(format!(
        "character {place} of this text is U+{code:04X}, {}, which is not allowed",
        describe(character)
    ));
    Err(invalid.label(format!("U+{code:04X}")))
}

fn describe(character: char) -> &'static str {
    match character {
        '\0' => "the NUL character",
        '\u{2028}' | '\u{2029}' => "a line separator",
        '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => "an invisible character",
        '\u{2039}' | '\u{203a}' => "reserved for values that are not known yet",
        character if character.is_control() => "a control character",
        _ => "a mark that changes the direction of writing",
    }
}

/// Reads and checks a TOML string.
///
/// # Errors
///
/// If the value is no string, is too long, or contains a forbidden character.
pub(super) fn read<'v>(value: &'v DeValue<'_>) -> Result<&'v str, Invalid> {
    let text = reader::text(value)?;
    check(text)?;
    Ok(text)
}

/// Returns the error for a text that does not have the required form.
pub(super) fn refuse(text: &str, what: &str, label: &str) -> Invalid {
    let invalid = if text.is_empty() {
        Invalid::new(format!("an empty text is not {what}"))
    } else {
        Invalid::new(format!("{} is not {what}", quote(text)))
    };
    invalid.label(label)
}

/// Defines a type for a checked text: `Name <- function`, with the function `fn(&str) -> Result<String, Invalid>`, the
/// type in words and, optionally, a pattern that all such texts match. Only the function can make a value of the type.
macro_rules! text {
    ($($(#[$meta:meta])* $name:ident <- $check:path, $words:literal $(, $pattern:literal)?;)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text::diagnostic::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::site::text::check(text)?;
                $check(text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl $crate::text::reader::FromToml for $name {
            fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, $crate::text::diagnostic::Invalid> {
                $crate::site::text::read(value)?.parse()
            }
        }

        impl $crate::site::setting::Setting for $name {
            fn words() -> String {
                $words.to_owned()
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string" $(, "pattern": $pattern)? })
            }
        }
    )*};
}
pub(super) use text;
