//! The package lists of apt.

mod sources;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::host::{Host, Ownership, Result};
use crate::resource::apt::call;
use crate::resource::apt::dpkg::Dpkg;
use crate::resource::{Moved, Resource};

const LISTS: &str = "/var/lib/apt/lists";

/// Touched after an `apt-get update` of this program succeeded. apt touches its own folders even if no list came, and
/// not always if all lists were up to date.
const STAMP: &str = "/var/lib/apt/periodic/odoo-deploy-stamp";

/// The folder in which apt's own timers keep such stamps.
const PERIODIC: &str = "/var/lib/apt/periodic";

/// The stamp of a system that updates its lists by itself (`APT::Update::Post-Invoke-Success`).
const SUCCESS: &str = "/var/lib/apt/periodic/update-success-stamp";

/// The maximum age of the lists when packages are installed: one day, like the interval of apt's own timer.
const FRESH: Duration = Duration::from_secs(24 * 3600);

/// Package lists fresh enough to install `packages` from. If these are installed already, lists of any age will do: a
/// settled host asks no network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lists {
    /// The packages that are to be installed from the lists.
    pub packages: Vec<String>,
}

/// Whether the lists can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    usable: bool,
}

impl Resource for Lists {
    type State = State;

    fn occupies(&self) -> Option<&'static str> {
        Some(crate::resource::APT_AND_ACCOUNTS)
    }

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
            return Ok(Moved::Applied);
        }
        // without this option, apt-get exits with 0 after two minutes without a network
        let update = call::apt_get(&["-o", "APT::Update::Error-Mode=any", "update"])
            .deadline(600)
            .log("apt-update");
        if let Err(error) = call::run_locked(host, &update).await {
            let log = host.store()?.log_path("apt-update");
            let said = std::fs::read_to_string(log).unwrap_or_default();
            // the log also contains the output of earlier calls: use the last one only
            let said = said.rsplit("APT::Update::Error-Mode").next();
            let said = said.unwrap_or_default();
            let (failed, hooks) = (sources::failed(said), call::hooks(host, said)?);
            let none_failed = failed.is_empty() && hooks.is_empty();
            if none_failed || !sources::distribution_came(host, &failed)? {
                return Err(error);
            }
            for text in hooks {
                host.events().tell(Event::Note { text });
            }
            for failed in failed {
                let text = sources::note(host, &failed)?;
                host.events().tell(Event::Note { text });
            }
        }
        let (stamp, folder) = (Path::new(STAMP), Path::new(PERIODIC));
        // a run that was killed here leaves the folder with mode 0700
        if host.meta(folder)?.is_none_or(|meta| meta.mode == 0o700) {
            host.ensure_folder(folder, Ownership::root(0o755))?;
        }
        host.write(stamp, b"", Ownership::root(0o644))?;
        Ok(Moved::Applied)
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        if from == to {
            String::new()
        } else {
            "older than a day or not there: apt-get update".into()
        }
    }

    fn residue(&self, _from: Option<&State>) -> Option<&'static str> {
        Some("apt's package lists, downloaded packages and logs")
    }
}

/// Whether the lists are less than a day old and newer than the last change of apt's sources.
pub(super) fn fresh(host: &Host) -> Result<bool> {
    let names = host.list(Path::new(LISTS))?;
    let is_list = |name: &String| name.contains("_Packages") || name.contains("Release");
    if !names.iter().any(is_list) {
        return Ok(false);
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let now = i128::try_from(now).unwrap_or(i128::MAX);
    let limit = i128::try_from(FRESH.as_nanos()).unwrap_or(i128::MAX);
    let changed = sources::changed(host)?;
    for stamp in [STAMP, SUCCESS] {
        let meta = host.meta(Path::new(stamp))?;
        if meta.is_some_and(|m| (0..limit).contains(&(now - m.modified)) && m.modified >= changed) {
            return Ok(true);
        }
    }
    Ok(false)
}
