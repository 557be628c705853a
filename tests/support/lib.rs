//! What the integration tests share: a model of a small Debian, and scenarios that run odoo-deploy on it.
#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "what is for tests alone falls over, and is asked for to be used"
)]
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may fall over, and say what it counted"
)]
#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "texts of a dozen lines; readable code matters more than fast code here"
)]
#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::unnecessary_wraps,
    reason = "the names come from the tests, and all models of programs have the same form"
)]

pub mod act;
pub mod advice;
pub mod canary;
pub mod counts;
pub mod dice;
pub mod drift;
pub mod expected;
pub mod machine;
pub mod owner;
pub mod plant;
pub mod residue;
pub mod runtime;
pub mod scenario;
pub mod share;
pub mod site;
pub mod snapshot;
pub mod tier;
pub mod transcript;
pub mod typed;

/// Whether the test must be skipped; if so, prints a note.
pub fn skipped() -> bool {
    let skipped = !nix::unistd::geteuid().is_root();
    if skipped {
        println!("skipped: files of several owners can only be made by root");
    }
    skipped
}
