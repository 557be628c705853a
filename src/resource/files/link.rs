//! A symbolic link, replaced by one rename.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::gate;
use crate::host::{Error, Host, Kind, Result};
use crate::resource::{Moved, Resource};

/// A symbolic link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The path of the link.
    pub path: PathBuf,
    /// What the link points to. If it is empty, there must be no link.
    pub target: PathBuf,
}

/// The target of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    target: PathBuf,
}

impl Resource for Link {
    type State = State;

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        if host
            .meta(&self.path)?
            .is_some_and(|meta| meta.kind != Kind::Link)
        {
            let reason = "it is there and is not a symbolic link; move it away".to_owned();
            return Err(Error::Unsafe {
                path: self.path.clone(),
                reason,
            });
        }
        Ok(host.link_target(&self.path)?.map(|target| State { target }))
    }

    fn want(&self, _now: Option<&State>) -> Option<State> {
        let target = self.target.clone();
        (!target.as_os_str().is_empty()).then_some(State { target })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        host.clear_prepared(&self.path)?;
        match to {
            Some(to) if from == Some(to) => (),
            // a rollback changes the link only if it still points to our target
            Some(to)
                if to.target != self.target
                    && from.is_some_and(|from| from.target != self.target) =>
            {
                return Ok(Moved::Kept("somebody has it point elsewhere".into()));
            }
            Some(to) => host.link(&self.path, &to.target)?,
            None => {
                // if the plan wants no link, any link goes: the plan has named it, and a rollback restores it
                let ours = match from {
                    Some(from) if self.target.as_os_str().is_empty() => &from.target,
                    _ => &self.target,
                };
                if let Err(reason) = gate::remove_link(host, &self.path, ours)? {
                    return Ok(Moved::Kept(reason));
                }
            }
        }
        Ok(Moved::Applied)
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (None, Some(to)) => format!("to {}", to.target.display()),
            _ => String::new(),
        }
    }
}
