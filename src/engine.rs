//! What acts: observes the steps of a plan, applies their changes, writes them down and takes them back.

pub mod apply;
pub mod journal;
pub mod observe;
pub mod rollback;
