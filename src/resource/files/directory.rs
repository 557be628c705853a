//! A folder with its owner, group and mode.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::gate;
use crate::host::{Host, Mode, Ownership, Result};
use crate::resource::{Moved, Resource};

/// A folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The path of the folder.
    pub path: PathBuf,
    /// The account that owns the folder.
    pub owner: String,
    /// The group of the folder.
    pub group: String,
    /// The permission bits, in octal.
    pub mode: Mode,
    /// If true, the folder holds the owner's data. It stays after a run that committed. If an unfinished run made the
    /// folder, a rollback removes it with the sessions and caches that Odoo has put there.
    #[serde(default)]
    pub data: bool,
}

/// The state of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    owner: String,
    group: String,
    mode: Mode,
}

impl State {
    fn ownership(&self) -> Ownership<'_> {
        Ownership {
            owner: &self.owner,
            group: &self.group,
            mode: self.mode,
        }
    }
}

impl Resource for Directory {
    type State = State;

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let found = host.folder(&self.path)?;
        Ok(found.map(|found| State {
            owner: found.meta.owner,
            group: found.meta.group,
            mode: found.meta.mode.into(),
        }))
    }

    fn want(&self, _now: Option<&State>) -> Option<State> {
        Some(State {
            owner: self.owner.clone(),
            group: self.group.clone(),
            mode: self.mode,
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        let Some(to) = to else {
            if let Some(target) = host.link_target(&self.path)? {
                let target = target.display();
                return Ok(Moved::Kept(format!(
                    "somebody made it a link to `{target}`"
                )));
            }
            if from.is_some() && self.data {
                if let Err(reason) = gate::remove_data(host, &self.path)? {
                    return Ok(Moved::Kept(reason));
                }
            } else if !host.remove_folder(&self.path)? {
                return Ok(Moved::Kept("it is not empty".into()));
            }
            return Ok(Moved::Applied);
        };
        let ownership = to.ownership();
        match from {
            None => host.make_folder(&self.path, ownership)?,
            Some(from) if from != to => {
                let found = host.folder(&self.path)?;
                let path = found.map_or_else(|| self.path.clone(), |found| found.path);
                host.set_owner(&path, ownership)?;
            }
            Some(_) => (),
        }
        Ok(Moved::Applied)
    }

    fn holds_data(&self) -> bool {
        self.data
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (None, Some(to)) => format!("{}:{} {}", to.owner, to.group, to.mode),
            _ => String::new(),
        }
    }
}
