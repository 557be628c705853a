//! Files, links and folders.

pub(super) mod cleared;
pub(super) mod directory;
pub(super) mod file;
pub(super) mod link;
pub(super) mod secret;
