//! The JSON Schema of `site.toml`, for editors.

use serde_json::{Map, Value, json};

use super::about::{About, Absent, Key};
use super::reference::sections;

/// Returns the JSON Schema (2020-12) of `site.toml`.
#[must_use]
pub fn schema() -> String {
    let mut properties = Map::new();
    for section in sections() {
        let key = section.header.trim_matches(['[', ']']);
        let table = section.schema();
        let value = if section.header.starts_with("[[") {
            json!({ "type": "array", "items": table })
        } else {
            table
        };
        properties.insert(key.to_owned(), value);
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "site.toml",
        "description": "One Odoo on one server, as odoo-deploy installs and keeps it.",
        "type": "object",
        "properties": properties,
        "required": ["odoo"],
        "additionalProperties": false,
    });
    format!("{schema:#}\n")
}

impl About {
    /// Returns the schema of the table.
    pub(super) fn schema(&self) -> Value {
        let needed = self.keys.iter().filter(|key| key.absent == Absent::Refused);
        let needed: Vec<_> = needed.map(|key| key.name).collect();
        let properties = self
            .keys
            .iter()
            .map(|key| (key.name.to_owned(), key.whole()));
        let mut schema = json!({
            "title": self.header,
            "description": self.meaning,
            "type": "object",
            "properties": properties.collect::<Map<_, _>>(),
            "additionalProperties": false,
        });
        if !needed.is_empty() {
            schema["required"] = needed.into();
        }
        schema
    }
}

impl Key {
    /// Returns the schema of the value with what else is known of the key.
    fn whole(&self) -> Value {
        let mut schema = self.schema.clone();
        schema["description"] = self.meaning.clone().into();
        if let Absent::Default(default) = &self.absent {
            schema["default"] = default.clone();
        }
        schema
    }
}
