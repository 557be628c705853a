//! The steps that a rollback leaves as they are, as far as this is known before it begins.

use crate::engine::journal::{Run, Step};

/// The reason that the journal has for a step that the owner keeps.
const BY_OWNER: &str = "kept by the owner";

/// What limits a rollback: other sites, and the owner's choice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stays<'a> {
    /// Whether the host has other sites, which may depend on what they share with this one.
    pub others: bool,
    /// The steps that the owner keeps as they are.
    pub steps: &'a [String],
}

impl Stays<'_> {
    /// Whether the owner keeps the step of this name.
    #[must_use]
    pub fn names(self, step: &str) -> bool {
        self.steps.iter().any(|kept| kept == step)
    }

    /// Returns why a step of `run` stays as it is, or `None` if it is rolled back.
    #[must_use]
    pub fn reason(self, run: &Run, step: &Step) -> Option<&'static str> {
        let (is_shared, was_there) = (step.resource.is_shared(), step.before.is_some());
        if self.names(&step.step) {
            return Some(BY_OWNER);
        }
        let by_owner = |step: &Step| step.kept.as_deref() == Some(BY_OWNER);
        let keeps = run.steps.iter().any(by_owner) || !self.steps.is_empty();
        if is_shared && keeps {
            return Some("what the owner keeps may depend on it");
        }
        if !was_there && run.committed && step.resource.holds_data() {
            return Some("it holds data");
        }
        if was_there && is_shared && self.others {
            return Some("other sites of this server may depend on it");
        }
        None
    }
}
