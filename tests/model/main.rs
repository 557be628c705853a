//! Tests on the model machine. `cargo test --test model crash::` runs the tests of one file.
#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may fall over, and say what it counted; the names are ours"
)]

mod blueprint;
mod canaries;
mod commands;
mod crash;
mod drift;
mod examples;
mod fuzzed;
mod growth;
mod injections;
mod laws;
mod modules;
mod own_steps;
mod owner;
mod paths;
mod plan_equals_apply;
mod programs;
mod transcripts;
mod ways;
