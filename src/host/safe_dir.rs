//! The ground that a path stands on: which folders it leads through, and who else can change them.
//!
//! A path is walked folder by folder, each held open, so that nobody can swap one behind the walker.
//! Links of root's are followed; in a folder that others can change, none is.

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

/// As many links as the kernel follows.
pub(super) const MOST_LINKS: usize = 40;

/// A folder, held open.
#[derive(Debug)]
pub(crate) struct SafeDir {
    fd: OwnedFd,
    /// Who owns it.
    owner: u32,
    /// The first folder on the way to it, or itself, that others than root can change.
    shared: Option<PathBuf>,
}

/// A place that is not what a root-run program may use.
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

    /// The refusal that an error tells of, where it does.
    pub(crate) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl SafeDir {
    /// Walks to the folder at an absolute `path`.
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
        // in a sticky folder nobody can touch what is not his
        let sticky = mode & 0o1000 != 0;
        let open = mode & 0o002 != 0 || (mode & 0o020 != 0 && stat.st_gid != 0);
        let is_shared = !is_ours(owner) || (open && !sticky);
        let shared = shared.or_else(|| is_shared.then(|| at.to_owned()));
        Self { fd, owner, shared }
    }

    /// Refuses where others than root can change the folder, or one above it.
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

    /// What the entry of that name is, a link being one.
    fn stat(&self, name: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// The entry of that name as it is, not opened: a look has no effect on any kind.
    fn look(&self, name: &OsStr) -> io::Result<OwnedFd> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(openat(&self.fd, name, flags, Mode::empty())?)
    }
}

/// Opens the regular file at `path` for reading. Neither follows a link at the end of the path nor
/// waits on a FIFO, nor wakes a device.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let (ground, name) = above(path)?;
    regular(&ground.stat(name)?, path)?;
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = openat(&ground.fd, name, flags, Mode::empty())?;
    // it may have been swapped since the look
    let stat = fstat(&file)?;
    regular(&stat, path)?;
    // a file of somebody else's can be given another name in one's own folder, not another owner
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

/// Reads the regular file at `path`, opened as [`open_file`] does.
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

/// Gives an entry another name. Both are names in folders held open.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let ((old, old_name), (new, new_name)) = (above(from)?, above(to)?);
    Ok(renameat(&old.fd, old_name, &new.fd, new_name)?)
}

/// Whether a file has other names too.
pub(crate) fn refuse_other_names(file: &File, path: &Path) -> io::Result<()> {
    let meta = file.metadata()?;
    if meta.is_file() && meta.nlink() > 1 {
        let reason = "the file has another name elsewhere, a hard link";
        return Err(Refusal::error(path, reason));
    }
    Ok(())
}

/// Lets a file be opened for what it is: no link is followed, no FIFO waited for.
pub(crate) fn as_it_is(options: &std::fs::OpenOptions) -> std::fs::OpenOptions {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut options = options.clone();
    options.custom_flags(flags.bits());
    options
}

const FOLDER: OFlag = OFlag::O_PATH
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_CLOEXEC);

/// The folder of `path` and the name in it.
fn above(path: &Path) -> io::Result<(SafeDir, &OsStr)> {
    let name = path.file_name().ok_or(Errno::EISDIR)?;
    Ok((SafeDir::walk(path.parent().unwrap_or(path))?, name))
}

/// The names of a path, the last first.
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
