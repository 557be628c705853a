//! Where a machine's processes are accounted, on hosts whose PID 1 is not systemd.
//!
//! With systemd, systemd-nspawn asks for a scope of its own. Without, all machines would share
//! the caller's group, and each PID 1 would kill the others' units in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;

use super::error::{OnPath, Result};
use super::process::POLL;

/// Whether the host's PID 1 is systemd, as `sd_booted(3)` has it.
pub(super) fn host_has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// A group of this name in every hierarchy that systemd manages.
fn groups(id: &str) -> impl Iterator<Item = PathBuf> {
    [
        "/sys/fs/cgroup",
        "/sys/fs/cgroup/unified",
        "/sys/fs/cgroup/systemd",
    ]
    .into_iter()
    .map(Path::new)
    .filter(|hierarchy| hierarchy.join("cgroup.procs").exists())
    .map(move |hierarchy| hierarchy.join(id))
}

/// Makes the groups, and returns the files that take a process into them.
pub(super) fn create(id: &str) -> Result<Vec<PathBuf>> {
    groups(id)
        .map(|group| {
            fs::create_dir_all(&group).on("create", &group)?;
            Ok(group.join("cgroup.procs"))
        })
        .collect()
}

/// Removes the groups, once their processes have ended.
pub(super) fn remove(id: &str) -> Result<()> {
    for group in groups(id) {
        // The kernel empties a group a moment after the last process is gone.
        for _ in 0..100 {
            if !group.exists() || remove_tree(&group).is_ok() {
                break;
            }
            sleep(POLL);
        }
        if group.exists() {
            remove_tree(&group).on("remove", &group)?;
        }
    }
    Ok(())
}

fn remove_tree(group: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}
