//! The free space on the disks, measured on the file system that will really store the files.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};

use super::{Found, Inspected};
use crate::host::{Error, Host, Result};

/// What the plan needs of one disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    megabytes: u64,
    thousands: u64,
    runs: bool,
}

/// Adds up what the pending steps need on each file system, and compares this with the free space.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let host = inspected.host;
    let mut disks: BTreeMap<u64, (PathBuf, Load)> = BTreeMap::new();
    let steps = inspected.plan.steps.iter().zip(&inspected.observed.found);
    let pending = steps.zip(&inspected.observed.changes);
    let pending = pending.filter(|(_, change)| change.is_pending());
    let mut counted = Vec::new();
    for ((step, now), _) in pending {
        for brought in step.resource.footprint(now)? {
            // several steps of apt together need no more than one
            if counted.contains(&brought) {
                continue;
            }
            let (device, place) = real(host, &brought.place)?;
            let (_, sum) = disks.entry(device).or_insert((place, Load::default()));
            sum.megabytes += brought.megabytes;
            sum.thousands += brought.thousands;
            sum.runs |= brought.runs;
            counted.push(brought);
        }
    }
    for (place, load) in disks.into_values() {
        reasons(host, &place, load, found);
    }
    Ok(())
}

/// The file system that would store `place`, and the nearest existing folder. Links are followed, as they are when
/// the files are written.
fn real(host: &Host, place: &Path) -> Result<(u64, PathBuf)> {
    let mut folder = place;
    loop {
        match std::fs::metadata(host.path(folder)) {
            Ok(meta) => return Ok((meta.dev(), folder.to_owned())),
            Err(error) => match folder.parent() {
                Some(parent) => folder = parent,
                None => return Err(Error::file("look at", place)(error)),
            },
        }
    }
}

fn reasons(host: &Host, place: &Path, load: Load, found: &mut Found) {
    let Ok(disk) = statvfs(&host.path(place)) else {
        return;
    };
    let name = place.display();
    let free = disk.blocks_available() * disk.fragment_size() / 1_000_000;
    if free < load.megabytes {
        found.refuse(format!(
            "{free} MB are free on the disk of `{name}`, about {} MB are needed; make room or mount another disk there",
            load.megabytes
        ));
    }
    // some file systems report 0
    let thousands = disk.files_available() / 1000;
    if disk.files() > 0 && thousands < load.thousands {
        found.refuse(format!(
            "the disk of `{name}` can hold {} more files and folders (`df -i {name}`), about {}000 are needed; \
             remove what is not needed, or mount another disk there",
            disk.files_available(),
            load.thousands
        ));
    }
    if disk.flags().contains(FsFlags::ST_RDONLY) {
        found.refuse(format!(
            "the disk of `{name}` is mounted read-only; `mount -o remount,rw` it (`findmnt --target {name}`)"
        ));
    }
    if load.runs && disk.flags().contains(FsFlags::ST_NOEXEC) {
        found.refuse(format!(
            "nothing can be run from the disk of `{name}`, because it is mounted with `noexec` (`findmnt --target {name}`); \
             take that option away, or mount another disk there"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn a_place_is_measured_on_its_real_file_system() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        std::fs::create_dir_all(root.path().join("srv/large")).unwrap();
        std::os::unix::fs::symlink(root.path().join("srv"), root.path().join("opt")).unwrap();
        let found = real(&host, Path::new("/opt/large/releases/1")).unwrap();
        assert_eq!(found.1, Path::new("/opt/large"));
        assert_eq!(
            real(&host, Path::new("/none/at/all")).unwrap().1,
            Path::new("/")
        );
    }

    #[test]
    fn a_full_disk_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        let told = |load: Load| {
            let mut found = Found::default();
            reasons(&host, Path::new("/"), load, &mut found);
            found.reasons
        };
        assert_eq!(
            told(Load {
                megabytes: 1,
                ..Load::default()
            }),
            [""; 0]
        );
        let refused = told(Load {
            megabytes: u64::MAX,
            thousands: u64::MAX,
            runs: false,
        });
        assert!(refused[0].contains("MB are free on the disk of `/`"));
    }
}
