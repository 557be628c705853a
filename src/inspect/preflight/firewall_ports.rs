//! Services that the firewall would block.

use std::path::Path;

use super::ports::is_of;
use crate::host::{Host, Result};
use crate::site::Site;

/// Services of others on ports that the firewall would close, above all SSH.
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
        if !own && !is_server(host, process.pid) {
            reasons.push(format!(
                "`{}` (pid {}) serves others on port {}, which the firewall of this site would close; \
                 move it, or choose another port for Odoo",
                process.command, process.pid, listener.port
            ));
        }
    }
    Ok(reasons)
}

/// Whether a process is PostgreSQL, which is not offered to other hosts. Judged by its executable, not by the name
/// that it gives itself. The kernel shows the executable only to root.
fn is_server(host: &Host, pid: i32) -> bool {
    let program = host.link_target(Path::new(&format!("/proc/{pid}/exe")));
    program.is_ok_and(|program| {
        program.is_some_and(|program| {
            // the kernel marks an executable as deleted if it was upgraded while running
            let program = program.to_string_lossy();
            let program = program.trim_end_matches(" (deleted)");
            program.starts_with("/usr/lib/postgresql/") && program.ends_with("/bin/postgres")
        })
    })
}
