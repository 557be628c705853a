//! What is told: one stream of events, two renderers. The only place in the program that prints.
//!
//! [`Human`] writes for people, [`Json`] for programs. Plans, results and status are data and go to
//! standard output; progress and errors go to standard error.

mod details;
pub mod diff;
mod ending;
mod human;
mod json;
mod line;
mod live;
mod options;
mod plan;
mod progress;
mod status;
mod text;
mod time;

#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;

pub use human::Human;
pub use json::{EVENTS_SCHEMA, Json};
pub use options::{ColorChoice, Options, Terminal};
