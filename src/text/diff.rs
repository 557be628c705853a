//! The differences between two states, for resources of any kind.

mod words;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub use words::words;

/// The most fields that a state can have. An object with more keys is a set of names.
const MOST_FIELDS: usize = 12;

/// One difference between two states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A field has another value.
    Field {
        /// The name of the field, dotted if it is nested; empty if the whole state is one value.
        name: String,
        /// The present value; `None` if there is none.
        before: Option<String>,
        /// The value after the change; `None` if there is none.
        after: Option<String>,
    },
    /// Names are added to or removed from a set.
    Names {
        /// The name of the field with the set; empty if the whole state is the set.
        name: String,
        /// The added names.
        added: Vec<String>,
        /// The removed names.
        removed: Vec<String>,
    },
}

impl Row {
    /// Whether the difference is between digests.
    #[must_use]
    pub fn is_digest(&self) -> bool {
        let Self::Field {
            name,
            before,
            after,
        } = self
        else {
            return false;
        };
        name == "digest"
            || name.ends_with("_digest")
            || [before, after]
                .into_iter()
                .flatten()
                .any(|value| is_hex(value, 64))
    }
}

/// The differences between two states, sorted by field name.
#[must_use]
pub fn rows(before: Option<&Value>, after: Option<&Value>) -> Vec<Row> {
    let mut rows = Vec::new();
    walk(
        "",
        before.unwrap_or(&Value::Null),
        after.unwrap_or(&Value::Null),
        &mut rows,
    );
    rows
}

/// Shortens digests and commits to twelve digits; other values are unchanged.
#[must_use]
pub fn shorten(value: &str) -> &str {
    if is_hex(value, 64) || is_hex(value, 40) {
        &value[..12]
    } else {
        value
    }
}

fn is_hex(value: &str, digits: usize) -> bool {
    value.len() == digits && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn walk(name: &str, before: &Value, after: &Value, rows: &mut Vec<Row>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(_) | Value::Null, Value::Object(_)) | (Value::Object(_), Value::Null) => {
            let nothing = Map::new();
            let (before, after) = (
                before.as_object().unwrap_or(&nothing),
                after.as_object().unwrap_or(&nothing),
            );
            if is_names(name, before, after) {
                map(name, before, after, rows);
            } else {
                for (key, before, after) in union(before, after) {
                    walk(
                        &dotted(name, key),
                        before.unwrap_or(&Value::Null),
                        after.unwrap_or(&Value::Null),
                        rows,
                    );
                }
            }
        }
        _ => match (names(before), names(after)) {
            (Some(before), Some(after)) => set(name, &before, &after, rows),
            _ => rows.push(field(name, before, after)),
        },
    }
}

/// Whether two objects are sets of names with a text for each name, rather than records with fields.
fn is_names(name: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    let is_field = |key: &String| {
        key.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let text = before
        .values()
        .chain(after.values())
        .all(|value| value.is_string() || value.is_null());
    text && (!name.is_empty() || keys.len() > MOST_FIELDS || !keys.into_iter().all(is_field))
}

/// The strings of a list. An absent list counts as empty.
fn names(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn map(name: &str, before: &Map<String, Value>, after: &Map<String, Value>, rows: &mut Vec<Row>) {
    let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for (key, was, is) in union(before, after) {
        match (was, is) {
            (None, _) => added.push(key.clone()),
            (_, None) => removed.push(key.clone()),
            (Some(was), Some(is)) if was != is => changed.push(field(&dotted(name, key), was, is)),
            _ => {}
        }
    }
    push_names(name, added, removed, rows);
    rows.extend(changed);
}

fn set(name: &str, before: &[&str], after: &[&str], rows: &mut Vec<Row>) {
    let without = |all: &[&str], other: &[&str]| -> Vec<String> {
        all.iter()
            .filter(|item| !other.contains(item))
            .map(|item| (*item).to_owned())
            .collect()
    };
    let (added, removed) = (without(after, before), without(before, after));
    if added.is_empty() && removed.is_empty() && before != after {
        // only the order differs
        let (before, after) = (Some(before.join(", ")), Some(after.join(", ")));
        rows.push(Row::Field {
            name: name.to_owned(),
            before,
            after,
        });
    } else {
        push_names(name, added, removed, rows);
    }
}

fn push_names(name: &str, added: Vec<String>, removed: Vec<String>, rows: &mut Vec<Row>) {
    if !(added.is_empty() && removed.is_empty()) {
        rows.push(Row::Names {
            name: name.to_owned(),
            added,
            removed,
        });
    }
}

fn field(name: &str, before: &Value, after: &Value) -> Row {
    Row::Field {
        name: name.to_owned(),
        before: plain(before),
        after: plain(after),
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        // quote a text that would be easy to overlook
        Value::String(text) if text.trim() == text && !text.is_empty() => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn dotted(name: &str, key: &str) -> String {
    if name.is_empty() {
        key.to_owned()
    } else {
        format!("{name}.{key}")
    }
}

fn union<'a>(
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a String, Option<&'a Value>, Option<&'a Value>)> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .map(|key| (key, before.get(key), after.get(key)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(name: &str, before: Option<&str>, after: Option<&str>) -> Row {
        Row::Field {
            name: name.into(),
            before: before.map(Into::into),
            after: after.map(Into::into),
        }
    }

    fn names(name: &str, added: &[&str], removed: &[&str]) -> Row {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Row::Names {
            name: name.into(),
            added: owned(added),
            removed: owned(removed),
        }
    }

    #[test]
    fn only_differing_fields_become_rows() {
        for (before, after, expected) in [
            (json!(null), json!(null), vec![]),
            (
                json!({"mode": "0644", "owner": "root"}),
                json!({"mode": "0640", "owner": "root"}),
                vec![field("mode", Some("0644"), Some("0640"))],
            ),
            (
                json!(null),
                json!({"mode": "0640", "stale": null, "groups": []}),
                vec![field("mode", None, Some("0640"))],
            ),
            (
                json!({"mode": "0640"}),
                json!(null),
                vec![field("mode", Some("0640"), None)],
            ),
            (
                json!({"stale": "conf"}),
                json!({"stale": null}),
                vec![field("stale", Some("conf"), None)],
            ),
            (
                json!({"superuser": true, "limit": -1}),
                json!({"superuser": false, "limit": 5}),
                vec![
                    field("limit", Some("-1"), Some("5")),
                    field("superuser", Some("true"), Some("false")),
                ],
            ),
            (
                json!("/opt/a"),
                json!("/opt/b"),
                vec![field("", Some("/opt/a"), Some("/opt/b"))],
            ),
            (
                json!({"shell": ""}),
                json!({"shell": " x"}),
                vec![field("shell", Some("\"\""), Some("\" x\""))],
            ),
            (
                json!({"can": {"login": false}}),
                json!({"can": {"login": true}}),
                vec![field("can.login", Some("false"), Some("true"))],
            ),
            (
                json!({"a": [1, 2]}),
                json!({"a": [1]}),
                vec![field("a", Some("[1,2]"), Some("[1]"))],
            ),
            (
                json!({"a": "x"}),
                json!({"a": {"b": 1}}),
                vec![field("a", Some("x"), Some("{\"b\":1}"))],
            ),
        ] {
            assert_eq!(
                rows(Some(&before), Some(&after)),
                expected,
                "{before} to {after}"
            );
        }
    }

    #[test]
    fn sets_become_added_and_removed_names() {
        for (before, after, expected) in [
            (
                json!(["a", "b"]),
                json!(["b", "c"]),
                vec![names("", &["c"], &["a"])],
            ),
            (
                json!(["a", "b"]),
                json!(["b", "a"]),
                vec![field("", Some("a, b"), Some("b, a"))],
            ),
            (
                json!(null),
                json!({"modules": ["stock"]}),
                vec![names("modules", &["stock"], &[])],
            ),
            (
                json!({"modules": ["stock"]}),
                json!({"modules": null}),
                vec![names("modules", &[], &["stock"])],
            ),
            (
                json!({"installed": {"git": "1"}}),
                json!({"installed": {"git": "2", "curl": "8"}}),
                vec![
                    names("installed", &["curl"], &[]),
                    field("installed.git", Some("1"), Some("2")),
                ],
            ),
            (
                json!({}),
                json!({"git": "1", "python3-venv": "3"}),
                vec![names("", &["git", "python3-venv"], &[])],
            ),
        ] {
            assert_eq!(
                rows(Some(&before), Some(&after)),
                expected,
                "{before} to {after}"
            );
        }
    }

    #[test]
    fn objects_with_many_keys_are_sets_of_names() {
        let many: Map<_, _> = ('a'..='m')
            .map(|name| (name.to_string(), json!("1")))
            .collect();
        assert!(
            matches!(&rows(None, Some(&Value::Object(many)))[..], [Row::Names { added, .. }] if added.len() == 13)
        );
    }

    #[test]
    fn digests_are_recognised_and_shortened() {
        let digest = "0123456789ab".repeat(6)[..64].to_owned();
        assert_eq!(shorten(&digest), "0123456789ab");
        assert_eq!(shorten(&digest[..40]), "0123456789ab");
        assert_eq!(shorten("0123456789abcdef"), "0123456789abcdef");
        assert!(field("content", None, Some(&digest)).is_digest());
        assert!(field("digest", None, Some("x")).is_digest());
        assert!(!field("mode", None, Some("0640")).is_digest());
        assert!(!names("digest", &["a"], &[]).is_digest());
    }
}
