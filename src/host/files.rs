//! Files of the machine: read and written as a root-run program must.
//!
//! What is written is in folders that only root can change; that is checked, not hoped for
//! ([`Host::write`]). No link at the end of a path is ever followed.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::host::disk::{Call, OpenFile};
use crate::host::safe_dir::{SafeDir, refuse_other_names};
use crate::host::{Error, Host, Ownership, Result};

/// The largest file that is taken for a configuration file.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What kind of entry a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a socket, a FIFO.
    Other,
}

/// What can be seen of an entry without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Its kind.
    pub kind: Kind,
    /// The name of its owner, or its number.
    pub owner: String,
    /// The name of its group, or its number.
    pub group: String,
    /// Its permission bits.
    pub mode: u32,
    /// When its content last changed, in nanoseconds since 1970.
    pub modified: i128,
}

impl Host {
    /// Looks at an entry, without following a link; `None` where there is none.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub fn meta(&self, path: &Path) -> Result<Option<Meta>> {
        let inside = self.path(path);
        let looked = self.disk.about_to(Call::Read(&inside));
        let meta = match looked.and_then(|()| fs::symlink_metadata(&inside)) {
            Ok(meta) => meta,
            Err(e) if is_absent(&e) => return Ok(None),
            Err(e) => return Err(Error::file("look at", path)(e)),
        };
        let accounts = self.accounts()?;
        let kind = match meta.file_type() {
            t if t.is_file() => Kind::File,
            t if t.is_dir() => Kind::Folder,
            t if t.is_symlink() => Kind::Link,
            _ => Kind::Other,
        };
        Ok(Some(Meta {
            kind,
            owner: accounts.user_name(meta.uid()),
            group: accounts.group_name(meta.gid()),
            mode: meta.mode() & 0o7777,
            modified: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
        }))
    }

    /// Reads a regular file; `None` where there is none. Follows no link at the end of the path, nor
    /// any in a folder that others than root can change; waits on no FIFO, and wakes no device.
    ///
    /// # Errors
    /// If it is there and cannot be read, is not a regular file, or is too large to be one of
    /// ours.
    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        let file = match self.disk.open_file(&self.path(path)) {
            Ok(file) => file,
            Err(e) if is_absent(&e) => return Ok(None),
            Err(e) => return Err(Error::file("open", path)(e)),
        };
        let mut bytes = Vec::new();
        let read = file.take(LARGEST + 1).read_to_end(&mut bytes);
        let length = read.map_err(Error::file("read", path))?;
        if length as u64 > LARGEST {
            return Err(Error::Unsafe {
                path: path.into(),
                reason: format!("it is larger than {LARGEST} bytes"),
            });
        }
        Ok(Some(bytes))
    }

    /// Reads a regular file as [`Host::read`] does, as text. Bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// Those of [`Host::read`].
    pub fn text(&self, path: &Path) -> Result<Option<String>> {
        let bytes = self.read(path)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Reads a file of the system's as text, following links: for what only root can change. Bytes
    /// that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn read_text(&self, path: &Path) -> Result<Option<String>> {
        let inside = self.path(path);
        let read = self.disk.about_to(Call::Read(&inside));
        match read.and_then(|()| fs::read(&inside)) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(Error::file("read", path)(e)),
        }
    }

    /// The names in a folder, sorted; none where there is no such folder.
    ///
    /// # Errors
    /// If it is there and cannot be listed.
    pub fn list(&self, path: &Path) -> Result<Vec<String>> {
        let inside = self.path(path);
        let listed = self.disk.about_to(Call::Read(&inside));
        let entries = match listed.and_then(|()| fs::read_dir(&inside)) {
            Ok(entries) => entries,
            Err(e) if is_absent(&e) => return Ok(Vec::new()),
            Err(e) => return Err(Error::file("list", path)(e)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::file("list", path))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Where a symbolic link points; `None` where there is no link.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn link_target(&self, path: &Path) -> Result<Option<PathBuf>> {
        let inside = self.path(path);
        let read = self.disk.about_to(Call::Read(&inside));
        match read.and_then(|()| fs::read_link(&inside)) {
            Ok(target) => Ok(Some(target)),
            Err(e) if is_absent(&e) || e.kind() == io::ErrorKind::InvalidInput => Ok(None),
            Err(e) => Err(Error::file("read the link", path)(e)),
        }
    }

    /// Writes a file in one step: readers see the old bytes or the new ones, with owner and mode
    /// from the first instant, and after this returns they are on disk.
    ///
    /// # Errors
    /// If the folder can be changed by others than root, or anything fails; the old file stays.
    pub fn write(&self, path: &Path, bytes: &[u8], ownership: Ownership<'_>) -> Result<()> {
        let folder = parent(path);
        self.owned_by_root(folder)?;
        let partial = beside(path);
        let inside = self.path(&partial);
        let _ = self.disk.remove_file(&inside);
        let written = (|| {
            let mut options = OpenOptions::new();
            let options = options.write(true).create_new(true).mode(0o600);
            let mut file = self.disk.create(&inside, options)?;
            file.write(bytes)?;
            Ok(file)
        })();
        let file = written.map_err(Error::file("write", &partial))?;
        self.own(&file, path, ownership)?;
        file.sync().map_err(Error::file("sync", &partial))?;
        let replaced = self.disk.rename(&inside, &self.path(path));
        replaced.map_err(Error::file("replace", path))?;
        self.sync_folder(folder)
    }

    /// Gives an entry its owner, group and mode, through the descriptor of what it is.
    ///
    /// # Errors
    /// If it is a link, an account does not exist, or the change is refused.
    pub fn set_owner(&self, path: &Path, ownership: Ownership<'_>) -> Result<()> {
        self.owned_by_root(parent(path))?;
        let opened = self
            .disk
            .open(&self.path(path), OpenOptions::new().read(true));
        let file = opened.map_err(Error::file("open", path))?;
        refuse_other_names(file.file(), path).map_err(Error::file("give away", path))?;
        self.own(&file, path, ownership)?;
        file.sync().map_err(Error::file("sync", path))
    }

    fn own(&self, file: &OpenFile, path: &Path, ownership: Ownership<'_>) -> Result<()> {
        let Ownership { owner, group, mode } = ownership;
        let accounts = self.accounts()?;
        let uid = owner
            .parse()
            .map_or_else(|_| accounts.user(owner).map(|a| a.uid), Ok)?;
        let gid = group.parse().map_or_else(|_| accounts.group(group), Ok)?;
        file.own(uid, gid).map_err(Error::file("give away", path))?;
        // after the owner: the kernel takes set-id bits away when an owner changes
        file.mode(mode.bits())
            .map_err(Error::file("set the mode of", path))
    }

    /// Makes a folder in a folder of root's.
    ///
    /// # Errors
    /// If it is there already, or cannot be made.
    pub fn make_folder(&self, path: &Path, ownership: Ownership<'_>) -> Result<()> {
        self.owned_by_root(parent(path))?;
        let made = self.disk.make_folder(&self.path(path), 0o700);
        made.map_err(Error::file("create", path))?;
        self.set_owner(path, ownership)?;
        self.sync_folder(parent(path))
    }

    /// Makes sure of a folder in a folder of root's, whatever made it before: a unit's umask, or root's
    /// own, may have kept others out of it.
    ///
    /// # Errors
    /// If it cannot be made or changed.
    pub fn ensure_folder(&self, path: &Path, ownership: Ownership<'_>) -> Result<()> {
        let Ownership { owner, group, mode } = ownership;
        match self.meta(path)? {
            None => self.make_folder(path, ownership),
            Some(meta)
                if (meta.owner.as_str(), meta.group.as_str(), meta.mode)
                    == (owner, group, mode.bits()) =>
            {
                Ok(())
            }
            Some(_) => self.set_owner(path, ownership),
        }
    }

    /// Removes an empty folder; `false` where it is not empty.
    ///
    /// # Errors
    /// If it cannot be removed for another reason.
    pub fn remove_folder(&self, path: &Path) -> Result<bool> {
        match self.disk.remove_folder(&self.path(path)) {
            Ok(()) => self.sync_folder(parent(path)).map(|()| true),
            Err(e) if is_absent(&e) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
            Err(e) => Err(Error::file("remove", path)(e)),
        }
    }

    /// Removes whatever is there, with all that is in it, following no links.
    ///
    /// # Errors
    /// If something in it cannot be removed.
    pub fn remove_tree(&self, path: &Path) -> Result<()> {
        match self.disk.remove_tree(&self.path(path)) {
            Ok(()) => self.sync_folder(parent(path)),
            Err(e) if is_absent(&e) => Ok(()),
            Err(e) => Err(Error::file("remove", path)(e)),
        }
    }

    /// Removes a file or a link; it is no error where there is none.
    ///
    /// # Errors
    /// If it is there and cannot be removed.
    pub fn remove_file(&self, path: &Path) -> Result<()> {
        match self.disk.remove_file(&self.path(path)) {
            Ok(()) => self.sync_folder(parent(path)),
            Err(e) if is_absent(&e) => Ok(()),
            Err(e) => Err(Error::file("remove", path)(e)),
        }
    }

    /// Removes what a killed agent had prepared beside `path` and not yet put in its place.
    ///
    /// # Errors
    /// If it is there and cannot be removed.
    pub fn clear_prepared(&self, path: &Path) -> Result<()> {
        self.remove_file(&beside(path))
    }

    /// Moves an entry within one file system, durably.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let renamed = self.disk.rename(&self.path(from), &self.path(to));
        renamed.map_err(Error::file("rename", from))?;
        self.sync_folder(parent(to))
    }

    /// Makes or replaces a symbolic link by one rename.
    ///
    /// # Errors
    /// If it cannot be made, or something that is no link is in its place.
    pub fn link(&self, path: &Path, target: &Path) -> Result<()> {
        self.owned_by_root(parent(path))?;
        let partial = beside(path);
        let _ = self.disk.remove_file(&self.path(&partial));
        let linked = self.disk.link(&self.path(&partial), target);
        linked.map_err(Error::file("create", &partial))?;
        self.rename(&partial, path)
    }

    /// Waits until all that was written to the file system of `path` is on disk.
    ///
    /// # Errors
    /// If the disk says that it is not.
    pub fn sync(&self, path: &Path) -> Result<()> {
        let synced = self.disk.sync_disk(&self.path(path));
        synced.map_err(Error::file("sync the disk of", path))
    }

    /// Makes durable which entries a folder has.
    ///
    /// # Errors
    /// If the disk says that they are not.
    pub fn sync_folder(&self, path: &Path) -> Result<()> {
        let synced = self.disk.sync_folder(&self.path(path));
        synced.map_err(Error::file("sync", path))
    }

    /// Makes sure that nobody but root can swap `folder`, or entries of it, under our hands.
    pub(crate) fn owned_by_root(&self, folder: &Path) -> Result<()> {
        let ground = SafeDir::walk(&self.path(folder));
        ground
            .and_then(|ground| ground.is_of_root())
            .map_err(Error::file("look at", folder))
    }
}

/// The folder of an absolute path.
fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// The name beside `path` under which its successor is prepared.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    parent(path).join(format!(".{name}.odoo-deploy"))
}

pub(super) fn is_absent(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
