//! The cgroups of machines, on hosts without systemd as PID 1.
//!
//! On a host with systemd, systemd-nspawn asks for a scope for each machine. Without systemd, all machines would
//! share the caller's cgroup, and the systemd of each machine would kill the units of the others.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;

use super::error::{OnPath, Result};
use super::process::POLL;

/// Whether the host's PID 1 is systemd, as `sd_booted(3)` determines it.
pub(super) fn host_has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// The paths of the cgroup `id` in all hierarchies that systemd manages.
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

/// Creates the cgroups. Returns the files through which a process joins them.
pub(super) fn create(id: &str) -> Result<Vec<PathBuf>> {
    groups(id)
        .map(|group| {
            fs::create_dir_all(&group).on("create", &group)?;
            Ok(group.join("cgroup.procs"))
        })
        .collect()
}

/// Removes the cgroups after their processes have ended.
pub(super) fn remove(id: &str) -> Result<()> {
    for group in groups(id) {
        // the kernel empties a cgroup shortly after its last process has ended
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
