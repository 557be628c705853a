//! Walks paths safely: checks which folders a path leads through, and who else can change them.
//!
//! Each folder on the path is held open during the walk, so that no other process can replace it after the check. A
//! link is followed only if root owns it and only root can change its folder.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};

/// The number of links that the kernel follows.
pub(super) const MOST_LINKS: usize = 40;

/// An open folder.
#[derive(Debug)]
pub(crate) struct SafeDir {
    fd: OwnedFd,
    /// The uid of its owner.
    owner: u32,
    /// The first folder on the path, this one included, that others than root can change.
    shared: Option<PathBuf>,
}

/// A path that a program running as root must not use.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, reason) = (self.path.display(), &self.reason);
        write!(f, "refusing to touch `{path}`: {reason}")
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    fn error(path: impl Into<PathBuf>, reason: impl Into<String>) -> io::Error {
        let (path, reason) = (path.into(), reason.into());
        io::Error::other(Self { path, reason })
    }

    /// The refusal inside an error, if there is one.
    pub(crate) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl SafeDir {
    /// Opens the folder at an absolute `path`, folder by folder.
    pub(crate) fn walk(path: &Path) -> io::Result<Self> {
        let mut at = PathBuf::from("/");
        let mut ground = Self::root()?;
        let (mut ahead, mut links) = (names(path), 0);
        while let Some(name) = ahead.pop() {
            let entry = ground.look(&name)?;
            let stat = fstat(&entry)?;
            match kind(&stat) {
                SFlag::S_IFDIR => {
                    at.push(&name);
                    ground = Self::stand(entry, &stat, &at, ground.shared);
                }
                SFlag::S_IFLNK => {
                    if ground.shared.is_some() || !is_ours(stat.st_uid) {
                        let reason = "it is a link that others than root can change";
                        return Err(Refusal::error(at.join(&name), reason));
                    }
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Errno::ELOOP.into());
                    }
                    let target = PathBuf::from(readlinkat(&entry, "")?);
                    if target.is_absolute() {
                        at = "/".into();
                        ground = Self::root()?;
                    }
                    ahead.extend(names(&target));
                }
                _ => return Err(Errno::ENOTDIR.into()),
            }
        }
        Ok(ground)
    }

    fn root() -> io::Result<Self> {
        let fd = open("/", FOLDER, Mode::empty())?;
        let stat = fstat(&fd)?;
        Ok(Self::stand(fd, &stat, Path::new("/"), None))
    }

    fn stand(fd: OwnedFd, stat: &FileStat, at: &Path, shared: Option<PathBuf>) -> Self {
        let (mode, owner) = (stat.st_mode, stat.st_uid);
        // in a sticky folder, users can rename and remove only their own entries
        let sticky = mode & 0o1000 != 0;
        let open = mode & 0o002 != 0 || (mode & 0o020 != 0 && stat.st_gid != 0);
        let is_shared = !is_ours(owner) || (open && !sticky);
        let shared = shared.or_else(|| is_shared.then(|| at.to_owned()));
        Self { fd, owner, shared }
    }

    /// Returns an error if others than root can change this folder, or one above it.
    pub(crate) fn is_of_root(&self) -> io::Result<()> {
        let Some(shared) = &self.shared else {
            return Ok(());
        };
        let reason = format!(
            "others than root can change the folder `{}`",
            shared.display()
        );
        Err(Refusal::error(shared, reason))
    }

    /// The metadata of the entry `name`; a link is not followed.
    fn stat(&self, name: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// A handle of the entry `name` that does not open it (`O_PATH`), so that it has no effect on a FIFO or a device.
    fn look(&self, name: &OsStr) -> io::Result<OwnedFd> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(openat(&self.fd, name, flags, Mode::empty())?)
    }
}

/// Opens the regular file at `path` for reading. Follows no link at the end of the path, waits for no FIFO and opens
/// no device.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let (ground, name) = above(path)?;
    regular(&ground.stat(name)?, path)?;
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = openat(&ground.fd, name, flags, Mode::empty())?;
    // it may have been replaced since the check
    let stat = fstat(&file)?;
    regular(&stat, path)?;
    // users can hard-link a foreign file into their own folder, but they cannot change its owner
    if ground.shared.is_some() && stat.st_nlink > 1 && stat.st_uid != ground.owner {
        return Err(Refusal::error(
            path,
            "it is a hard link to a file of another's",
        ));
    }
    Ok(file.into())
}

fn regular(stat: &FileStat, path: &Path) -> io::Result<()> {
    if kind(stat) == SFlag::S_IFREG {
        return Ok(());
    }
    Err(Refusal::error(
        path,
        "it is not a regular file; move it away",
    ))
}

/// Reads the regular file at `path`, opened by [`open_file`].
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens the folder at `path`.
pub(crate) fn open_folder(path: &Path) -> io::Result<File> {
    let ground = SafeDir::walk(path)?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(openat(&ground.fd, ".", flags, Mode::empty())?.into())
}

/// Renames an entry. Both folders are held open.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let ((old, old_name), (new, new_name)) = (above(from)?, above(to)?);
    Ok(renameat(&old.fd, old_name, &new.fd, new_name)?)
}

/// Returns an error if a file has more than one hard link.
pub(crate) fn refuse_other_names(file: &File, path: &Path) -> io::Result<()> {
    let meta = file.metadata()?;
    if meta.is_file() && meta.nlink() > 1 {
        let reason = "the file has another name elsewhere, a hard link";
        return Err(Refusal::error(path, reason));
    }
    Ok(())
}

/// Adds the flags for opening an entry without following a link or waiting for a FIFO.
pub(crate) fn as_it_is(options: &std::fs::OpenOptions) -> std::fs::OpenOptions {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut options = options.clone();
    options.custom_flags(flags.bits());
    options
}

const FOLDER: OFlag = OFlag::O_PATH
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_CLOEXEC);

/// The open parent folder of `path`, and the name of `path` in it.
fn above(path: &Path) -> io::Result<(SafeDir, &OsStr)> {
    let name = path.file_name().ok_or(Errno::EISDIR)?;
    Ok((SafeDir::walk(path.parent().unwrap_or(path))?, name))
}

/// The names of a path, the last one first.
pub(super) fn names(path: &Path) -> Vec<OsString> {
    let names = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    names.collect()
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits())
}

fn is_ours(uid: u32) -> bool {
    uid == 0 || uid == nix::unistd::geteuid().as_raw()
}
