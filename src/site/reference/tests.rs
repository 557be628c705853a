//! Keeps the published reference and schema in step with the declarations.

use std::path::Path;
use std::{env, fs};

use super::*;
use crate::site::schema;

#[test]
fn the_published_reference_and_schema_are_what_the_declarations_say() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for (name, made) in [
        ("configuration.md", reference()),
        ("schema/site.json", schema()),
    ] {
        let path = docs.join(name);
        if env::var_os("UPDATE_SCHEMA").is_some_and(|value| value == "1") {
            fs::write(&path, made).unwrap();
        } else {
            let published = fs::read_to_string(&path).unwrap();
            let way = "`UPDATE_SCHEMA=1 cargo test --lib schema` writes it anew";
            assert!(published == made, "docs/{name} is not as declared: {way}");
        }
    }
}

#[test]
fn every_key_has_a_type_and_a_meaning_that_fit_into_a_table() {
    for section in sections() {
        assert!(section.meaning.ends_with('.'), "{}", section.header);
        for key in &section.keys {
            let Key {
                name,
                meaning,
                words,
                ..
            } = key;
            let case = format!("{} {name}: {words}: {meaning}", section.header);
            assert!(meaning.ends_with('.'), "{case}");
            assert!(!words.is_empty() && !case.contains('|'), "{case}");
            assert!(key.schema.is_object(), "{case}");
        }
    }
}
