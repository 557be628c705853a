//! All calls that change the file system. Each kind of call is in one place, where a test can intercept it.
//!
//! A change is durable only after a sync: [`OpenFile::sync`] for the bytes of a file, [`Disk::sync_folder`] for the
//! names in a folder.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, fchown, symlink};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::host::safe_dir::{self, SafeDir, as_it_is};

/// A call that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// An entry is read or listed, or its metadata is.
    Read(&'a Path),
    /// A file is opened for writing, and created if it does not exist.
    Create(&'a Path),
    /// Bytes are added to an open file.
    Write(&'a Path, &'a [u8]),
    /// An open file is truncated to a length.
    Truncate(&'a Path, u64),
    /// An open entry gets another owner.
    Own(&'a Path),
    /// An open entry gets another mode.
    Mode(&'a Path),
    /// The bytes, the owner and the mode of a file are synced to disk.
    Sync(&'a Path),
    /// The names in a folder are synced to disk.
    SyncFolder(&'a Path),
    /// Everything written to the file system of a path is synced to disk.
    SyncDisk(&'a Path),
    /// An entry gets another name. An entry that has this name already is replaced.
    Rename(&'a Path, &'a Path),
    /// A symbolic link is made.
    Link(&'a Path),
    /// A folder is made.
    MakeFolder(&'a Path),
    /// A file or a link is removed.
    RemoveFile(&'a Path),
    /// An empty folder is removed.
    RemoveFolder(&'a Path),
    /// A folder and everything in it is removed.
    RemoveTree(&'a Path),
    /// The gate is about to allow a removal, by the calls that follow or by a program. This is no call by itself.
    Destroys {
        /// What is removed.
        what: &'a str,
        /// Why it may be removed.
        evidence: &'a str,
    },
}

/// A function that sees every call before it is made. If it returns an error, the call is not made and fails with it.
pub type Watch = dyn Fn(&Call<'_>) -> io::Result<()>;

/// The file systems of the machine.
#[derive(Clone, Default)]
pub struct Disk(Option<Rc<Watch>>);

/// A file or a folder that is open.
#[derive(Debug)]
pub struct OpenFile {
    disk: Disk,
    path: PathBuf,
    file: File,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Watched" } else { "Disk" })
    }
}

impl Disk {
    /// A disk that shows every call to `watch` first.
    pub fn watched(watch: impl Fn(&Call<'_>) -> io::Result<()> + 'static) -> Self {
        Self(Some(Rc::new(watch)))
    }

    /// Shows `call` to the watch, if there is one. Fails if the watch wants the call to fail.
    pub(crate) fn about_to(&self, call: Call<'_>) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |watch| watch(&call))
    }

    /// Opens an existing entry without following a link.
    pub(crate) fn open(&self, path: &Path, options: &OpenOptions) -> io::Result<OpenFile> {
        self.about_to(Call::Read(path))?;
        self.opened(path, options)
    }

    /// Opens an existing regular file for reading.
    pub(crate) fn open_file(&self, path: &Path) -> io::Result<File> {
        self.about_to(Call::Read(path))?;
        safe_dir::open_file(path)
    }

    /// Opens a file for writing; `options` say whether to create it.
    pub(crate) fn create(&self, path: &Path, options: &OpenOptions) -> io::Result<OpenFile> {
        self.about_to(Call::Create(path))?;
        self.opened(path, options)
    }

    fn opened(&self, path: &Path, options: &OpenOptions) -> io::Result<OpenFile> {
        Ok(OpenFile {
            disk: self.clone(),
            path: path.to_owned(),
            file: as_it_is(options).open(path)?,
        })
    }

    /// Waits until the names in a folder are on disk. Before that, a rename is not durable.
    pub(crate) fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.about_to(Call::SyncFolder(path))?;
        safe_dir::open_folder(path)?.sync_all()
    }

    /// Waits until everything written to the file system of `path` is on disk.
    pub(crate) fn sync_disk(&self, path: &Path) -> io::Result<()> {
        self.about_to(Call::SyncDisk(path))?;
        nix::unistd::syncfs(safe_dir::open_folder(path)?).map_err(io::Error::from)
    }

    /// Gives an entry another name.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.about_to(Call::Rename(from, to))?;
        safe_dir::rename(from, to)
    }

    /// Makes a symbolic link.
    pub(crate) fn link(&self, path: &Path, target: &Path) -> io::Result<()> {
        self.about_to(Call::Link(path))?;
        symlink(target, path)
    }

    /// Makes a folder.
    pub(crate) fn make_folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.about_to(Call::MakeFolder(path))?;
        DirBuilder::new().mode(mode).create(path)
    }

    /// Creates a folder of root's and its missing parents, each durably.
    pub(crate) fn make_folders(&self, path: &Path, mode: u32) -> io::Result<()> {
        match SafeDir::walk(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => (),
            ground => return ground?.is_of_root(),
        }
        let parent = path.parent().unwrap_or(path);
        self.make_folders(parent, mode)?;
        match self.make_folder(path, mode) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => (),
            made => made?,
        }
        self.sync_folder(parent)
    }

    /// Removes a file or a link.
    pub(crate) fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.about_to(Call::RemoveFile(path))?;
        fs::remove_file(path)
    }

    /// Removes an empty folder.
    pub(crate) fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.about_to(Call::RemoveFolder(path))?;
        fs::remove_dir(path)
    }

    /// Removes whatever is at `path`, with everything in it. Follows no links.
    pub(crate) fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.about_to(Call::RemoveTree(path))?;
        if path.symlink_metadata()?.is_dir() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
    }
}

impl OpenFile {
    /// Writes all of `bytes`.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.about_to(Call::Write(&self.path, bytes))?;
        self.file.write_all(bytes)
    }

    /// Truncates the file to `length` bytes.
    pub(crate) fn truncate(&self, length: u64) -> io::Result<()> {
        self.disk.about_to(Call::Truncate(&self.path, length))?;
        self.file.set_len(length)
    }

    /// Changes the owner and the group.
    pub(crate) fn own(&self, uid: u32, gid: u32) -> io::Result<()> {
        self.disk.about_to(Call::Own(&self.path))?;
        fchown(&self.file, Some(uid), Some(gid))
    }

    /// Changes the permission bits.
    pub(crate) fn mode(&self, mode: u32) -> io::Result<()> {
        self.disk.about_to(Call::Mode(&self.path))?;
        self.file.set_permissions(Permissions::from_mode(mode))
    }

    /// Waits until the bytes, the owner and the mode are on disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.about_to(Call::Sync(&self.path))?;
        self.file.sync_all()
    }

    /// The underlying open file, for reading, locking and handing on.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}
