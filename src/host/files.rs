//! Files of the machine, read and written as a program must that runs as root.
//!
//! [`Host::write`] writes only into folders that only root can change, and checks this. If the last part of a path is
//! a link, it is never followed.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::host::disk::{Call, OpenFile};
use crate::host::safe_dir::{SafeDir, refuse_other_names};
use crate::host::{Error, Host, Ownership, Result};

/// The largest file that is read, in bytes. Configuration files are smaller.
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

/// The metadata of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Its kind.
    pub kind: Kind,
    /// The name of its owner, or the uid if it has no name.
    pub owner: String,
    /// The name of its group, or the gid if it has no name.
    pub group: String,
    /// Its permission bits.
    pub mode: u32,
    /// When its content last changed, in nanoseconds since 1970.
    pub modified: i128,
}

impl Host {
    /// Reads the metadata of an entry without following a link; `None` if it does not exist.
    ///
    /// # Errors
    /// If the metadata cannot be read.
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

    /// Reads a regular file; `None` if it does not exist. Follows no link at the end of the path, and none in a
    /// folder that others than root can change. Never waits for a FIFO and never opens a device.
    ///
    /// # Errors
    /// If it exists and cannot be read, is not a regular file, or is larger than 16 MiB.
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

    /// Reads a regular file as text, like [`Host::read`]. Bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// Those of [`Host::read`].
    pub fn text(&self, path: &Path) -> Result<Option<String>> {
        let bytes = self.read(path)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Reads a system file as text and follows links: only for files that only root can change. Bytes that are not
    /// UTF-8 are replaced.
    ///
    /// # Errors
    /// If it exists and cannot be read.
    pub fn read_text(&self, path: &Path) -> Result<Option<String>> {
        let inside = self.path(path);
        let read = self.disk.about_to(Call::Read(&inside));
        match read.and_then(|()| fs::read(&inside)) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(Error::file("read", path)(e)),
        }
    }

    /// The names in a folder, sorted; empty if the folder does not exist.
    ///
    /// # Errors
    /// If it exists and cannot be listed.
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

    /// The target of a symbolic link; `None` if `path` is not a link or does not exist.
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

    /// Replaces a file atomically: readers see either the old bytes or the new ones, which have their owner and mode
    /// from the start. The new bytes are on disk when this function returns.
    ///
    /// # Errors
    /// If others than root can change the folder, or if a call fails. The old file then stays.
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

    /// Sets the owner, the group and the mode of an entry, through its open descriptor.
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
        // after the change of owner, because the kernel then clears the set-user-ID and set-group-ID bits
        file.mode(mode.bits())
            .map_err(Error::file("set the mode of", path))
    }

    /// Creates a folder in a folder that only root can change.
    ///
    /// # Errors
    /// If it exists already, or cannot be created.
    pub fn make_folder(&self, path: &Path, ownership: Ownership<'_>) -> Result<()> {
        self.owned_by_root(parent(path))?;
        let made = self.disk.make_folder(&self.path(path), 0o700);
        made.map_err(Error::file("create", path))?;
        self.set_owner(path, ownership)?;
        self.sync_folder(parent(path))
    }

    /// Creates a folder in a folder that only root can change, or corrects its owner and mode: it may have been
    /// created under the umask of a unit or of root, and then lock others out.
    ///
    /// # Errors
    /// If it cannot be created or changed.
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

    /// Removes an empty folder; returns `false` if it is not empty.
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

    /// Removes whatever is at `path`, with everything in it. Follows no links.
    ///
    /// # Errors
    /// If something in the tree cannot be removed.
    pub fn remove_tree(&self, path: &Path) -> Result<()> {
        match self.disk.remove_tree(&self.path(path)) {
            Ok(()) => self.sync_folder(parent(path)),
            Err(e) if is_absent(&e) => Ok(()),
            Err(e) => Err(Error::file("remove", path)(e)),
        }
    }

    /// Removes a file or a link, if it exists.
    ///
    /// # Errors
    /// If it exists and cannot be removed.
    pub fn remove_file(&self, path: &Path) -> Result<()> {
        match self.disk.remove_file(&self.path(path)) {
            Ok(()) => self.sync_folder(parent(path)),
            Err(e) if is_absent(&e) => Ok(()),
            Err(e) => Err(Error::file("remove", path)(e)),
        }
    }

    /// Removes the temporary file beside `path` that a killed process left before it could rename the file into
    /// place.
    ///
    /// # Errors
    /// If it exists and cannot be removed.
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

    /// Creates or replaces a symbolic link by one rename.
    ///
    /// # Errors
    /// If it cannot be created, or if `path` is something else than a link.
    pub fn link(&self, path: &Path, target: &Path) -> Result<()> {
        self.owned_by_root(parent(path))?;
        let partial = beside(path);
        let _ = self.disk.remove_file(&self.path(&partial));
        let linked = self.disk.link(&self.path(&partial), target);
        linked.map_err(Error::file("create", &partial))?;
        self.rename(&partial, path)
    }

    /// Waits until everything written to the file system of `path` is on disk.
    ///
    /// # Errors
    /// If the disk reports an error.
    pub fn sync(&self, path: &Path) -> Result<()> {
        let synced = self.disk.sync_disk(&self.path(path));
        synced.map_err(Error::file("sync the disk of", path))
    }

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// If the disk reports an error.
    pub fn sync_folder(&self, path: &Path) -> Result<()> {
        let synced = self.disk.sync_folder(&self.path(path));
        synced.map_err(Error::file("sync", path))
    }

    /// Makes sure that only root can replace `folder`, or entries of it, while they are in use.
    pub(crate) fn owned_by_root(&self, folder: &Path) -> Result<()> {
        let ground = SafeDir::walk(&self.path(folder));
        ground
            .and_then(|ground| ground.is_of_root())
            .map_err(Error::file("look at", folder))
    }
}

/// The parent folder of an absolute path.
fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// The temporary name, in the same folder, for the next version of `path`.
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
