//! The number of worker processes, and the number of users.

use serde::{Serialize, Serializer};
use toml::de::DeValue;

use super::net::integer;
use super::setting::{self, Setting, number};
use super::text::{self, refuse};
use crate::text::diagnostic::{Invalid, did_you_mean};
use crate::text::reader::FromToml;

/// How many processes answer requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// As many as cores and memory of the server allow.
    Auto,
    /// One process with threads, for a handful of users.
    Threaded,
    /// This many processes.
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

number! {
    /// How many people work with Odoo at once.
    Users, "a number of users", 1 to 5000, "is not a number of users"
}

impl Users {
    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl Workers {
    fn of(number: i64) -> Result<Self, Invalid> {
        match u16::try_from(number) {
            Ok(0) => Ok(Self::Threaded),
            // wkhtmltopdf requests the parts of a report from Odoo over HTTP (`ir_actions_report.py`), while a worker
            // waits.
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
            value => Self::of(integer(value, "`\"auto\"` or a number")?),
        }
    }
}

impl Setting for Workers {
    fn words() -> String {
        "`\"auto\"`, 0, or a number from 2 to 512".to_owned()
    }

    fn schema() -> serde_json::Value {
        serde_json::json!({ "anyOf": [{ "const": "auto" }, { "const": 0 }, setting::whole_number(2, 512)] })
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
