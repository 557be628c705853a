//! The facts of this machine, read once before a plan is made.

mod limits;

use std::path::Path;

use serde::Serialize;

use crate::host::{Host, Result};
use crate::odoo::distribution::Distribution;

/// The machine, as far as a plan depends on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    /// The distribution, if it is supported.
    #[serde(skip)]
    pub distribution: Option<&'static Distribution>,
    /// The distribution's own name.
    pub distribution_name: String,
    /// The architecture, as dpkg names it.
    pub architecture: String,
    /// The cores that services can use.
    pub cores: u32,
    /// The memory that services can use, in MiB.
    pub memory: u64,
    /// Whether systemd is process 1.
    pub systemd: bool,
    /// Whether there is a network besides the loopback.
    pub network: bool,
    /// Whether the kernel has IPv6.
    pub ipv6: bool,
}

impl Facts {
    /// Reads the facts.
    ///
    /// # Errors
    /// If a system file exists and cannot be read.
    pub fn read(host: &Host) -> Result<Self> {
        let text = |path: &str| {
            host.read_text(Path::new(path))
                .map(Option::unwrap_or_default)
        };
        let release = text("/etc/os-release")?;
        let field = |key: &str| os_release(&release, key).unwrap_or_default();
        let (most_memory, most_cores) = limits::read(host)?;
        let cores = std::thread::available_parallelism();
        let cores = cores.map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
        let memory = memory(&text("/proc/meminfo")?);
        Ok(Self {
            distribution: Distribution::of(&field("ID"), &field("VERSION_ID")),
            distribution_name: os_release(&release, "PRETTY_NAME")
                .unwrap_or_else(|| "an unknown system".into()),
            architecture: architecture(&text("/var/lib/dpkg/arch")?),
            cores: most_cores.map_or(cores, |most| most.min(cores)),
            memory: most_memory.map_or(memory, |most| most.min(memory)),
            systemd: host.path(Path::new("/run/systemd/system")).is_dir(),
            network: has_network(&text("/proc/net/route")?, &text("/proc/net/ipv6_route")?),
            ipv6: host.path(Path::new("/proc/net/if_inet6")).exists(),
        })
    }

    /// The codename of the distribution; empty if the distribution is not supported.
    #[must_use]
    pub fn codename(&self) -> &'static str {
        self.distribution
            .map_or("", |known| known.codename.as_str())
    }
}

/// A value of `os-release(5)`.
fn os_release(text: &str, key: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}

/// dpkg's native architecture: the first line of its list, or, without a list, dpkg's name for the architecture of
/// this program.
fn architecture(list: &str) -> String {
    let native = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    list.lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or(native)
        .trim()
        .to_owned()
}

/// `MemTotal`, in MiB.
fn memory(meminfo: &str) -> u64 {
    let kilobytes = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next());
    kilobytes.and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Whether there is a route other than to this machine itself.
fn has_network(route: &str, ipv6_route: &str) -> bool {
    let v4 = route.lines().skip(1).any(|line| !line.starts_with("lo\t"));
    let v6 = ipv6_route
        .lines()
        .any(|line| !line.ends_with(" lo") && !line.starts_with("fe80") && !line.starts_with("ff"));
    v4 || v6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_read_with_and_without_quotes() {
        let text = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='Debian 12'\nID_LIKE=x\n";
        assert_eq!(os_release(text, "ID").as_deref(), Some("debian"));
        assert_eq!(os_release(text, "VERSION_ID").as_deref(), Some("12"));
        assert_eq!(
            os_release(text, "PRETTY_NAME").as_deref(),
            Some("Debian 12")
        );
        assert_eq!(os_release(text, "NONE"), None);
    }

    #[test]
    fn the_loopback_is_no_network() {
        let head = "Iface\tDestination\tGateway\n";
        assert!(!has_network(head, ""));
        assert!(!has_network(
            &format!("{head}lo\t0000007F\t0\n"),
            "00 00 00 lo"
        ));
        assert!(has_network(
            &format!("{head}eth0\t00000000\t010200C0\n"),
            ""
        ));
        assert!(has_network(head, "2001 40 00 00 00 00 00 00 00 eth0"));
    }
}
