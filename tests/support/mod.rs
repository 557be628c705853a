//! What the integration tests have in common: a small Debian in memory, and what is done on it.
#![allow(dead_code, unreachable_pub, reason = "each test uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fall over"
)]

pub mod act;
pub mod machine;
pub mod residue;
pub mod scenario;
pub mod site;
pub mod snapshot;
