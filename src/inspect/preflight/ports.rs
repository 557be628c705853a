//! The ports of the site, and the processes that hold them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use super::{Found, Inspected, firewall_ports};
use crate::host::{Host, Result};
use crate::site::{Site, Tls};

/// How often the check is repeated at most, and the time between two checks.
const LOOKS: usize = 5;
const PAUSE: Duration = Duration::from_millis(50);

/// Checks the site's ports, and services of others that its firewall would block.
pub(super) async fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, site) = (inspected.host, inspected.site);
    let listening = || {
        let mut reasons = ports(host, site, inspected.workers)?;
        if site.firewall.enabled {
            reasons.extend(firewall_ports::ports(host, site)?);
        }
        Ok(reasons)
    };
    found.reasons.extend(agreed(listening).await?);
    Ok(())
}

/// Repeats the check until two consecutive results agree, or at most [`LOOKS`] times; an empty result ends it.
/// Otherwise a process that ends between the reading of its socket and the search for its holder would have no name
/// and no unit.
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
pub(super) struct Wanted<'s> {
    pub(super) port: u16,
    interface: IpAddr,
    /// The unit that may already hold the port.
    unit: &'s str,
    /// What the user can do instead of freeing the port.
    pub(super) otherwise: String,
}

pub(super) fn wanted(site: &Site, workers: u32) -> Vec<Wanted<'_>> {
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

/// Whether a process belongs to a unit, according to its control group.
pub(super) fn is_of(host: &Host, pid: i32, unit: &str) -> bool {
    let text = host
        .read_text(Path::new(&format!("/proc/{pid}/cgroup")))
        .ok()
        .flatten()
        .unwrap_or_default();
    text.lines()
        .any(|line| line.split('/').any(|part| part == unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_that_ends_during_the_check_is_no_reason() {
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
