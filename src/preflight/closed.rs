//! What a firewall would cut off.

use super::ports::is_of;
use crate::host::{Host, Result};
use crate::site::Site;

/// What serves others on a port that the firewall would close: SSH above all.
pub(super) fn ports(host: &Host, site: &Site) -> Result<Vec<String>> {
    let ports = site.closed_ports();
    let mut reasons = Vec::new();
    for listener in host.listeners()? {
        if !ports.contains(&listener.port) || listener.address.is_loopback() {
            continue;
        }
        let Some(process) = host.holder(&listener) else {
            continue;
        };
        let own = is_of(host, process.pid, &site.paths.unit);
        if !own && !process.command.contains("postgres") {
            reasons.push(format!(
                "`{}` (pid {}) serves others on port {}, which the firewall of this site would close; \
                 move it, or choose another port for Odoo",
                process.command, process.pid, listener.port
            ));
        }
    }
    Ok(reasons)
}
