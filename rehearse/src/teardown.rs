//! Removal of a machine, or of what is left of it, by any process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::cgroup;
use super::error::{Error, OnPath, Result};
use super::layer::Layer;
use super::network::Subnet;
use super::record::Record;

/// The longest time for a machine to power off. systemd gives a unit 90 s to stop.
const POWER_OFF: Duration = Duration::from_secs(120);
/// The longest time for the kernel to end all processes of a PID namespace.
const KILL: Duration = Duration::from_secs(20);

/// Powers the machine off and waits until its processes have ended.
pub(super) fn shut_down(record: &mut Record) -> Result<()> {
    if let Some(nspawn) = record.nspawn {
        // systemd-nspawn asks PID 1 to power off
        nspawn.signal(Signal::SIGTERM);
        if !nspawn.wait(POWER_OFF) {
            return Err(still_running(record, POWER_OFF));
        }
    }
    forget_processes(record);
    Ok(())
}

/// Kills the machine's processes.
fn kill(record: &mut Record) -> Result<()> {
    if let Some(nspawn) = record.nspawn {
        // if its PID 1 dies, the kernel kills every process of the machine, and systemd-nspawn ends
        for child in nspawn.children() {
            child.signal(Signal::SIGKILL);
        }
        if !nspawn.wait(KILL) {
            nspawn.signal(Signal::SIGKILL);
        }
    }
    // needed if somebody has killed systemd-nspawn itself
    if let Some(init) = record.init {
        init.signal(Signal::SIGKILL);
    }
    for process in [record.init, record.nspawn].into_iter().flatten() {
        if !process.wait(KILL) {
            return Err(still_running(record, KILL));
        }
    }
    forget_processes(record);
    Ok(())
}

fn forget_processes(record: &mut Record) {
    record.init = None;
    record.nspawn = None;
}

fn still_running(record: &Record, waited: Duration) -> Error {
    Error::StillRunning {
        name: record.spec.name.clone(),
        seconds: waited.as_secs(),
    }
}

/// Removes everything that a machine has added to the host. If one removal fails, the others are still tried, and the
/// state folder stays.
pub(super) fn take_down(state: &Path, record: &mut Record) -> Result<()> {
    // first, because running processes keep mounts and networks in use
    kill(record)?;
    let layer = Layer::new(state);
    [
        cgroup::remove(&record.id),
        layer.unmount_all(),
        record.subnet.map_or(Ok(()), Subnet::disconnect),
    ]
    .into_iter()
    .collect::<Result<()>>()?;
    fs::remove_dir_all(state).on("remove", state)
}
