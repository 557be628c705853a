//! Who the first database is for.

use super::text::{refuse, text};
use crate::diagnostic::Invalid;

text! {
    /// A language as Odoo names it: `de_DE`, `es_419`, `sr@latin`.
    Language <- language;
    /// A country by its two letters (ISO 3166-1).
    Country <- country;
    /// The name of a company, as it stands on its letters.
    Company <- company;
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

/// The longest name, in characters: what fits into a line of a letter's head.
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
    fn languages_are_as_odoo_names_them() {
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
