//! Locks between processes.

use std::fs::{File, OpenOptions};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::error::{OnPath, Result};

/// An exclusive lock, released when it is dropped or when its process ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] Flock<File>);

impl Lock {
    /// Takes the lock. Returns `None` if another process holds it.
    pub(super) fn try_take(path: &Path) -> Result<Option<Self>> {
        match Flock::lock(open(path)?, FlockArg::LockExclusiveNonblock) {
            Ok(held) => Ok(Some(Self(held))),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, error)) => Err(error).on("lock", path),
        }
    }

    /// Takes the lock; waits if another process holds it.
    pub(super) fn take(path: &Path) -> Result<Self> {
        loop {
            match Flock::lock(open(path)?, FlockArg::LockExclusive) {
                Ok(held) => return Ok(Self(held)),
                Err((_, Errno::EINTR)) => {}
                Err((_, error)) => return Err(error).on("lock", path),
            }
        }
    }
}

// Lock files are never removed. If one were removed while another process waits for it, two processes could hold
// locks on two different files.
fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .on("open", path)
}
