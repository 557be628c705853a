//! A pair of states, before and after, of one step.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a step does to one thing, as a pair of states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// The step's name in the playbook.
    pub step: String,
    /// The kind of thing: `file`, `role` …
    pub kind: String,
    /// The thing itself: a path, a name.
    pub subject: String,
    /// One line for people: what the change amounts to; empty where the states say it all.
    pub summary: String,
    /// The present state; `None` is absence.
    pub before: Option<Value>,
    /// The state to come; `None` is absence.
    pub after: Option<Value>,
    /// Read as the host is now, although a step it needs will change: it may turn out otherwise.
    pub forecast: bool,
    /// The changed steps that a running thing was started with, where they are why it is restarted.
    pub causes: Vec<String>,
    /// The text before and after, for a line by line difference; secrets are masked.
    pub text: Option<Text>,
    /// What going back cannot take back of this change.
    pub leaves: Option<String>,
}

/// The text of a file before and after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Text {
    /// As it is; empty where there is none.
    pub before: String,
    /// As it will be.
    pub after: String,
}

/// What a change amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It is there and differs.
    Change,
    /// It goes.
    Remove,
    /// It is as it should be.
    Nothing,
}

impl Change {
    /// What the pair of states amounts to.
    #[must_use]
    pub fn action(&self) -> Action {
        match (&self.before, &self.after) {
            (None, Some(_)) => Action::Create,
            (Some(_), None) => Action::Remove,
            (before, after) if before == after => Action::Nothing,
            _ => Action::Change,
        }
    }

    /// Whether the host would be touched.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.action() != Action::Nothing
    }
}
