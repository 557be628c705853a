//! The section `[apt]`.

use super::section::section;

section! {
    /// What is asked of apt.
    pub struct Apt from Written in "[apt]" {
        /// If `true`, a run also upgrades every package of the server.
        upgrade: bool = false,
    }
}
