//! A release, an environment or an archive that no rollback needs any more.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::gate;
use crate::host::{Host, Result};
use crate::resource::code::tree;
use crate::resource::{Moved, Resource};

/// A release or an environment that a run made and that goes. If somebody has changed it since, it is moved aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cleared {
    /// The folder.
    pub path: PathBuf,
    /// If false, the folder stays: during a run it may turn out that the folder is needed.
    pub goes: bool,
}

/// The state of a folder that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {}

impl Resource for Cleared {
    type State = State;

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        Ok(host.meta(&self.path)?.map(|_| State {}))
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        now.filter(|_| !self.goes).cloned()
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        tree::clear(host, &self.path)?;
        match (from, to) {
            (_, None) => gate::take_tree_away(host, &self.path, true)?,
            (Some(_), Some(_)) => (),
            (None, Some(_)) => {
                return Ok(Moved::Kept(
                    "it comes again when something goes back to it".into(),
                ));
            }
        }
        Ok(Moved::Applied)
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (Some(_), None) => "the last runs do not go back to it".into(),
            _ => String::new(),
        }
    }
}
