//! A copy of what is at a path, to put back later.

use std::fs::{self, Metadata, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nix::sys::stat::{Mode, SFlag, mknod};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Image {
    Nothing,
    /// A file, with the time of its last change.
    File(Rights, Vec<u8>, SystemTime),
    Link(Rights, PathBuf),
    /// A FIFO, socket or device: its type and device number.
    Node(Rights, SFlag, u64),
    Folder(Rights, Vec<(PathBuf, Image)>),
}

/// Owner, group, mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rights(u32, u32, u32);

impl Image {
    pub(super) fn of(path: &Path) -> Self {
        let Ok(meta) = path.symlink_metadata() else {
            return Self::Nothing;
        };
        let rights = Rights::of(&meta);
        if meta.is_symlink() {
            return Self::Link(rights, fs::read_link(path).unwrap());
        }
        if meta.is_file() {
            return Self::File(rights, fs::read(path).unwrap(), meta.modified().unwrap());
        }
        if !meta.is_dir() {
            let kind = SFlag::from_bits_truncate(meta.mode() & SFlag::S_IFMT.bits());
            return Self::Node(rights, kind, meta.rdev());
        }
        let names = fs::read_dir(path).unwrap();
        let inside = names.map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into(), Self::of(&entry.path()))
        });
        Self::Folder(rights, inside.collect())
    }

    /// The size of a file; 0 for anything else.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::File(_, bytes, _) => bytes.len(),
            _ => 0,
        }
    }

    /// Replaces whatever is at `path` with the copy; does nothing if the folder of `path` no longer exists.
    pub(super) fn put(&self, path: &Path) {
        if *self == Self::of(path) || !path.parent().unwrap().is_dir() {
            return;
        }
        match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).unwrap(),
            Ok(_) => fs::remove_file(path).unwrap(),
            Err(_) => (),
        }
        match self {
            Self::Nothing => (),
            Self::File(rights, bytes, modified) => {
                fs::write(path, bytes).unwrap();
                modify(path, *modified);
                rights.give(path);
            }
            Self::Link(Rights(uid, gid, _), target) => {
                symlink(target, path).unwrap();
                lchown(path, Some(*uid), Some(*gid)).unwrap();
            }
            Self::Node(rights, kind, device) => {
                mknod(path, *kind, Mode::empty(), *device).unwrap();
                rights.give(path);
            }
            Self::Folder(rights, inside) => {
                fs::create_dir(path).unwrap();
                for (name, image) in inside {
                    image.put(&path.join(name));
                }
                rights.give(path);
            }
        }
    }

    /// Writes the bytes of this copy to the file at `path`, if both are files.
    pub(super) fn put_bytes(&self, path: &Path) {
        if let (Self::File(_, bytes, modified), true) = (self, path.is_file()) {
            let file = OpenOptions::new().write(true).truncate(true).open(path);
            file.unwrap().write_all(bytes).unwrap();
            modify(path, *modified);
        }
    }

    /// Sets the owner and mode of this copy at `path`.
    pub(super) fn put_rights(&self, path: &Path) {
        if let Self::File(rights, ..) | Self::Folder(rights, _) = self
            && (path.is_file() || path.is_dir())
        {
            rights.give(path);
        }
    }
}

fn modify(path: &Path, modified: SystemTime) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
}

impl Rights {
    fn of(meta: &Metadata) -> Self {
        Self(meta.uid(), meta.gid(), meta.mode() & 0o7777)
    }

    fn give(self, path: &Path) {
        let Self(uid, gid, mode) = self;
        chown(path, Some(uid), Some(gid)).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
}
