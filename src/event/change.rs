//! A change: the states of one step, before and after.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a step does to one resource, as a pair of states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// The step's name in the playbook.
    pub step: String,
    /// The kind of resource: `file`, `role` …
    pub kind: String,
    /// The resource: a path or a name.
    pub subject: String,
    /// The change in one line for people; empty if the states are enough.
    pub summary: String,
    /// The present state; `None` if the resource does not exist.
    pub before: Option<Value>,
    /// The state after the step; `None` if the resource will not exist.
    pub after: Option<Value>,
    /// The state was computed from the present host, but an earlier step will still change the host, so the result
    /// may differ.
    pub forecast: bool,
    /// The changed steps because of which a running thing is restarted: it was started with their old state.
    pub causes: Vec<String>,
    /// The text before and after, for a line-by-line difference. Secrets are masked.
    pub text: Option<Text>,
    /// What a rollback cannot restore of this change.
    pub leaves: Option<String>,
}

/// The text of a file before and after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Text {
    /// The present text; empty if there is none.
    pub before: String,
    /// The text after the change.
    pub after: String,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The resource does not exist yet.
    Create,
    /// The resource exists and differs from the wanted state.
    Change,
    /// The resource will be removed.
    Remove,
    /// The resource is as wanted.
    Nothing,
}

impl Change {
    /// What the change does.
    #[must_use]
    pub fn action(&self) -> Action {
        match (&self.before, &self.after) {
            (None, Some(_)) => Action::Create,
            (Some(_), None) => Action::Remove,
            (before, after) if before == after => Action::Nothing,
            _ => Action::Change,
        }
    }

    /// Whether the step would change the host.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.action() != Action::Nothing
    }
}
