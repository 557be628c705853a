//! The free space on the disks that the site writes to.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::sys::statvfs::{Statvfs, statvfs};

use super::{Finding, Surveyed};
use crate::host::{Error, Result};
use crate::site::Site;

/// Limits for free space: a percentage of the disk, or a number of bytes if that is less. Below the first, Odoo and
/// PostgreSQL are about to fail (one segment of the write-ahead log has 16 MB); below the second, an administrator
/// should act.
const FULL: (u64, u64) = (5, 256 << 20);
const SCARCE: (u64, u64) = (10, 1 << 30);

/// The same kind of limit for the number of files, whatever their size.
const NO_FILES: (u64, u64) = (1, 1_000);

/// Disks with little free space, or with few free inodes.
pub(super) fn findings(surveyed: Surveyed<'_>) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for folder in folders(surveyed.site) {
        let place = surveyed.host.path(Path::new(folder));
        let looked = std::fs::metadata(&place).and_then(|meta| Ok((meta, statvfs(&place)?)));
        let (meta, room) = match looked {
            Ok(found) => found,
            // this folder will be made in a folder above it, which is in the list too
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(Error::file("look at", Path::new(folder))(error)),
        };
        if seen.insert(meta.dev()) {
            found.extend(of(folder, &room));
        }
    }
    Ok(found)
}

/// The folders in which the site, its database and their programs write.
fn folders(site: &Site) -> [&str; 6] {
    [
        site.paths.data.as_str(),
        "/var/lib/postgresql",
        "/var/log",
        "/var/lib",
        "/tmp",
        "/",
    ]
}

fn of(folder: &str, room: &Statvfs) -> Option<Finding> {
    let bytes = |blocks: u64| blocks.saturating_mul(room.fragment_size());
    let (free, all) = (bytes(room.blocks_available()), bytes(room.blocks()));
    let hint = format!(
        "{} of {} MB are free; see `du -xh {folder} | sort -h | tail`, make room or mount a larger disk",
        free / 1_000_000,
        all / 1_000_000
    );
    if is_below(FULL, free, all) {
        return Some(Finding::of_host(
            format!("the disk of `{folder}` is full"),
            hint,
        ));
    }
    // some file systems allocate inodes as needed and report 0
    let (files, all_files) = (room.files_available(), room.files());
    if all_files > 0 && is_below(NO_FILES, files, all_files) {
        return Some(Finding::of_host(
            format!("the disk of `{folder}` holds as many files as it can"),
            format!(
                "{files} more can be made, whatever their size; see `du --inodes -x {folder} | sort -n | tail`"
            ),
        ));
    }
    is_below(SCARCE, free, all).then(|| {
        Finding::soon(
            format!("little room is left on the disk of `{folder}`"),
            hint,
        )
    })
}

fn is_below((percent, most): (u64, u64), free: u64, all: u64) -> bool {
    free < (all / 100).saturating_mul(percent).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_disk_is_full_by_percentage_and_a_large_one_by_bytes() {
        let (mib, tib) = (1 << 20, 1 << 40);
        for (free, all, expected) in [
            (10 * mib, 300 * mib, true),
            (20 * mib, 300 * mib, false),
            (200 * mib, tib, true),
            (300 * mib, tib, false),
            (0, 0, false),
        ] {
            assert_eq!(is_below(FULL, free, all), expected, "{free} of {all}");
        }
    }
}
