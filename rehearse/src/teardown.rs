//! Taking a machine away, whole or in part, by whichever process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::cgroup;
use super::error::{Error, OnPath, Result};
use super::layer::Layer;
use super::network::Subnet;
use super::record::Record;

/// systemd itself gives a unit 90 s to stop.
const POWER_OFF: Duration = Duration::from_secs(120);
/// For the kernel to end all processes of a PID namespace.
const KILL: Duration = Duration::from_secs(20);

/// Lets the machine shut itself down, and waits until it has.
pub(super) fn shut_down(record: &mut Record) -> Result<()> {
    if let Some(nspawn) = record.nspawn {
        // systemd-nspawn passes this on as the signal that asks a PID 1 to power off.
        nspawn.signal(Signal::SIGTERM);
        if !nspawn.wait(POWER_OFF) {
            return Err(still_running(record, POWER_OFF));
        }
    }
    forget_processes(record);
    Ok(())
}

/// Ends the machine's processes at once.
fn kill(record: &mut Record) -> Result<()> {
    if let Some(nspawn) = record.nspawn {
        // With its PID 1 the kernel ends every process of the machine, and systemd-nspawn follows.
        for child in nspawn.children() {
            child.signal(Signal::SIGKILL);
        }
        if !nspawn.wait(KILL) {
            nspawn.signal(Signal::SIGKILL);
        }
    }
    // Still there when systemd-nspawn itself was killed, by whomever.
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

/// Removes all that a machine has added to the host. What fails does not keep the rest from being
/// tried; the state folder stays until nothing failed.
pub(super) fn take_down(state: &Path, record: &mut Record) -> Result<()> {
    // Nothing can be taken from under processes that still run.
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
