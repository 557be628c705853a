//! What makes a deployment impossible here, found out before anything is touched.

mod closed;
mod filestore;
mod neighbours;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::facts::Facts;
use crate::host::{Host, Result};
use crate::observe::Observed;
use crate::pairing::{Pairing, pairing};
use crate::release::Release;
use crate::site::{Site, Tls};
use crate::wkhtmltopdf;

/// The least memory, in MiB, that an Odoo with its database starts in.
const MEMORY: u64 = 700;

/// What a step of a kind brings to the disk, all of packages together, in MB, and where; measured with Odoo 19 on Debian 12.
const DISK: &[(&str, &str, u64)] = &[
    ("packages", "/usr", 450),
    ("packages", "/var", 250),
    ("checkout", "/opt", 1500),
    ("venv", "/opt", 600),
    ("database", "/var", 200),
];

/// How often what listens is looked at again, at most, and how long after the last look.
const LOOKS: usize = 5;
const PAUSE: Duration = Duration::from_millis(50);

/// What the machine itself must be, and what the release needs on it.
///
/// # Errors
/// Every reason for which it cannot be, each with the way out.
pub fn machine(facts: &Facts, site: &Site) -> std::result::Result<Pairing, Vec<String>> {
    let mut reasons = Vec::new();
    if !nix::unistd::geteuid().is_root() {
        reasons.push("this must be run by root; try `sudo`".to_owned());
    }
    if !facts.systemd {
        reasons.push(
            "systemd does not run here; a service needs it (in a container, boot it with systemd)"
                .into(),
        );
    }
    if facts.memory < MEMORY {
        reasons.push(format!(
            "the server has {} MiB of memory, Odoo needs {MEMORY} at least",
            facts.memory
        ));
    }
    if let Some(known) = facts.distribution {
        let (wanted, home) = (&site.wkhtmltopdf, &site.paths.home);
        let chosen = wkhtmltopdf::choose(wanted, home, &known.codename, &facts.architecture);
        reasons.extend(chosen.err());
    }
    let found = match facts.distribution {
        Some(distribution) => pairing(Release::of(site.odoo.version), distribution)
            .map_err(|refusal| refusal.to_string()),
        None => Err(format!(
            "{} is not a distribution that this program knows; it knows Debian 12 and 13, and Ubuntu 22.04, 24.04 and 26.04",
            facts.distribution_name
        )),
    };
    match found {
        Ok(pairing) if reasons.is_empty() => Ok(pairing.on_architecture(&facts.architecture)),
        Ok(_) => Err(reasons),
        Err(reason) => {
            reasons.push(reason);
            Err(reasons)
        }
    }
}

/// What the plan needs of the host: ports, disk, network. Answers every reason for which it cannot
/// be had, each with the way out.
///
/// # Errors
/// Where the host cannot be asked.
pub async fn plan(
    host: &Host,
    facts: &Facts,
    site: &Site,
    workers: u32,
    observed: &Observed,
) -> Result<Vec<String>> {
    let mut reasons = observed.refusals.clone();
    let listening = || {
        let mut reasons = ports(host, site, workers)?;
        if site.firewall.enabled {
            reasons.extend(closed::ports(host, site)?);
        }
        Ok(reasons)
    };
    reasons.extend(agreed(listening).await?);
    reasons.extend(neighbours::ports(host, site, workers)?);
    reasons.extend(neighbours::names(host, site)?);
    reasons.extend(disk(host, observed)?);
    reasons.extend(filestore::left(host, site, observed)?);
    let fetches = observed
        .pending()
        .any(|change| ["packages", "venv"].contains(&change.kind.as_str()));
    if fetches && !facts.network && site.python.wheels.is_none() {
        reasons.push(
            "there is no network: nothing but the loopback has a route; see `ip route`".into(),
        );
    }
    Ok(reasons)
}

/// The reasons that two looks in a row agree on, or the last one's; where one has none, there are none. A
/// process that ends between the reading of its socket and the search for its holder has no name and no unit.
async fn agreed(mut look: impl FnMut() -> Result<Vec<String>>) -> Result<Vec<String>> {
    let mut reasons = look()?;
    for _ in 0..LOOKS {
        if reasons.is_empty() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        let again = look()?;
        if again == reasons {
            break;
        }
        reasons = again;
    }
    Ok(reasons)
}

fn ports(host: &Host, site: &Site, workers: u32) -> Result<Vec<String>> {
    let listeners = host.listeners()?;
    let mut reasons = Vec::new();
    for wanted in wanted(site, workers) {
        let overlaps = |address: IpAddr| {
            address == wanted.interface
                || address.is_unspecified()
                || wanted.interface.is_unspecified()
        };
        let Some(listener) = listeners
            .iter()
            .find(|l| l.port == wanted.port && overlaps(l.address))
        else {
            continue;
        };
        let holder = host.holder(listener);
        if holder
            .as_ref()
            .is_some_and(|process| is_of(host, process.pid, wanted.unit))
        {
            continue;
        }
        let name = holder.map_or_else(
            || "another program".into(),
            |p| format!("`{}` (pid {})", p.command, p.pid),
        );
        reasons.push(format!(
            "port {} is taken by {name}; free it, or {}",
            wanted.port, wanted.otherwise
        ));
    }
    Ok(reasons)
}

/// A port that the site needs.
struct Wanted<'s> {
    port: u16,
    interface: IpAddr,
    /// The unit that may hold it already.
    unit: &'s str,
    /// The other way out, where it is taken.
    otherwise: String,
}

fn wanted(site: &Site, workers: u32) -> Vec<Wanted<'_>> {
    let own = |key: &str, port: u16| Wanted {
        port,
        interface: site.http.interface,
        unit: &site.paths.unit,
        otherwise: format!("choose another `{key}`"),
    };
    let mut wanted = vec![own("http.port", site.http.port.number())];
    if workers > 0 {
        wanted.push(own("http.gevent_port", site.http.gevent_port.number()));
    }
    let Some(proxy) = &site.proxy else {
        return wanted;
    };
    let public: &[u16] = if proxy.tls == Tls::None {
        &[80]
    } else {
        &[80, 443]
    };
    wanted.extend(public.iter().map(|port| Wanted {
        port: *port,
        interface: Ipv4Addr::UNSPECIFIED.into(),
        unit: "nginx.service",
        otherwise: "take `[proxy]` away and have that program ask Odoo".to_owned(),
    }));
    wanted
}

/// Whether a process belongs to a unit, by its control group.
fn is_of(host: &Host, pid: i32, unit: &str) -> bool {
    let text = host
        .read_text(Path::new(&format!("/proc/{pid}/cgroup")))
        .ok()
        .flatten()
        .unwrap_or_default();
    text.lines()
        .any(|line| line.split('/').any(|part| part == unit))
}

/// Sums what the pending steps bring, for each file system, and compares it with what is free.
fn disk(host: &Host, observed: &Observed) -> Result<Vec<String>> {
    let mut needs: BTreeMap<u64, (PathBuf, u64)> = BTreeMap::new();
    let mut packages = observed
        .pending()
        .filter(|change| change.kind == "packages");
    let others = observed
        .pending()
        .filter(|change| change.before.is_none() && change.kind != "packages");
    for change in others.chain(packages.next()) {
        for (_, place, megabytes) in DISK.iter().filter(|(kind, ..)| *kind == change.kind) {
            let place = Path::new(place);
            let meta = std::fs::metadata(host.path(place))
                .map_err(crate::host::Error::file("look at", place))?;
            needs
                .entry(meta.dev())
                .or_insert_with(|| (place.to_owned(), 0))
                .1 += megabytes;
        }
    }
    let mut reasons = Vec::new();
    for (place, megabytes) in needs.into_values() {
        let Ok(free) = nix::sys::statvfs::statvfs(&host.path(&place)) else {
            continue;
        };
        let free = free.blocks_available() * free.fragment_size() / 1_000_000;
        if free < megabytes {
            reasons.push(format!(
                "{free} MB are free where `{}` lies, about {megabytes} MB are needed; make room or mount another disk there",
                place.display()
            ));
        }
    }
    Ok(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_ends_while_looked_at_is_no_reason() {
        let refused = |pid: &str| vec![format!("port 8072 is taken by {pid}")];
        for (looks, expected) in [
            (vec![vec![]], vec![]),
            (vec![refused("another program"), vec![]], vec![]),
            (vec![refused("1"), refused("1")], refused("1")),
            (vec![refused("1"), refused("2"), vec![]], vec![]),
            (vec![refused("1"), refused("2"), refused("2")], refused("2")),
        ] {
            let mut next = looks.iter().cloned();
            let reasons = agreed(|| Ok(next.next().expect("no look too many"))).await;
            assert_eq!(reasons.expect("looked"), expected, "{looks:?}");
            assert_eq!(next.next(), None, "no look too few");
        }
    }
}
