//! The types of settings: a trait for their documentation, and macros that define most of them.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::odoo::release::Series;
use crate::text::diagnostic::{Invalid, did_you_mean};
use crate::text::reader::FromToml;

use super::text::refuse;

/// The type of a value in `site.toml`.
pub(super) trait Setting: FromToml + Clone {
    /// Names the type in words, for the reference.
    fn words() -> String;

    /// Returns the JSON Schema of the value. The schema accepts every value that the reader accepts.
    fn schema() -> Value;

    /// Returns the words of a choice, each with its meaning.
    fn choices() -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

impl Setting for bool {
    fn words() -> String {
        "`true` or `false`".to_owned()
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

impl Setting for IpAddr {
    fn words() -> String {
        "an IPv4 or IPv6 address".to_owned()
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+$" })
    }
}

impl Setting for Series {
    fn words() -> String {
        one_of(&Self::ALL.map(Self::as_str), "`\"")
    }

    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::ALL })
    }
}

/// Returns the schema of a whole number.
pub(super) fn whole_number(least: u16, most: u16) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// Defines a type for a choice between words. The function makes the error for any other text.
macro_rules! choice {
    ($(#[doc = $about:literal])+ $name:ident, $what:literal, $refused:path { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
        pub enum $name {
            $($(#[doc = $doc])+ #[serde(rename = $word)] $variant,)+
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$variant => $word,)+ })
            }
        }

        impl $crate::text::reader::FromToml for $name {
            fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, $crate::text::diagnostic::Invalid> {
                match $crate::site::text::read(value)? {
                    $($word => Ok(Self::$variant),)+
                    other => Err($refused(other, $what, &[$($word),+])),
                }
            }
        }

        impl $crate::site::setting::Setting for $name {
            fn words() -> String {
                $crate::site::setting::one_of(&[$($word),+], "`\"")
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "enum": [$($word),+] })
            }

            fn choices() -> &'static [(&'static str, &'static str)] {
                &[$(($word, concat!($($doc),+)),)+]
            }
        }
    };
}
pub(super) use choice;

/// Refuses a text that is none of the `words` of a choice.
pub(super) fn none_of(text: &str, what: &str, words: &[&'static str]) -> Invalid {
    let invalid = refuse(text, what, &one_of(words, "`"));
    match did_you_mean(text, words.iter().copied()) {
        Some(near) => invalid.hint(format!("did you mean `{near}`?")),
        None => invalid.hint(format!("write {}", one_of(words, "`\""))),
    }
}

/// Returns the words in a row, each between quotes.
pub(super) fn one_of(words: &[&str], quote: &str) -> String {
    let close: String = quote.chars().rev().collect();
    let quoted: Vec<String> = words
        .iter()
        .map(|word| format!("{quote}{word}{close}"))
        .collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.join(""),
    }
}

/// Defines a type for a whole number with a smallest and a largest value.
macro_rules! number {
    ($(#[$meta:meta])* $name:ident, $what:literal, $least:literal to $most:literal $(of $unit:literal)?, $wrong:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(u16);

        impl $crate::text::reader::FromToml for $name {
            fn from_toml(value: &toml::de::DeValue<'_>) -> Result<Self, $crate::text::diagnostic::Invalid> {
                let number = $crate::site::net::integer(value, $what)?;
                match u16::try_from(number) {
                    Ok(number @ $least..=$most) => Ok(Self(number)),
                    _ => Err($crate::text::diagnostic::Invalid::new(format!(concat!("`{number}` ", $wrong), number = number))
                        .label(concat!($least, " to ", $most $(, ", in ", $unit)?))),
                }
            }
        }

        impl $crate::site::setting::Setting for $name {
            fn words() -> String {
                concat!("a number from ", $least, " to ", $most $(, ", in ", $unit)?).to_owned()
            }

            fn schema() -> serde_json::Value {
                $crate::site::setting::whole_number($least, $most)
            }
        }
    };
}
pub(super) use number;
