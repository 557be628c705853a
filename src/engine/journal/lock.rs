//! The lock of a site: only one odoo-deploy works on a site at a time.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::engine::journal::{Error, Result, now};
use crate::host::disk::OpenFile;
use crate::host::{Disk, LOCKS, lock_owner, lock_table, safe_dir};

/// How long a process that has just taken the lock may take to write its [`Holder`] into the file.
const NAMELESS: Duration = Duration::from_millis(500);

/// The lock of a site, held until this value is dropped or the process ends for any reason.
///
/// It is the kernel's lock on the open file, and the file is closed on exec. So neither a file left by a killed
/// process nor a surviving child process can hold the lock.
#[derive(Debug)]
pub struct Lock {
    file: OpenFile,
}

/// The process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its command.
    pub command: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = now().saturating_sub(self.since);
        write!(
            f,
            "`{}` (pid {}) holds the lock since {}",
            self.command,
            self.pid,
            ago(seconds)
        )
    }
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

impl Lock {
    /// Takes the lock at `path` on `disk` for `command`.
    ///
    /// # Errors
    /// If another process holds the lock: [`Error::Locked`], without waiting. If the file cannot be opened or written.
    pub fn take(disk: &Disk, path: &Path, command: &str) -> Result<Self> {
        let folder = path.parent().unwrap_or(path);
        let made = disk.make_folders(folder, 0o755);
        made.map_err(Error::file("create", folder))?;
        let mut options = OpenOptions::new();
        let options = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let opened = disk.create(path, options);
        let mut open = opened.map_err(Error::file("open", path))?;
        safe_dir::refuse_other_names(open.file(), path).map_err(Error::file("open", path))?;
        let until = Instant::now() + NAMELESS;
        while let Err(error) = open.file().try_lock() {
            if let TryLockError::Error(e) = error {
                return Err(Error::file("lock", path)(e));
            }
            let late = Instant::now() >= until;
            if let Some(holder) = Holder::of(open.file()).or(late.then(Holder::unknown)) {
                return Err(Error::Locked(holder));
            }
            sleep(Duration::from_millis(1));
        }
        let holder = Holder {
            pid: std::process::id(),
            command: command.to_owned(),
            since: now(),
        };
        let text = serde_json::to_vec(&holder)?;
        let written = open.truncate(0).and_then(|()| open.write(&text));
        written.map_err(Error::file("write", path))?;
        Ok(Self { file: open })
    }

    /// Returns who holds the lock at `path`, if any process does. Does not try to take the lock.
    #[must_use]
    pub fn holder(path: &Path) -> Option<Holder> {
        Holder::of(&safe_dir::open_file(path).ok()?)
    }
}

impl Drop for Lock {
    /// Closing the file is not enough: a child between fork and exec has the file open, too.
    fn drop(&mut self) {
        let _ = self.file.file().unlock();
    }
}

impl Holder {
    /// Reads the holder from `file`, if the kernel says that the same process still holds the lock. Also `None` for a
    /// moment after the lock was taken, until the holder is written.
    fn of(file: &File) -> Option<Self> {
        let table = lock_table(Path::new(LOCKS)).ok()?;
        let pid = lock_owner(&table, file.metadata().ok()?.ino())?;
        // from the start: an earlier read has moved the file's position
        let mut text = [0; 512];
        let length = file.read_at(&mut text, 0).ok()?;
        let holder: Self = serde_json::from_slice(&text[..length]).ok()?;
        (i32::try_from(holder.pid) == Ok(pid)).then_some(holder)
    }

    fn unknown() -> Self {
        Self {
            pid: 0,
            command: "odoo-deploy".into(),
            since: now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn the_second_process_is_told_the_holder_and_a_leftover_file_does_not_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/odoo.lock");
        let first = Lock::take(&Disk::default(), &path, "the first").unwrap();
        let Err(Error::Locked(holder)) = Lock::take(&Disk::default(), &path, "the second") else {
            panic!("taken twice");
        };
        assert_eq!(holder.command, "the first");
        assert_eq!(holder.pid, std::process::id());
        assert_eq!(Lock::holder(&path), Some(holder));
        drop(first);
        assert!(path.exists());
        assert_eq!(Lock::holder(&path), None);
        Lock::take(&Disk::default(), &path, "the third").unwrap();
    }

    #[test]
    fn a_dropped_lock_is_free_though_a_copy_of_the_open_file_exists() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odoo.lock");
        let first = Lock::take(&Disk::default(), &path, "one").unwrap();
        let _of_a_child = first.file.file().try_clone().unwrap();
        drop(first);
        Lock::take(&Disk::default(), &path, "two").unwrap();
    }

    #[test]
    fn asking_for_the_holder_never_blocks_a_process_that_takes_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("odoo.lock");
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let _ = Lock::holder(&path);
                }
            });
            let taken = (0..3000).find_map(|_| Lock::take(&Disk::default(), &path, "one").err());
            over.store(true, Ordering::Relaxed);
            assert!(taken.is_none(), "{taken:?}");
        });
    }
}
