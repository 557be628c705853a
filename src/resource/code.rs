//! Trees of code: sources, environments, archives.

pub(super) mod archive;
pub(super) mod checkout;
pub(super) mod translations;
pub(super) mod tree;
pub(super) mod venv;
