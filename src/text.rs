//! Texts that people write and read: files, TOML, templates, differences, errors with their place.

pub mod diagnostic;
pub mod diff;
pub mod error;
pub mod reader;
pub mod source;
pub mod sql;
pub mod template;
