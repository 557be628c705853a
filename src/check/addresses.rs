//! The addresses of this server, and those of them that a domain resolves to.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use crate::host::command::Cmd;
use crate::host::{Host, Result};

/// The largest number of addresses that are tried: a server with containers has an address for each bridge.
const MOST: usize = 8;

/// The addresses of this server, without loopback and link-local addresses.
pub(super) fn own(host: &Host) -> Result<Vec<IpAddr>> {
    let text = |path: &str| {
        host.read_text(Path::new(path))
            .map(Option::unwrap_or_default)
    };
    let v4 = ipv4(&text("/proc/net/fib_trie")?);
    let v6 = ipv6(&text("/proc/net/if_inet6")?);
    let all: BTreeSet<IpAddr> = v4
        .into_iter()
        .map(IpAddr::V4)
        .chain(v6.into_iter().map(IpAddr::V6))
        .collect();
    Ok(all.into_iter().take(MOST).collect())
}

/// The addresses in `own` that `domain` resolves to on this server.
pub(super) async fn led_to(host: &Host, domain: &str, own: &[IpAddr]) -> Vec<IpAddr> {
    let ask = Cmd::new("getent")
        .args(["ahosts", domain])
        .accept(2)
        .deadline(5);
    // a server without a working resolver: no address is known
    let Ok(output) = host.run(&ask).await else {
        return Vec::new();
    };
    let words = output
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let found: BTreeSet<IpAddr> = words.filter_map(|word| word.parse().ok()).collect();
    own.iter()
        .filter(|address| found.contains(address))
        .copied()
        .collect()
}

/// The server's own IPv4 addresses: the local leaves of the kernel's routing table (`/proc/net/fib_trie`).
fn ipv4(tree: &str) -> Vec<Ipv4Addr> {
    let (mut found, mut last) = (Vec::new(), None);
    for line in tree.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line.starts_with("/32 host LOCAL") {
            found.extend(last.filter(|address| !address.is_loopback() && !address.is_link_local()));
        }
    }
    found
}

/// The IPv6 addresses with global scope that are neither tentative nor deprecated.
fn ipv6(table: &str) -> Vec<Ipv6Addr> {
    const TENTATIVE: u32 = 0x40;
    const DEPRECATED: u32 = 0x20;
    let of_line = |line: &str| {
        let mut words = line.split_whitespace();
        let address = u128::from_str_radix(words.next()?, 16).ok()?;
        let (scope, flags) = (words.nth(2)?, words.next()?);
        let flags = u32::from_str_radix(flags, 16).ok()?;
        (scope == "00" && flags & (TENTATIVE | DEPRECATED) == 0).then(|| Ipv6Addr::from(address))
    };
    table.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_read_from_the_kernels_tables() {
        let tree = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     \
            |-- 10.0.0.5\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n     \
            |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 169.254.1.2\n        /32 host LOCAL\n";
        assert_eq!(ipv4(tree), [Ipv4Addr::new(10, 0, 0, 5)]);
        let table = "00000000000000000000000000000001 01 80 10 80       lo\n\
            20010db8000000000000000000000005 02 40 00 80     eth0\n\
            20010db8000000000000000000000006 02 40 00 60     eth0\n\
            fe80000000000000000000000000cafe 02 40 20 80     eth0\n";
        let expected: Ipv6Addr = "2001:db8::5".parse().expect("an address");
        assert_eq!(ipv6(table), [expected]);
    }
}
