//! What the integration tests have in common: a small Debian in memory, and what is done on it.
#![allow(dead_code, unreachable_pub, reason = "each test uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fall over"
)]

pub mod act;
pub mod dice;
pub mod drift;
pub mod machine;
pub mod residue;
pub mod scenario;
pub mod site;
pub mod snapshot;

/// Says so where a test cannot be made.
pub fn skipped() -> bool {
    let skipped = !nix::unistd::geteuid().is_root();
    if skipped {
        println!("skipped: files of several owners can only be made by root");
    }
    skipped
}
