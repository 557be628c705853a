//! apt's lists of what can be installed.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::host::{Host, Result};
use crate::resource::dpkg::Dpkg;
use crate::resource::{Moved, Resource, apt};

const LISTS: &str = "/var/lib/apt/lists";

/// How old lists may be before something is installed from them: a day, as apt's own timer has it.
const FRESH: Duration = Duration::from_secs(24 * 3600);

/// Lists fresh enough to install `packages` from. Where these are installed already, any will do:
/// a settled host asks no network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lists {
    /// What is to be installed from them.
    pub packages: Vec<String>,
}

/// Whether the lists will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    usable: bool,
}

impl Resource for Lists {
    type State = State;

    fn subject(&self) -> String {
        "apt's package lists".into()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let dpkg = Dpkg::read(host)?;
        let usable = self
            .packages
            .iter()
            .all(|name| dpkg.installed.contains_key(name))
            || fresh(host)?;
        Ok(Some(State { usable }))
    }

    fn want(&self, _now: Option<&State>) -> Option<State> {
        Some(State { usable: true })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        if from == to || to.is_none_or(|to| !to.usable) {
            return Ok(Moved::There);
        }
        // without it apt-get ends with 0 after two minutes without a network
        let update = apt::apt_get(&["-o", "APT::Update::Error-Mode=any", "update"])
            .deadline(600)
            .log("apt-update");
        apt::run_locked(host, &update).await?;
        Ok(Moved::There)
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        if from == to {
            String::new()
        } else {
            "older than a day or not there: apt-get update".into()
        }
    }

    fn leaves(&self, _from: Option<&State>) -> Option<&'static str> {
        Some("apt's package lists, downloaded packages and logs")
    }
}

/// Whether `apt-get update` ended well within the last day: it then touches the folder of partial
/// downloads, and leaves lists.
pub(super) fn fresh(host: &Host) -> Result<bool> {
    let folder = Path::new(LISTS);
    let has_lists = host
        .list(folder)?
        .iter()
        .any(|name| name.contains("_Packages") || name.contains("Release"));
    let Some(meta) = host.meta(&folder.join("partial"))? else {
        return Ok(false);
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let age = i128::try_from(now).unwrap_or(i128::MAX) - meta.modified;
    let limit = i128::try_from(FRESH.as_nanos()).unwrap_or(i128::MAX);
    Ok(has_lists && (0..limit).contains(&age))
}
