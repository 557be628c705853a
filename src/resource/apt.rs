//! Packages of apt.

pub(super) mod call;
pub(super) mod dpkg;
pub(super) mod lists;
pub(super) mod packages;
