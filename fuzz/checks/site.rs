//! `site.toml` is refused with a place for every mistake, or read as a site that stays the same when written
//! and read again.

use std::path::Path;

use odoo_deploy::site::Site;
use odoo_deploy::text::diagnostic::Diagnostics;
use serde_json::Value;

/// Checks one text.
pub(super) fn check(text: &str) {
    match Site::parse(Path::new("site.toml"), text) {
        Ok(site) => is_read_again(&site),
        Err(errors) => has_places(&errors, text),
    }
}

fn is_read_again(site: &Site) {
    let mut value = serde_json::to_value(site).expect("a site in words");
    let mut all = value.as_object_mut().expect("sections").clone();
    // the paths are derived from the name, so they are not written
    all.remove("paths");
    let head = ["name", "domain"].map(|key| (key.to_owned(), all.remove(key).expect("a key")));
    all.insert("site".into(), Value::Object(head.into_iter().collect()));
    let written = toml::to_string(&less_nulls(Value::Object(all))).expect("TOML");
    let again = Site::parse(Path::new("site.toml"), &written);
    assert_eq!(again.as_ref(), Ok(site), "{written}");
}

fn less_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let there = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(there.map(|(key, value)| (key, less_nulls(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(less_nulls).collect(),
        other => other,
    }
}

fn has_places(errors: &Diagnostics, text: &str) {
    assert!(!errors.items().is_empty());
    let lines = text.split('\n').count();
    for error in errors.items() {
        let (line, column) = errors.place(error);
        assert!(
            (1..=lines).contains(&line) && column >= 1,
            "{line}:{column}"
        );
        assert!(!error.message.is_empty());
    }
    for width in [20, 80] {
        assert!(!errors.render(width, width == 20).is_empty());
    }
    assert!(errors.to_string().starts_with("site.toml:"));
}
