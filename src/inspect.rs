//! What is wrong with this server: what makes a plan impossible, and what no step changes.

pub mod finding;
pub mod preflight;
