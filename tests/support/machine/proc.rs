//! Processes, their sockets, and how they answer requests.

use super::{Answer, Model};

impl Model {
    /// Writes `/proc` for the running units.
    pub(super) fn write_proc(&self) {
        for name in self.disk.list("/proc") {
            if name.parse::<u32>().is_ok() {
                self.disk.remove(&format!("/proc/{name}"));
            }
        }
        let mut table = String::from("  sl  local_address rem_address   st\n");
        for (unit, running) in &self.state.borrow().units {
            let Some(pid) = running.pid else { continue };
            self.disk
                .put(&format!("/proc/{pid}/cmdline"), "python\0odoo-bin");
            self.disk.put(
                &format!("/proc/{pid}/cgroup"),
                format!("0::/system.slice/{unit}\n"),
            );
            for port in &running.ports {
                let inode = 100_000 * u64::from(pid) + u64::from(*port);
                // a configuration without an address means all addresses
                let address = running.address.parse();
                let address = address.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED);
                let word = u32::from_ne_bytes(address.octets());
                table += &format!(
                    "   0: {word:08X}:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 999 0 {inode} 1\n"
                );
                self.disk.link(
                    &format!("/proc/{pid}/fd/{port}"),
                    &format!("socket:[{inode}]"),
                );
            }
        }
        self.disk.put("/proc/net/tcp", table);
    }

    pub(super) fn runs_something(&self, user: &str) -> bool {
        let state = self.state.borrow();
        state
            .units
            .values()
            .any(|unit| unit.pid.is_some() && unit.user == user)
    }

    /// Whether a file lets that group, or all, read it.
    pub(super) fn readable(&self, path: &str, gid: u32) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let Ok(meta) = self.disk.at(&self.disk.resolve(path)).metadata() else {
            return false;
        };
        meta.mode() & 0o004 != 0 || (meta.gid() == gid && meta.mode() & 0o040 != 0)
    }

    /// Requests a URL; the first line of the answer is the status, the rest is the page.
    pub(super) fn get(&self, url: &str) -> Answer {
        let rest = url.strip_prefix("http://").expect("plain HTTP");
        let (place, page) = rest.split_once('/').expect("a page");
        let (_, port) = place.split_once(':').expect("a port");
        let port: u16 = port.parse().unwrap();
        let state = self.state.borrow();
        let running = state
            .units
            .values()
            .find(|unit| unit.pid.is_some() && unit.ports.contains(&port));
        let Some(unit) = running else {
            return Err((7, format!("connection to {place} refused")));
        };
        let postgres = &state.postgres;
        let whole = postgres.running
            && postgres.roles.get(&unit.user).is_some_and(|r| r.login)
            && postgres
                .databases
                .get(&unit.database)
                .is_some_and(|d| d.modules.is_some() && d.owner == unit.user);
        Ok(match page {
            _ if !whole => "500\n{\"status\": \"fail\"}".into(),
            "web/health?db_server_status=1" | "web/health" => "200\n{\"status\": \"pass\"}".into(),
            "web/login" => "200\n<input name=\"login\"/>".into(),
            _ => "404\n".into(),
        })
    }
}
