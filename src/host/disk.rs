//! Calls to the file system that change it, each in one place, so that a test can stand before it.
//!
//! What is changed is durable only when it is synced: a file's bytes with [`OpenFile::sync`], the
//! names in a folder with [`Disk::sync_folder`].

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, fchown, symlink};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::host::safe_dir::{self, SafeDir, as_it_is};

/// One call that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// An entry is looked at, read or listed.
    Read(&'a Path),
    /// A file is opened for writing, and made where it is not there.
    Create(&'a Path),
    /// Bytes are added to an open file.
    Write(&'a Path, &'a [u8]),
    /// An open file is cut to a length.
    Truncate(&'a Path, u64),
    /// An open entry is given to another owner.
    Own(&'a Path),
    /// An open entry gets other permission bits.
    Mode(&'a Path),
    /// A file's bytes, owner and mode are put on disk.
    Sync(&'a Path),
    /// A folder's names are put on disk.
    SyncFolder(&'a Path),
    /// All that was written to the file system of a path is put on disk.
    SyncDisk(&'a Path),
    /// An entry gets another name, whatever had it before.
    Rename(&'a Path, &'a Path),
    /// A symbolic link is made.
    Link(&'a Path),
    /// A folder is made.
    MakeFolder(&'a Path),
    /// A file or a link is removed.
    RemoveFile(&'a Path),
    /// An empty folder is removed.
    RemoveFolder(&'a Path),
    /// A folder is removed with all that is in it.
    RemoveTree(&'a Path),
    /// The gate is about to let something go, by the calls that follow or by a program. No call by itself.
    Destroys {
        /// What goes.
        what: &'a str,
        /// Why it may.
        evidence: &'a str,
    },
}

/// Is told of every call before it is made; an error is answered in its place.
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
    /// The disk on which `watch` stands before every call.
    pub fn watched(watch: impl Fn(&Call<'_>) -> io::Result<()> + 'static) -> Self {
        Self(Some(Rc::new(watch)))
    }

    /// Tells the watch, where there is one. Fails where the watch wants the call to fail.
    pub(crate) fn about_to(&self, call: Call<'_>) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |watch| watch(&call))
    }

    /// Opens an entry that is there, as it is.
    pub(crate) fn open(&self, path: &Path, options: &OpenOptions) -> io::Result<OpenFile> {
        self.about_to(Call::Read(path))?;
        self.opened(path, options)
    }

    /// Opens the regular file that is there, to be read.
    pub(crate) fn open_file(&self, path: &Path) -> io::Result<File> {
        self.about_to(Call::Read(path))?;
        safe_dir::open_file(path)
    }

    /// Opens a file that may have to be made.
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

    /// Waits until the names in a folder are on disk: a rename is only then durable.
    pub(crate) fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.about_to(Call::SyncFolder(path))?;
        safe_dir::open_folder(path)?.sync_all()
    }

    /// Waits until all that was written to the file system of `path` is on disk.
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

    /// Makes a folder of root's and those above it, each durably, where they are not there.
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

    /// Removes whatever is there, with all that is in it, following no links.
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

    /// Cuts it to `length` bytes.
    pub(crate) fn truncate(&self, length: u64) -> io::Result<()> {
        self.disk.about_to(Call::Truncate(&self.path, length))?;
        self.file.set_len(length)
    }

    /// Gives it to an owner and a group.
    pub(crate) fn own(&self, uid: u32, gid: u32) -> io::Result<()> {
        self.disk.about_to(Call::Own(&self.path))?;
        fchown(&self.file, Some(uid), Some(gid))
    }

    /// Sets its permission bits.
    pub(crate) fn mode(&self, mode: u32) -> io::Result<()> {
        self.disk.about_to(Call::Mode(&self.path))?;
        self.file.set_permissions(Permissions::from_mode(mode))
    }

    /// Waits until its bytes, owner and mode are on disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.about_to(Call::Sync(&self.path))?;
        self.file.sync_all()
    }

    /// The open file itself, for reading, locking and passing on.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}
