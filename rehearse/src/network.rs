//! A private network for one machine: a network namespace, a pair of virtual Ethernet devices, and address
//! translation on the host.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::error::{Error, OnPath, Result};
use super::program::run;

const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";
/// Exists while machines run if the host forwarded no packets before the first one.
const FORWARDING_WAS_OFF: &str = "/run/odoo-deploy-forwarding-was-off";

/// One of the /24 networks of 198.18.0.0/15, which is reserved for tests (RFC 2544) and therefore clashes with no
/// office, VPN or container network. Everything that belongs to the network is named by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subnet(u8);

impl Subnet {
    /// Claims a free network. The namespace marks it as claimed.
    pub(super) fn claim(machine: &str) -> Result<Self> {
        for subnet in (1..=254).map(Self) {
            if subnet.namespace().exists() || subnet.is_routed()? {
                continue;
            }
            match ip(&["netns", "add", &subnet.name()]) {
                Ok(()) => return Ok(subnet),
                // another process was faster
                Err(_) if subnet.namespace().exists() => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::NoNetwork(machine.to_owned()))
    }

    /// The name of the host's device, of the namespace and of the nftables table.
    fn name(self) -> String {
        format!("rehearse{}", self.0)
    }

    /// The path of the namespace.
    pub(super) fn namespace(self) -> PathBuf {
        Path::new("/run/netns").join(self.name())
    }

    /// The host's address in the network.
    pub(super) fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::new(198, 19, self.0, 1)
    }

    /// The machine's address in the network.
    pub(super) fn address(self) -> Ipv4Addr {
        Ipv4Addr::new(198, 19, self.0, 2)
    }

    fn is_routed(self) -> Result<bool> {
        let network = format!("198.19.{}.0/24", self.0);
        let routes = run(Command::new("ip").args(["-4", "route", "show", "match", &network]))?;
        Ok(routes.lines().any(|route| !route.starts_with("default")))
    }

    /// Connects the namespace to the host and to the host's network.
    pub(super) fn connect(self) -> Result<()> {
        let name = self.name();
        let (gateway, address) = (self.gateway().to_string(), self.address().to_string());
        ip(&[
            "link", "add", &name, "type", "veth", "peer", "name", "host0", "netns", &name,
        ])?;
        ip(&["addr", "add", &format!("{gateway}/24"), "dev", &name])?;
        ip(&["link", "set", &name, "up"])?;
        let inside = |words: &[&str]| ip(&[&["-netns", &name], words].concat());
        inside(&["addr", "add", &format!("{address}/24"), "dev", "host0"])?;
        inside(&["link", "set", "host0", "up"])?;
        inside(&["link", "set", "lo", "up"])?;
        inside(&["route", "add", "default", "via", &gateway])?;
        run(Command::new("nft").arg(format!(
            "add table ip {name}; \
             add chain ip {name} postrouting {{ type nat hook postrouting priority 100; }}; \
             add rule ip {name} postrouting ip saddr {address} oifname != {name} masquerade"
        )))?;
        let_through(&name)?;
        forward()
    }

    /// Removes everything of the network that exists.
    pub(super) fn disconnect(self) -> Result<()> {
        let name = self.name();
        let tables = run(Command::new("nft").args(["list", "tables", "ip"]))?;
        if tables
            .lines()
            .any(|line| line == format!("table ip {name}"))
        {
            run(Command::new("nft").args(["delete", "table", "ip", &name]))?;
        }
        if firewall_filters()? {
            for direction in DIRECTIONS {
                while iptables(&["-D", "FORWARD", direction, &name, "-j", "ACCEPT"]).is_ok() {}
            }
        }
        if Path::new("/sys/class/net").join(&name).exists() {
            ip(&["link", "delete", &name])?;
        }
        if self.namespace().exists() {
            ip(&["netns", "delete", &name])?;
        }
        stop_forwarding()
    }
}

const DIRECTIONS: [&str; 2] = ["--in-interface", "--out-interface"];

/// Accepts the machine's packets in iptables: Docker and ufw drop forwarded packets that no rule accepts.
fn let_through(device: &str) -> Result<()> {
    if firewall_filters()? {
        for direction in DIRECTIONS {
            iptables(&["-I", "FORWARD", direction, device, "-j", "ACCEPT"])?;
        }
    }
    Ok(())
}

/// Whether iptables is in use on this host. Calling iptables to find out would load its tables.
fn firewall_filters() -> Result<bool> {
    let legacy = fs::read_to_string("/proc/net/ip_tables_names").unwrap_or_default();
    let tables = run(Command::new("nft").args(["list", "tables", "ip"]))?;
    let filters = legacy.lines().any(|table| table == "filter")
        || tables.lines().any(|line| line == "table ip filter");
    Ok(filters && which::which("iptables").is_ok())
}

fn forward() -> Result<()> {
    let (switch, was_off) = (Path::new(FORWARDING), Path::new(FORWARDING_WAS_OFF));
    if fs::read_to_string(switch).on("read", switch)?.trim() == "0" {
        // written first: after a kill in between, forwarding is still off, instead of on for ever
        fs::write(was_off, "").on("write", was_off)?;
        if let Err(error) = fs::write(switch, "1") {
            fs::remove_file(was_off).on("remove", was_off)?;
            return Err(error).on("write", switch);
        }
    }
    Ok(())
}

/// Turns forwarding off after the last machine, if it was off before the first one.
fn stop_forwarding() -> Result<()> {
    let (switch, was_off) = (Path::new(FORWARDING), Path::new(FORWARDING_WAS_OFF));
    let others = (1..=254).any(|number| Subnet(number).namespace().exists());
    if was_off.exists() && !others {
        fs::write(switch, "0").on("write", switch)?;
        fs::remove_file(was_off).on("remove", was_off)?;
    }
    Ok(())
}

fn ip(words: &[&str]) -> Result<()> {
    run(Command::new("ip").args(words)).map(drop)
}

fn iptables(words: &[&str]) -> Result<String> {
    run(Command::new("iptables").arg("--wait").args(words))
}
