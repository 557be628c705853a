//! Whether this host allows packet filtering: many containers do not.

use std::path::Path;

use super::{Found, Inspected};
use crate::host::command::Cmd;
use crate::host::{Host, Result};

const NFT: &str = "/usr/sbin/nft";

/// The capability to configure the network (`CAP_NET_ADMIN`).
const NET_ADMIN: u32 = 12;

/// Lets nft check the table of this site if it is to be loaded. If nft is not installed yet, checks the capabilities
/// of this process, which a container restricts for all of its processes.
pub(super) async fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, site) = (inspected.host, inspected.site);
    let unit = format!("{}-firewall.service", site.name);
    let pending = |unit: &str| inspected.pending_of("service").any(|c| c.subject == unit);
    let (filters, jails) = (
        site.firewall.enabled && pending(&unit),
        site.fail2ban.enabled && pending("fail2ban.service"),
    );
    if !filters && !jails {
        return Ok(());
    }
    let section = if filters { "[firewall]" } else { "[fail2ban]" };
    if !may_filter(host)? {
        found.refuse(format!(
            "this container may not filter packets (it has no `CAP_NET_ADMIN`), which `{section}` is for; give it that right on \
             its host (Docker: `--cap-add=NET_ADMIN`), or take `{section}` away and filter on the host"
        ));
        return Ok(());
    }
    let rules = format!("/etc/{}.nft", site.name);
    let table = inspected.plan.file(Path::new(&rules));
    let Some(table) = table.filter(|_| filters && host.path(Path::new(NFT)).exists()) else {
        return Ok(());
    };
    let check = Cmd::new("nft").args(["--check", "--file", "-"]);
    let output = host
        .run(&check.stdin(table.content.clone()).accept(1))
        .await?;
    if output.code != Some(0) {
        let words = output.stderr.lines().next().unwrap_or("it says nothing");
        let words = words.replace("/dev/stdin", &rules);
        found.refuse(format!(
            "nft does not take the table of `[firewall]` here: {words}; see `nft list ruleset`, and whether the kernel has \
             nf_tables (`modprobe nf_tables`), or take `[firewall]` away"
        ));
    }
    Ok(())
}

/// Whether this process, and the processes that it starts, have the capability.
fn may_filter(host: &Host) -> Result<bool> {
    let status = host.read_text(Path::new("/proc/self/status"))?;
    let rights = status.as_deref().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    });
    Ok(rights.is_none_or(|rights| rights & (1 << NET_ADMIN) != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn a_process_without_the_capability_is_found() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        assert!(may_filter(&host).unwrap());
        std::fs::create_dir_all(root.path().join("proc/self")).unwrap();
        for (rights, expected) in [("000001ffffffffff", true), ("00000000a80425fb", false)] {
            let status = format!("Name:\tx\nCapEff:\t{rights}\n");
            std::fs::write(root.path().join("proc/self/status"), status).unwrap();
            assert_eq!(may_filter(&host).unwrap(), expected);
        }
    }
}
