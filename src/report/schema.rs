//! Checks that the published schema matches the types.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{env, fs, path::Path};

use schemars::generate::SchemaSettings;

use super::json::{EVENTS_SCHEMA, Envelope};

fn generated() -> String {
    let schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Envelope<'_>>();
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

#[test]
fn the_published_schema_matches_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/events.json");
    if env::var_os("UPDATE_SCHEMA").is_some_and(|value| value == "1") {
        fs::write(&path, generated()).unwrap();
    } else {
        assert_eq!(
            EVENTS_SCHEMA,
            generated(),
            "`UPDATE_SCHEMA=1 cargo test --lib schema` updates it"
        );
    }
}
