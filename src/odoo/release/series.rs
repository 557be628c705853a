//! The releases of Odoo.

use std::fmt;

use serde::Serialize;
use toml::de::DeValue;

use crate::text::diagnostic::{Invalid, quote};
use crate::text::reader::{self, FromToml};

/// A release of Odoo that can be installed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize,
)]
pub enum Series {
    /// 17.0, published in November 2023.
    #[serde(rename = "17.0")]
    V17,
    /// 18.0, published in October 2024.
    #[serde(rename = "18.0")]
    V18,
    /// 19.0, published in September 2025.
    #[serde(rename = "19.0")]
    V19,
    /// 20.0, published in September 2026.
    #[serde(rename = "20.0")]
    V20,
}

impl Series {
    /// All of them, oldest first.
    pub const ALL: [Self; 4] = [Self::V17, Self::V18, Self::V19, Self::V20];
    /// The newest one.
    pub const NEWEST: Self = Self::V20;

    /// The name, such as `19.0`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V17 => "17.0",
            Self::V18 => "18.0",
            Self::V19 => "19.0",
            Self::V20 => "20.0",
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Series {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Some(series) = Self::ALL.into_iter().find(|series| series.as_str() == text) {
            return Ok(series);
        }
        let known: Vec<_> = Self::ALL
            .iter()
            .map(|series| format!("`\"{series}\"`"))
            .collect();
        let invalid = Invalid::new(format!(
            "{} is not a release of Odoo that is known here",
            quote(text)
        ))
        .label("unknown release");
        let near = format!(
            "{}.0",
            text.trim_start_matches(['v', 'V', '=', ' '])
                .trim_end_matches(".0")
        );
        Err(if Self::ALL.iter().any(|series| series.as_str() == near) {
            invalid.hint(format!("write `\"{near}\"`"))
        } else {
            invalid.hint(format!("one of {}", known.join(", ")))
        })
    }
}

impl FromToml for Series {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        reader::text(value)?.parse()
    }
}
