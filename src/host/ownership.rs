//! The owner and the mode of a file or folder.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Permission bits. In texts they are octal, as for `chmod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(with = "String"))]
pub struct Mode(u32);

impl Mode {
    /// The permission bits as a number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl From<u32> for Mode {
    fn from(bits: u32) -> Self {
        Self(bits & 0o7777)
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_octal = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        let bits = u32::from_str_radix(text, 8)
            .ok()
            .filter(|bits| *bits <= 0o7777);
        let bits = bits.filter(|_| is_octal);
        bits.map(Self)
            .ok_or_else(|| format!("the mode `{text}` is not an octal number up to 7777"))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The owner, the group and the mode that a file or folder gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership<'a> {
    /// The name of the owner, or its uid.
    pub owner: &'a str,
    /// The name of the group, or its gid.
    pub group: &'a str,
    /// The permission bits.
    pub mode: Mode,
}

impl Ownership<'static> {
    /// Owned by root and the group root, with these permission bits.
    #[must_use]
    pub const fn root(bits: u32) -> Self {
        Self {
            owner: "root",
            group: "root",
            mode: Mode(bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_parsed_as_octal_and_written_with_four_digits() {
        for (text, expected) in [
            ("644", Some("0644")),
            ("0644", Some("0644")),
            ("2750", Some("2750")),
            ("00600", Some("0600")),
        ] {
            assert_eq!(
                text.parse::<Mode>()
                    .ok()
                    .map(|mode| mode.to_string())
                    .as_deref(),
                expected
            );
        }
        for text in ["", "0648", "17777", "+644", "rw", "0o644", "‹commit›"] {
            assert!(text.parse::<Mode>().is_err(), "{text}");
        }
    }
}
