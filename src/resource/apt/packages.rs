//! Packages of the distribution.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::gate;
use crate::host::{Error, Host, Result};
use crate::resource::apt::dpkg::Dpkg;
use crate::resource::apt::{call, lists};
use crate::resource::postgres::clusters;
use crate::resource::{AnyState, Footprint, Moved, Resource};

/// Packages, installed by one call of apt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Packages {
    /// The packages that are asked for.
    pub names: Vec<String>,
    /// The packages that steps above install: what those bring is not counted as brought by this step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// The packages that hold data. A rollback leaves them, with all that they need, while there are data.
    #[serde(default)]
    pub data: Vec<String>,
    /// If true, every package of the server is brought up to date too.
    #[serde(default)]
    pub upgrade: bool,
}

/// The state of all packages of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The installed packages, with their versions.
    installed: BTreeMap<String, String>,
    /// The packages that apt would install or upgrade, with their versions.
    pending: BTreeMap<String, String>,
    /// The number of bytes that apt would download for `pending`; `None` if apt cannot say.
    download: Option<u64>,
    /// The PostgreSQL clusters with their system identifiers, because a package can create a cluster. Missing in
    /// early journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clusters: Option<BTreeMap<String, String>>,
}

impl State {
    /// The clusters that `self` has and `other` has not; none if either state does not record clusters.
    fn without(&self, other: &Self) -> BTreeMap<String, String> {
        let (Some(own), Some(others)) = (&self.clusters, &other.clusters) else {
            return BTreeMap::new();
        };
        let is_own = |(id, identity): &(&String, &String)| others.get(*id) != Some(*identity);
        let own = own.iter().filter(is_own);
        own.map(|(id, identity)| (id.clone(), identity.clone()))
            .collect()
    }
}

impl Packages {
    fn missing(&self, dpkg: &Dpkg) -> Vec<&str> {
        missing(&self.names, dpkg)
    }

    /// The packages that apt would install for this step, and the number of bytes to download.
    async fn pending(
        &self,
        host: &Host,
        dpkg: &Dpkg,
    ) -> Result<(BTreeMap<String, String>, Option<u64>)> {
        let (own, above) = (self.missing(dpkg), missing(&self.after, dpkg));
        let (mut pending, download) = self.simulate(host, &[&above[..], &own].concat()).await?;
        if above.is_empty() {
            return Ok((pending, download));
        }
        let (theirs, first) = self.simulate(host, &above).await?;
        pending.retain(|name, _| !theirs.contains_key(name));
        Ok((
            pending,
            download
                .zip(first)
                .map(|(all, first)| all.saturating_sub(first)),
        ))
    }

    /// The packages that apt would install. If apt cannot say yet, the requested packages, without versions.
    async fn simulate(
        &self,
        host: &Host,
        missing: &[&str],
    ) -> Result<(BTreeMap<String, String>, Option<u64>)> {
        let mut args = vec!["--no-install-recommends"];
        args.extend(if self.upgrade {
            ["dist-upgrade"]
        } else {
            ["install"]
        });
        args.extend(missing);
        let simulated = host
            .run(&call::simulate(&[&["-s"], &args[..]].concat()))
            .await
            .and_then(|output| whole_simulation(&output.stdout, missing));
        let simulated = match simulated {
            Ok(simulated) => simulated,
            // never install packages without knowing which: a rollback could not remove them
            Err(error) if lists::fresh(host)? && Dpkg::read(host)?.unfinished.is_empty() => {
                return Err(error);
            }
            Err(_) => {
                let asked = missing
                    .iter()
                    .map(|name| ((*name).to_owned(), String::new()));
                return Ok((asked.collect(), None));
            }
        };
        let uris = host
            .run(&call::simulate(&[&["--print-uris"], &args[..]].concat()))
            .await;
        let download = uris.ok().map(|output| call::parse_uris(&output.stdout));
        Ok((simulated, download))
    }

    /// The packages in `brought` that must stay: those that hold data, while there are databases, and the
    /// dependencies of these and of all other installed packages.
    fn held(
        &self,
        host: &Host,
        dpkg: &Dpkg,
        brought: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>> {
        let others = dpkg
            .installed
            .keys()
            .filter(|name| !brought.contains(*name))
            .cloned();
        let mut roots: BTreeSet<String> = others.collect();
        let mut held = BTreeSet::new();
        if clusters::has_databases(host)? {
            held.extend(
                self.data
                    .iter()
                    .filter(|name| brought.contains(*name))
                    .cloned(),
            );
            roots.extend(held.iter().cloned());
        }
        held.extend(dpkg.needed(roots, brought));
        Ok(held)
    }

    async fn remove(&self, host: &Host, from: &State, to: &State) -> Result<Moved> {
        call::finish_interrupted(host).await?;
        let dpkg = Dpkg::read(host)?;
        let gone = |name: &&String| !to.installed.contains_key(*name);
        let there = dpkg.installed.keys().chain(dpkg.unfinished.keys());
        let brought: BTreeSet<String> = there.filter(gone).cloned().collect();
        let held = self.held(host, &dpkg, &brought)?;
        let goes: Vec<&str> = brought.difference(&held).map(String::as_str).collect();
        clusters::drop_empty(host, &from.without(to), &goes).await?;
        if !goes.is_empty() {
            let args = gate::remove_packages(host, &goes)?;
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let ended = call::run_locked(host, &call::apt_get(&args).log("apt-remove")).await;
            let there = Dpkg::read(host)?.versions();
            let stays = goes.iter().find(|name| there.contains_key(**name));
            call::judge(host, ended, stays.is_none())?;
            if let Some(name) = stays {
                return Err(Error::impossible(format!(
                    "apt-get ended well and did not remove `{name}`"
                )));
            }
        }
        if held.is_empty() {
            return Ok(Moved::Applied);
        }
        let named: Vec<&str> = held.iter().take(4).map(String::as_str).collect();
        let more = held.len().saturating_sub(named.len());
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        Ok(Moved::Kept(format!(
            "`{}`{more} stay: databases or other packages need them",
            named.join("`, `")
        )))
    }
}

impl Resource for Packages {
    type State = State;

    fn footprint(&self, _from: Option<&State>) -> Vec<Footprint> {
        vec![
            Footprint::new("/usr", 450, 15).that_runs(),
            Footprint::new("/var", 250, 1),
        ]
    }

    fn needs_network(&self) -> bool {
        true
    }

    fn is_restored_first(&self) -> bool {
        true
    }

    fn occupies(&self) -> Option<&'static str> {
        Some(crate::resource::APT_AND_ACCOUNTS)
    }

    fn subject(&self) -> String {
        let named: Vec<&str> = self.names.iter().take(3).map(String::as_str).collect();
        let more = self.names.len().saturating_sub(named.len());
        if more == 0 {
            named.join(", ")
        } else {
            format!("{} and {more} more", named.join(", "))
        }
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let dpkg = Dpkg::read(host)?;
        let missing = self.missing(&dpkg);
        let (pending, download) = if missing.is_empty() && !self.upgrade {
            (BTreeMap::new(), None)
        } else {
            self.pending(host, &dpkg).await?
        };
        let download = download.filter(|_| !pending.is_empty());
        Ok(Some(State {
            installed: dpkg.versions(),
            pending,
            download,
            clusters: Some(clusters::identities(host)?),
        }))
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        let mut want = now.cloned().unwrap_or(State {
            installed: BTreeMap::new(),
            pending: BTreeMap::new(),
            download: None,
            clusters: None,
        });
        // the clusters that the packages' scripts create are only known after the installation
        if want
            .pending
            .keys()
            .any(|name| name.starts_with("postgresql"))
        {
            want.clusters = None;
        }
        want.installed.append(&mut want.pending);
        want.download = None;
        Some(want)
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        let (Some(from), Some(to)) = (from, to) else {
            return Ok(Moved::Applied);
        };
        // nothing to install: this is a rollback, which must also clean up after a killed dpkg
        let comes = |(name, version): (&String, &String)| from.installed.get(name) != Some(version);
        if !to.installed.iter().any(comes) {
            return self.remove(host, from, to).await;
        }
        call::finish_interrupted(host).await?;
        let dpkg = Dpkg::read(host)?;
        let missing = self.missing(&dpkg);
        let verb = if self.upgrade {
            "dist-upgrade"
        } else {
            "install"
        };
        let args = [&["--no-install-recommends", verb], &missing[..]].concat();
        let ended = call::run_locked(host, &call::apt_get(&args).log("apt-install")).await;
        let others: BTreeSet<&String> = dpkg.unfinished.keys().collect();
        let now = Dpkg::read(host)?;
        let missing = self.missing(&now).join("`, `");
        let is_whole = missing.is_empty() && now.unfinished.keys().all(|n| others.contains(n));
        let is_done = is_whole
            && (ended.is_ok() || !self.upgrade || self.pending(host, &now).await?.0.is_empty());
        call::judge(host, ended, is_done)?;
        if missing.is_empty() {
            return Ok(Moved::Applied);
        }
        Err(Error::impossible(format!(
            "apt-get ended well and did not install `{missing}`"
        )))
    }

    /// Removes the packages that this change brought. Packages that somebody else installed stay, whether they came
    /// later or between a killed run and the run that continued it.
    fn rollback_target(
        &self,
        now: Option<&State>,
        before: Option<&State>,
        after: Option<&State>,
    ) -> Option<State> {
        let (now, before, after) = (now?, before?, after?);
        let came = |name: &String| {
            after.installed.contains_key(name) && !before.installed.contains_key(name)
        };
        // if apt could not say what it would install, `pending` has the requested packages, without versions
        let untold = before.pending.values().any(String::is_empty);
        let told = |name: &String| before.pending.contains_key(name) || self.names.contains(name);
        let brought = |name: &String| came(name) && (untold || told(name));
        let installed = now.installed.iter().filter(|(name, _)| !brought(name));
        let installed = installed
            .map(|(name, version)| (name.clone(), version.clone()))
            .collect();
        Some(State {
            installed,
            pending: BTreeMap::new(),
            download: None,
            clusters: now.clusters.as_ref().map(|clusters| {
                // a change that did not complete has not recorded the clusters that it created
                let end = if after.clusters.is_some() { after } else { now };
                let made = end.without(before);
                let stays = |(id, identity): &(&String, &String)| made.get(*id) != Some(*identity);
                let stays = clusters.iter().filter(stays);
                stays
                    .map(|(id, identity)| (id.clone(), identity.clone()))
                    .collect()
            }),
        })
    }

    /// Shows only the packages that change: a list of all packages is too long to read.
    fn presented(&self, from: Option<State>, to: Option<State>) -> Result<(AnyState, AnyState)> {
        let (from, to) = (
            from.map(|s| s.installed).unwrap_or_default(),
            to.map(|s| s.installed).unwrap_or_default(),
        );
        let differing = |of: &BTreeMap<String, String>,
                         other: &BTreeMap<String, String>|
         -> BTreeMap<String, String> {
            let differs = |(name, version): &(&String, &String)| other.get(*name) != Some(*version);
            of.iter()
                .filter(differs)
                .map(|(name, version)| (name.clone(), version.clone()))
                .collect()
        };
        Ok((
            Some(json!({ "installed": differing(&from, &to) })),
            Some(json!({ "installed": differing(&to, &from) })),
        ))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        let (Some(from), Some(to)) = (from, to) else {
            return String::new();
        };
        let count = to
            .installed
            .iter()
            .filter(|(name, version)| from.installed.get(*name) != Some(*version))
            .count();
        if count == 0 {
            return String::new();
        }
        if from.pending.values().any(String::is_empty) {
            return format!(
                "{count} asked for; what these bring is known once apt's lists are there"
            );
        }
        let plural = if count == 1 { "" } else { "s" };
        let size = from.download.map_or_else(String::new, |bytes| {
            format!(", {} to download", megabytes(bytes))
        });
        format!("{count} package{plural}{size}")
    }

    fn residue(&self, _from: Option<&State>) -> Option<&'static str> {
        Some(
            "what removed packages leave behind: their configuration files, the accounts and the certificates that they \
             made",
        )
    }
}

/// The packages in `names` that are not installed.
fn missing<'n>(names: &'n [String], dpkg: &Dpkg) -> Vec<&'n str> {
    let names = names.iter().map(String::as_str);
    names
        .filter(|name| !dpkg.installed.contains_key(*name))
        .collect()
}

/// The packages that a simulation would install. Fails if apt would remove a package, or does not mention every
/// package in `missing`.
fn whole_simulation(text: &str, missing: &[&str]) -> Result<BTreeMap<String, String>> {
    let removed = call::removed(text);
    if !removed.is_empty() {
        let (goes, comes) = (removed.join("`, `"), missing.join("`, `"));
        let what = if missing.is_empty() {
            "bring the server up to date".to_owned()
        } else {
            format!("install `{comes}`")
        };
        return Err(Error::impossible(format!(
            "to {what}, apt would remove `{goes}`, and nothing that is there is removed for a site; see \
             `apt-get --simulate install {}`, and if they can go: `apt-get remove {}`",
            missing.join(" "),
            removed.join(" ")
        )));
    }
    let told = call::parse_simulation(text);
    match missing.iter().find(|name| !told.contains_key(**name)) {
        None => Ok(told),
        Some(name) => Err(Error::garbled(
            "the answer of `apt-get -s`",
            format!("it ended well and does not tell of `{name}`"),
        )),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apt_must_not_remove_packages_for_a_site() {
        let text = "Remv nginx-light [1.22.1-9]\nInst nginx (1.22.1-9 Debian:12 [amd64])\n";
        let error = whole_simulation(text, &["nginx"]).unwrap_err().to_string();
        assert!(error.contains("would remove `nginx-light`"), "{error}");
    }
}
