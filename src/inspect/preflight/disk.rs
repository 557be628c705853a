//! Room on the disks, each looked at where things are really stored.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};

use super::{Found, Inspected};
use crate::host::{Error, Host, Result};
use crate::plan::Step;
use crate::resource::AnyResource;

/// What something brings to a place: megabytes, thousands of files, and whether programs are run from there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    megabytes: u64,
    thousands: u64,
    runs: bool,
}

const fn load(megabytes: u64, thousands: u64, runs: bool) -> Load {
    Load {
        megabytes,
        thousands,
        runs,
    }
}

/// All packages together; measured with Odoo 19 on Debian 12, as all below.
const PACKAGES: [(&str, Load); 2] = [("/usr", load(450, 15, true)), ("/var", load(250, 1, false))];

/// Odoo's own source, and one of add-ons: those that have more are few.
const ODOO: Load = load(1500, 50, true);
const ADDONS: Load = load(100, 5, true);

/// The Python environment.
const VENV: Load = load(600, 20, true);

/// A database, as PostgreSQL and as Odoo keeps it.
const DATABASE: [Load; 2] = [load(150, 2, false), load(50, 1, false)];

/// Where PostgreSQL keeps its own.
const CLUSTERS: &str = "/var/lib/postgresql";

/// Sums what the pending steps bring, for each file system, and compares it with what there is.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let host = inspected.host;
    let mut disks: BTreeMap<u64, (PathBuf, Load)> = BTreeMap::new();
    let mut add = |place: &Path, load: Load| -> Result<()> {
        let (device, place) = real(host, place)?;
        let (_, sum) = disks.entry(device).or_insert((place, Load::default()));
        sum.megabytes += load.megabytes;
        sum.thousands += load.thousands;
        sum.runs |= load.runs;
        Ok(())
    };
    let mut packages = inspected.pending_of("packages");
    if packages.next().is_some() {
        for (place, load) in PACKAGES {
            add(Path::new(place), load)?;
        }
    }
    let steps = inspected.plan.steps.iter().zip(&inspected.observed.changes);
    for (step, change) in steps {
        if change.is_pending() && change.before.is_none() {
            for (place, load) in brought(step, inspected) {
                add(&place, load)?;
            }
        }
    }
    for (place, load) in disks.into_values() {
        reasons(host, &place, load, found);
    }
    Ok(())
}

/// What a step brings that makes something new.
fn brought(step: &Step, inspected: &Inspected<'_>) -> Vec<(PathBuf, Load)> {
    match &step.resource {
        AnyResource::Checkout(checkout) => {
            let load = if step.id == "source" { ODOO } else { ADDONS };
            vec![(checkout.path.clone(), load)]
        }
        AnyResource::Venv(venv) => vec![(venv.path.clone(), VENV)],
        AnyResource::Database(_) => {
            let data = (inspected.site.paths.data.clone().into(), DATABASE[1]);
            let here = inspected.site.postgres.server.is_none();
            let server = here.then(|| (CLUSTERS.into(), DATABASE[0]));
            server.into_iter().chain([data]).collect()
        }
        _ => Vec::new(),
    }
}

/// The file system on which something at `place` would be stored, and the nearest folder that is there: links are
/// followed, as whoever writes there follows them.
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
            "{free} MB are free where `{name}` lies, about {} MB are needed; make room or mount another disk there",
            load.megabytes
        ));
    }
    // some file systems count none
    let thousands = disk.files_available() / 1000;
    if disk.files() > 0 && thousands < load.thousands {
        found.refuse(format!(
            "the disk where `{name}` lies can hold {} more files and folders (`df -i {name}`), about {}000 are needed; \
             remove what is not needed, or mount another disk there",
            disk.files_available(),
            load.thousands
        ));
    }
    if disk.flags().contains(FsFlags::ST_RDONLY) {
        found.refuse(format!(
            "the disk where `{name}` lies is mounted read-only; `mount -o remount,rw` it (`findmnt --target {name}`)"
        ));
    }
    if load.runs && disk.flags().contains(FsFlags::ST_NOEXEC) {
        found.refuse(format!(
            "nothing can be run from the disk where `{name}` lies, it is mounted with `noexec` (`findmnt --target {name}`); \
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
    fn a_place_is_measured_where_it_really_is() {
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
    fn what_has_no_room_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        let told = |load: Load| {
            let mut found = Found::default();
            reasons(&host, Path::new("/"), load, &mut found);
            found.reasons
        };
        assert_eq!(told(load(1, 0, false)), [""; 0]);
        let refused = told(load(u64::MAX, u64::MAX, false));
        assert!(refused[0].contains("MB are free where `/` lies"));
    }
}
