//! The differences between two states as one sentence with both values of each field.

use serde_json::Value;

use super::{Row, rows, shorten};

/// The most differences in one sentence.
const MOST: usize = 5;

/// The most characters of one value.
const LONGEST: usize = 80;

/// Describes the differences between the present state and `other`, the expected state. `other_is` is the verb for
/// the expected state: `was`, `should be`.
#[must_use]
pub fn words(now: Option<&Value>, other: Option<&Value>, other_is: &str) -> String {
    match (now, other) {
        (None, Some(_)) => return format!("it is not there, and {other_is} there"),
        (Some(_), None) => return format!("it is there, and {other_is} absent"),
        _ => (),
    }
    let rows = rows(now, other);
    let mut told: Vec<String> = rows
        .iter()
        .take(MOST)
        .map(|row| of_row(row, other_is))
        .collect();
    if rows.len() > MOST {
        told.push(format!("and {} more", rows.len() - MOST));
    }
    told.join("; ")
}

fn of_row(row: &Row, other_is: &str) -> String {
    let (name, now, other) = match row {
        Row::Field {
            name,
            before,
            after,
        } => (name, value(before.as_deref()), value(after.as_deref())),
        Row::Names {
            name,
            added,
            removed,
        } => (name, names(removed), names(added)),
    };
    let name = if name.is_empty() {
        "it".to_owned()
    } else {
        format!("`{name}`")
    };
    format!("{name} is {now}, {other_is} {other}")
}

fn value(value: Option<&str>) -> String {
    value.map_or_else(|| "nothing".into(), |value| short(shorten(value)))
}

fn names(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".into();
    }
    short(&names.join(", "))
}

fn short(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return format!("`{text}`");
    }
    let text: String = text.chars().take(LONGEST).collect();
    format!("`{text}…`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sentence_has_both_values() {
        let service =
            |enabled: bool, outdated: &[&str]| json!({"enabled": enabled, "outdated": outdated});
        for (now, other, expected) in [
            (
                Some(service(true, &["proxy", "http"])),
                Some(service(false, &[])),
                "`enabled` is `true`, was `false`; `outdated` is `proxy, http`, was nothing",
            ),
            (
                None,
                Some(json!({"mode": "0644"})),
                "it is not there, and was there",
            ),
            (
                Some(json!({"mode": "0644"})),
                None,
                "it is there, and was absent",
            ),
            (
                Some(json!({"digest": "ab".repeat(32)})),
                Some(json!({"digest": "cd".repeat(32)})),
                "`digest` is `abababababab`, was `cdcdcdcdcdcd`",
            ),
        ] {
            assert_eq!(words(now.as_ref(), other.as_ref(), "was"), expected);
        }
    }

    #[test]
    fn long_sentences_are_cut() {
        let many = |value: &str| -> Value {
            let fields = ('a'..='h').map(|name| (name.to_string(), json!(value.repeat(100))));
            Value::Object(fields.collect())
        };
        let told = words(Some(&many("x")), Some(&many("y")), "should be");
        assert!(told.ends_with("; and 3 more"), "{told}");
        assert!(
            told.contains(&format!("`{}…`", "x".repeat(LONGEST))),
            "{told}"
        );
    }
}
