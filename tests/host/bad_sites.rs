//! Wrong configurations: what is refused, how the errors read, and that no text makes the parser panic.
//!
//! `cases/` and `wrong_values.txt` are lists for people to read; the Rust files compute further cases.

mod cases;
mod fields;
mod files;
mod oracle;
mod together;
mod values;

use std::path::Path;

use odoo_deploy::site::Site;
use odoo_deploy::text::diagnostic::Diagnostics;
use oracle::GOOD;
use proptest::prelude::*;
use support::counts;

fn parse(source: &str) -> Result<Site, Diagnostics> {
    Site::parse(Path::new("site.toml"), source)
}

/// An error shows an extract of a long line, cut on both sides, and at most a hundred errors are shown.
#[test]
fn a_long_line_with_many_errors() {
    let modules = "sale\", \"".repeat(500) + "x";
    let source = format!("{GOOD}modules = [\"{modules}\", \"Sale\"]\n");
    let text = parse(&source).unwrap_err().render(80, false);
    assert!(text.contains("site.toml:3:"), "{text}");
    let mut lines = text.lines();
    assert!(lines.all(|line| line.chars().count() <= 80), "{text}");
}

proptest! {
    #[test]
    fn nothing_panics(source in any::<String>()) {
        if let Err(errors) = parse(&source) {
            prop_assert!(!errors.render(80, false).is_empty());
        }
    }

    #[test]
    fn nothing_like_toml_panics(source in "(\\[|\\]|\\[odoo\\]|version|=|\"|'|\\.|19.0|\n|\r|\t| |\\{|\\}|,|password|://|@|ä|#|\u{feff}){0,40}") {
        if let Err(errors) = parse(&source) {
            prop_assert!(!errors.render(80, true).is_empty());
        }
    }

    #[test]
    fn accepted_names_match_their_pattern(name in "[a-zA-Z0-9_./ -]{0,30}") {
        let literal = format!("[odoo]\nversion = \"19.0\"\ndatabase = \"{name}\"\n");
        let word = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let file_name = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(word);
        prop_assert_eq!(parse(&literal).is_ok(), file_name);
        if let Ok(site) = parse(&format!("{GOOD}[site]\nname = \"{name}\"\n")) {
            prop_assert!(name.len() <= 24 && name.starts_with(|c: char| c.is_ascii_lowercase()));
            prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c)));
            prop_assert_eq!(site.paths.conf, format!("/etc/{name}.conf"));
        }
    }
}
