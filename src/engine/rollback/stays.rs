//! What the way back leaves as it is, and is known to before it begins.

use crate::engine::journal::{Run, Step};

/// The reason in the journal of what the owner keeps.
const BY_OWNER: &str = "kept by the owner";

/// Who else has a say in what goes back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stays<'a> {
    /// Whether the host has other sites, which may stand on what they share with this one.
    pub others: bool,
    /// The steps that the owner keeps as they are.
    pub steps: &'a [String],
}

impl Stays<'_> {
    /// Whether the owner keeps the step of that name.
    #[must_use]
    pub fn names(self, step: &str) -> bool {
        self.steps.iter().any(|kept| kept == step)
    }

    /// Why a step of `run` stays as it is; `None` where it goes back.
    #[must_use]
    pub fn reason(self, run: &Run, step: &Step) -> Option<&'static str> {
        let (is_shared, was_there) = (step.resource.is_shared(), step.before.is_some());
        if self.names(&step.step) {
            return Some(BY_OWNER);
        }
        let by_owner = |step: &Step| step.kept.as_deref() == Some(BY_OWNER);
        let keeps = run.steps.iter().any(by_owner) || !self.steps.is_empty();
        if is_shared && keeps {
            return Some("what the owner keeps may stand on it");
        }
        if !was_there && run.committed && step.resource.holds_data() {
            return Some("it holds data");
        }
        if was_there && is_shared && self.others {
            return Some("other sites of this server may stand on it");
        }
        None
    }
}
