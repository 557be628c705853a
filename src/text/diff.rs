//! What differs between two states, for every kind of thing alike.

mod words;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub use words::words;

/// No record has more fields than this; what has more is a set of names.
const MOST_FIELDS: usize = 12;

/// One difference between two states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A field has another value.
    Field {
        /// The field's name, dotted where it is nested; empty where the state is one value.
        name: String,
        /// The value it has; `None` where it has none.
        before: Option<String>,
        /// The value it will have.
        after: Option<String>,
    },
    /// Names come and go in a set.
    Names {
        /// The name of the field that holds them; empty where the state is the set.
        name: String,
        /// The names that come.
        added: Vec<String>,
        /// The names that go.
        removed: Vec<String>,
    },
}

impl Row {
    /// Whether it is about the digest of something.
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

/// What differs between two states, in the order of their names.
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

/// A value short enough to read: digests and commits by their first twelve digits.
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

/// Whether two objects are sets of names with something said of each, and not records.
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

/// A list of strings; absence is the empty one.
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
        // The same names in another order.
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
        // Quoted where the bare text could be overlooked.
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
    fn only_what_differs_is_named() {
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
    fn sets_are_told_by_what_comes_and_goes() {
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
    fn many_fields_are_names() {
        let many: Map<_, _> = ('a'..='m')
            .map(|name| (name.to_string(), json!("1")))
            .collect();
        assert!(
            matches!(&rows(None, Some(&Value::Object(many)))[..], [Row::Names { added, .. }] if added.len() == 13)
        );
    }

    #[test]
    fn digests_are_known_and_shortened() {
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
