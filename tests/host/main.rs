//! Tests that need the real binary, real programs or real disks, but no machine. `cargo test --test host cli::`
//! runs the tests of one file.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may fall over, and say what it counted"
)]

mod bad_sites;
mod cli;
mod environment;
mod executor;
mod hostile;
mod journal;
mod site_schema;
