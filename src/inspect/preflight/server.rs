//! The port of a PostgreSQL server that has not started yet.

use std::path::Path;

use super::{Found, Inspected};
use crate::host::{Host, Process, Result};

/// PostgreSQL's port. If another process holds it during the setup, PostgreSQL takes the next port, where no step
/// looks for it.
const PORT: u16 = 5432;

/// The possible paths of PostgreSQL's socket in the kernel's table.
const SOCKETS: [&str; 2] = [
    "/var/run/postgresql/.s.PGSQL.5432",
    "/run/postgresql/.s.PGSQL.5432",
];

/// Checks the port and the socket of a server that is about to be installed or started.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    if inspected.pending_of("cluster").next().is_none() {
        return Ok(());
    }
    let host = inspected.host;
    let listeners = host.listeners()?;
    let listener = listeners.iter().find(|listener| listener.port == PORT);
    let mut held = listener.map(|listener| (format!("port {PORT}"), host.holder(listener)));
    for socket in SOCKETS {
        if held.is_none() {
            let holder = host.socket_holder(socket)?;
            held = holder.map(|holder| (format!("the socket `{socket}`"), holder));
        }
    }
    let Some((what, holder)) = held else {
        return Ok(());
    };
    if holder.as_ref().is_some_and(|p| is_packaged(host, p)) {
        return Ok(());
    }
    let name = holder.map_or_else(
        || "another program, perhaps of a container".to_owned(),
        |process| format!("`{}` (pid {})", process.command, process.pid),
    );
    found.refuse(format!(
        "{what} is taken by {name}, and the PostgreSQL server of this host would come up on another one, where Odoo does \
         not look; stop that program, or if it is a PostgreSQL that the site is to use, name it below `[postgres]`: `host`, \
         `user` and `password`"
    ));
    Ok(())
}

/// Whether a process belongs to a cluster of PostgreSQL's packages.
fn is_packaged(host: &Host, process: &Process) -> bool {
    let groups = host.read_text(Path::new(&format!("/proc/{}/cgroup", process.pid)));
    let groups = groups.ok().flatten().unwrap_or_default();
    groups
        .split(['/', '\n'])
        .any(|group| group.starts_with("postgresql@"))
}
