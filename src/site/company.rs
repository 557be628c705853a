//! Who the first database is for.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};
use toml::Spanned;
use toml::de::DeValue;

use super::about::Key;
use super::section::Field;
use super::text::{self, refuse, text};
use crate::text::diagnostic::{Invalid, did_you_mean};
use crate::text::reader::{FromToml, Table, unexpected};

text! {
    /// A language as Odoo names it: `de_DE`, `es_419`, `sr@latin`.
    Language <- language, "a language as Odoo names it", r"^[a-z]{2,3}(_([A-Z]{2}|[0-9]{3}))?(@[A-Za-z]{1,10})?$";
    /// A country by its two letters (ISO 3166-1).
    Country <- country, "a country code of two letters", r"^[A-Z]{2}$";
    /// The name of a company, as printed on its letters.
    Company <- company, "a text of 1 to 128 characters";
}

/// The language of Odoo's source texts, which needs no translations.
const WRITTEN: &str = "en_US";

/// The languages whose translations are on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Languages {
    /// All languages that Odoo has.
    All,
    /// These languages. Empty if English is enough.
    These(BTreeSet<Language>),
}

impl Languages {
    /// The given languages, without the one that needs no translations.
    pub(super) fn these(languages: impl IntoIterator<Item = Language>) -> Self {
        let translated = languages
            .into_iter()
            .filter(|language| language.as_str() != WRITTEN);
        Self::These(translated.collect())
    }
}

/// Serialises to a list, or to `null` for all languages.
impl Serialize for Languages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_none(),
            Self::These(languages) => languages.serialize(serializer),
        }
    }
}

/// The word `"all"`, written instead of a list of languages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Every;

impl FromToml for Every {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        let DeValue::String(text) = value else {
            return Err(unexpected("a list of languages or `\"all\"`", value));
        };
        text::check(text)?;
        if text == "all" {
            return Ok(Self);
        }
        let label = "`\"all\"`, or a list such as `[\"fr_FR\"]`";
        let invalid = refuse(text, "a list of languages", label);
        Err(match did_you_mean(text, ["all"]) {
            _ if language_is(text) => invalid.hint(format!("write `[\"{text}\"]`")),
            Some(near) => invalid.hint(format!("did you mean `\"{near}\"`?")),
            None => invalid,
        })
    }
}

impl Field for Languages {
    type Value = Self;
    /// The list. `None` if the file has `"all"` or a wrong value instead.
    type Written = Option<Vec<Spanned<Language>>>;

    fn take(table: &mut Table<'_, '_>, key: &'static str) -> Self::Written {
        if table.has(key) && !table.has_list(key) {
            let _ = table.take::<Every>(key);
            return None;
        }
        Some(<Vec<Language> as Field>::take(table, key))
    }

    fn value(written: &Self::Written) -> Option<Self> {
        Some(written.as_ref().map_or(Self::All, |listed| {
            Self::these(listed.iter().map(|language| language.get_ref().clone()))
        }))
    }

    fn keys(key: Key) -> Vec<Key> {
        let list = key.lists::<Language>();
        vec![Key {
            words: format!("`\"all\"`, or {}", list.words),
            schema: serde_json::json!({ "anyOf": [{ "const": "all" }, list.schema] }),
            ..list
        }]
    }
}

fn language(text: &str) -> Result<String, Invalid> {
    let (locale, script) = text.split_once('@').unwrap_or((text, "latin"));
    let (language, region) = locale.split_once('_').unwrap_or((locale, "DE"));
    let all = |text: &str, is: fn(&char) -> bool| text.chars().all(|c| is(&c));
    let is_region = (region.len() == 2 && all(region, char::is_ascii_uppercase))
        || (region.len() == 3 && all(region, char::is_ascii_digit));
    let is_good = matches!(language.len(), 2..=3)
        && all(language, char::is_ascii_lowercase)
        && is_region
        && matches!(script.len(), 1..=10)
        && script.chars().all(|c| c.is_ascii_alphabetic());
    if is_good {
        return Ok(text.to_owned());
    }
    let invalid = refuse(text, "a language", "as Odoo names it, such as `de_DE`");
    let guess = text.replace('-', "_");
    Err(if guess != text && language_is(&guess) {
        invalid.hint(format!("did you mean `{guess}`?"))
    } else {
        invalid
    })
}

fn language_is(text: &str) -> bool {
    language(text).is_ok()
}

fn country(text: &str) -> Result<String, Invalid> {
    let is_code = |text: &str| text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase());
    if is_code(text) {
        return Ok(text.to_owned());
    }
    let invalid = refuse(text, "a country", "its two letters, such as `DE`");
    let guess = text.to_ascii_uppercase();
    Err(if is_code(&guess) {
        invalid.hint(format!("did you mean `{guess}`?"))
    } else {
        invalid
    })
}

/// The longest name in characters: what fits into one line of a letter head.
const LONGEST: usize = 128;

fn company(text: &str) -> Result<String, Invalid> {
    if text.trim() == text && !text.is_empty() && text.chars().count() <= LONGEST {
        return Ok(text.to_owned());
    }
    let label = "1 to 128 characters, without blanks at its ends";
    Err(refuse(text, "the name of a company", label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_have_the_codes_of_odoo() {
        for good in ["de_DE", "es_419", "sr@latin", "sr@Cyrl", "eo", "fil_PH"] {
            assert_eq!(language(good).unwrap(), good);
        }
        for bad in [
            "",
            "DE",
            "de_de",
            "de-DE",
            "de_",
            "german",
            "de_DE@",
            "de_DE.UTF-8",
        ] {
            assert!(language(bad).is_err(), "{bad}");
        }
    }
}
