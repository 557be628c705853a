//! Choices and folders.

use std::fmt;

use serde::{Serialize, Serializer};
use toml::de::DeValue;

use super::net::integer;
use super::text::{self, refuse, text};
use crate::text::diagnostic::{Invalid, did_you_mean};
use crate::text::reader::FromToml;

text! {
    /// The absolute path of a folder on the server, without `..`.
    Folder <- folder;
}

fn folder(text: &str) -> Result<String, Invalid> {
    let refused = || refuse(text, "a folder", "an absolute path");
    if text.starts_with('~') {
        return Err(refused().hint("write the whole path, without `~`"));
    }
    if !text.starts_with('/') {
        return Err(refused().hint("the path is on the server, so it starts with `/`"));
    }
    if text.split('/').any(|part| part == "..") {
        return Err(refused().hint("without `..`"));
    }
    Ok(text.to_owned())
}

/// Makes a type of a choice between words.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word,)+ })
            }
        }

        impl FromToml for $name {
            fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
                let words = [$($word),+];
                match text::read(value)? {
                    $($word => Ok(Self::$variant),)+
                    other => {
                        let invalid = refuse(other, $what, &one_of(&words, "`"));
                        Err(match did_you_mean(other, words) {
                            Some(near) => invalid.hint(format!("did you mean `{near}`?")),
                            None => invalid.hint(format!("write {}", one_of(&words, "`\""))),
                        })
                    }
                }
            }
        }
    };
}

choice! {
    /// What builds the Python environment.
    Installer, "an installer" {
        /// [uv](https://docs.astral.sh/uv/).
        Uv = "uv",
        /// The pip of the environment itself.
        Pip = "pip",
    }
}

choice! {
    /// Which wkhtmltopdf prints reports.
    Build, "a build of wkhtmltopdf" {
        /// The patched one where it is known, else the distribution's.
        Auto = "auto",
        /// The one with a patched Qt: with headers and footers.
        Patched = "patched",
        /// The package of the distribution.
        Distribution = "distribution",
        /// None: no PDF reports.
        None = "none",
    }
}

choice! {
    /// A script that needs fonts of its own.
    Script, "a script" {
        /// Chinese, Japanese, Korean.
        Cjk = "cjk",
        /// Arabic.
        Arabic = "arabic",
    }
}

/// The words in a row, each between quotes.
fn one_of(words: &[&str], quote: &str) -> String {
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

/// A small whole number, 1 to 10000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Count(u16);

impl Count {
    /// A number that is known to be one.
    pub(super) const fn of(number: u16) -> Self {
        Self(number)
    }
}

impl FromToml for Count {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        let number = integer(value, "a number")?;
        match u16::try_from(number) {
            Ok(number @ 1..=10_000) => Ok(Self(number)),
            _ => Err(Invalid::new(format!("`{number}` is out of range")).label("1 to 10000")),
        }
    }
}

/// How many processes answer requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// As many as the cores and the memory of the server carry.
    Auto,
    /// One process with threads, for a handful of users.
    Threaded,
    /// That many processes.
    Processes(Processes),
}

/// A number of worker processes, 2 to 512.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Processes(u16);

impl Processes {
    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

/// How many people work with Odoo at once, 1 to 5000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Users(u16);

impl Users {
    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl FromToml for Users {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        let number = integer(value, "a number of users")?;
        match u16::try_from(number) {
            Ok(number @ 1..=5000) => Ok(Self(number)),
            _ => {
                Err(Invalid::new(format!("`{number}` is not a number of users")).label("1 to 5000"))
            }
        }
    }
}

impl TryFrom<i64> for Workers {
    type Error = Invalid;

    fn try_from(number: i64) -> Result<Self, Invalid> {
        match u16::try_from(number) {
            Ok(0) => Ok(Self::Threaded),
            // Odoo asks itself over HTTP for what goes into a report: `ir_actions_report.py`.
            Ok(1) => Err(Invalid::new(
                "one worker cannot print PDF reports: Odoo asks itself for what goes into them",
            )
            .label("needs two")
            .hint("write `2`, or `0` for one process with threads")),
            Ok(number @ 2..=512) => Ok(Self::Processes(Processes(number))),
            _ => Err(
                Invalid::new(format!("`{number}` is not a number of workers"))
                    .label("`\"auto\"`, 0, or 2 to 512"),
            ),
        }
    }
}

impl FromToml for Workers {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        match value {
            DeValue::String(text) if text == "auto" => Ok(Self::Auto),
            DeValue::String(text) if text.parse::<i64>().is_err() => {
                text::check(text)?;
                let invalid = refuse(text, "a number of workers", "`\"auto\"`, 0, or 2 to 512");
                Err(match did_you_mean(text, ["auto"]) {
                    Some(near) => invalid.hint(format!("did you mean `\"{near}\"`?")),
                    None => invalid,
                })
            }
            value => integer(value, "`\"auto\"` or a number").and_then(Self::try_from),
        }
    }
}

impl fmt::Display for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Threaded => f.write_str("0"),
            Self::Processes(number) => number.0.fmt(f),
        }
    }
}

impl Serialize for Workers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Threaded => serializer.serialize_u16(0),
            Self::Processes(number) => serializer.serialize_u16(number.0),
        }
    }
}
