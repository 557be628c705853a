//! The writable layer of a machine, and the overlay that combines it with the base.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::base::{Base, Draft};
use super::error::{Error, OnPath, Result};
use super::process::POLL;
use super::program::run;
use super::spec::Storage;

/// The folders of a machine's files, in its state folder.
pub(super) struct Layer {
    /// What the machine writes; a tmpfs is mounted here if this is kept in memory.
    store: PathBuf,
    /// The machine's `/`.
    root: PathBuf,
}

impl Layer {
    pub(super) fn new(state: &Path) -> Self {
        Self {
            store: state.join("layer"),
            root: state.join("root"),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn upper(&self) -> PathBuf {
        self.store.join("upper")
    }

    /// Mounts an overlay of an empty layer over a base.
    pub(super) fn mount(&self, base: &Base, storage: Storage) -> Result<()> {
        create(&self.store)?;
        create(&self.root)?;
        if storage == Storage::Tmpfs {
            mount(
                Some("tmpfs"),
                &self.store,
                Some("tmpfs"),
                MsFlags::empty(),
                Some("mode=0755"),
            )
            .on("mount memory on", &self.store)?;
        }
        let (upper, work) = (self.upper(), self.store.join("work"));
        create(&upper)?;
        create(&work)?;
        let lower: Vec<&str> = base
            .layers()
            .iter()
            .map(|layer| option(layer))
            .collect::<Result<_>>()?;
        // `index=off,metacopy=off` lets a layer be copied and mounted elsewhere
        let options = format!(
            "lowerdir={},upperdir={},workdir={},index=off,metacopy=off",
            lower.join(":"),
            option(&upper)?,
            option(&work)?,
        );
        mount(
            Some("overlay"),
            &self.root,
            Some("overlay"),
            MsFlags::empty(),
            Some(options.as_str()),
        )
        .on("mount an overlay on", &self.root)
    }

    /// Copies what the machine wrote into a draft of a base. The overlay must be unmounted.
    pub(super) fn freeze(&self, draft: &Draft, storage: Storage) -> Result<()> {
        let (upper, kept) = (self.upper(), draft.root());
        match storage {
            Storage::Disk => fs::rename(&upper, &kept).on("rename", &upper),
            Storage::Tmpfs => run(Command::new("cp")
                .args(["--archive", "--no-target-directory"])
                .args([&upper, &kept]))
            .map(drop),
        }
    }

    pub(super) fn unmount_root(&self) -> Result<()> {
        unmount(&self.root)
    }

    pub(super) fn unmount_all(&self) -> Result<()> {
        self.unmount_root()?;
        unmount(&self.store)
    }
}

fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).on("create", folder)
}

/// A path for the overlay's mount options.
fn option(path: &Path) -> Result<&str> {
    path.to_str()
        .filter(|text| !text.contains([',', ':', '\\']))
        .ok_or_else(|| Error::BadPath(path.to_owned()))
}

/// Unmounts a folder, if something is mounted there.
fn unmount(folder: &Path) -> Result<()> {
    for _ in 0..100 {
        match umount2(folder, MntFlags::UMOUNT_NOFOLLOW) {
            Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => return Ok(()),
            // the mounts of a killed process disappear shortly after it
            Err(Errno::EBUSY) => sleep(POLL),
            Err(error) => return Err(error).on("unmount", folder),
        }
    }
    // a process on the host still uses it: detach it, so that it disappears when that process is done
    umount2(folder, MntFlags::MNT_DETACH).on("unmount", folder)
}
