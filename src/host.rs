//! The machine that odoo-deploy runs on: its files, below a root folder, and its programs.

mod accounts;
mod batch;
mod boot_time;
pub mod command;
pub mod disk;
mod error;
mod files;
mod folder;
pub mod layout;
mod ownership;
mod process;
mod resolved;
pub(crate) mod safe_dir;
pub mod stop;
pub mod store;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

pub use accounts::{Account, Accounts};
pub(crate) use batch::Batch;
pub use boot_time::BootTime;
pub use command::{Cmd, Output, Programs};
pub use disk::Disk;
pub use error::Error;
pub use files::{Kind, Meta};
pub use ownership::{Mode, Ownership};
pub use process::{LOCKS, Listener, Process, lock_owner, lock_table};
pub use store::Store;

use crate::event::Events;
use crate::host::stop::Stop;

/// The result of reading or changing the machine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The default time to wait for another program's lock: as long as a large unattended upgrade takes.
const PATIENCE: Duration = Duration::from_secs(900);

/// The machine that odoo-deploy reads and changes.
///
/// Every path is below a root folder, so that tests can use a temporary folder. Every program is started through
/// [`Host::run`], so that tests can use a model of the programs.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
    disk: Disk,
    programs: Programs,
    events: Events,
    store: Option<Rc<Store>>,
    notes: Option<Rc<Store>>,
    stop: Stop,
    lock_timeout: Duration,
    asked: Rc<Asked>,
    known_accounts: Rc<accounts::Known>,
}

/// The batched calls of programs that can answer several questions at once.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// SQL statements that change nothing, each with its database. The answer is the rows.
    pub(crate) postgresql: Batch<(String, String), Vec<Vec<String>>>,
    /// Names of systemd units. The answer is the unit's properties.
    pub(crate) systemd: Batch<String, String>,
}

impl Host {
    /// The real machine, with its root at `/`.
    #[must_use]
    pub fn this(events: Events) -> Self {
        Self::at("/", Programs::Real, events)
    }

    /// A machine with its files below `root`; calls of programs go to `programs`.
    pub fn at(root: impl Into<PathBuf>, programs: Programs, events: Events) -> Self {
        Self {
            root: root.into(),
            disk: Disk::default(),
            programs,
            events,
            store: None,
            notes: None,
            stop: Stop::default(),
            lock_timeout: PATIENCE,
            asked: Rc::default(),
            known_accounts: Rc::default(),
        }
    }

    /// Returns the same machine with its files on `disk`.
    #[must_use]
    pub fn with_disk(mut self, disk: Disk) -> Self {
        self.disk = disk;
        self
    }

    /// The disk that all changes of files go through.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Returns the same machine with `store`, which keeps the earlier bytes of changed files.
    #[must_use]
    pub fn with_store(mut self, store: Store) -> Self {
        self.store = Some(Rc::new(store));
        self
    }

    /// Returns the same machine with the notes of earlier runs, for reading only.
    #[must_use]
    pub fn with_notes(mut self, store: Store) -> Self {
        self.notes = Some(Rc::new(store));
        self
    }

    /// The store for earlier bytes of files and for long outputs of programs.
    ///
    /// # Errors
    /// If the present command has no open journal, and therefore must not change the host.
    pub fn store(&self) -> Result<&Store> {
        self.store.as_deref().ok_or(Error::NoStore)
    }

    /// Returns whether a run of the site wrote these bytes to `path`; false if the notes of no site are loaded.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub fn wrote(&self, path: &Path, bytes: &[u8]) -> Result<bool> {
        let notes = self.store.as_deref().or(self.notes.as_deref());
        let digests = notes.map_or(Ok(Vec::new()), |notes| notes.wrote(path))?;
        Ok(digests.contains(&store::digest(bytes)))
    }

    /// The identities of all things with the name `what` that runs of the site ever made; empty if the notes of no
    /// site are loaded.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub fn made(&self, what: &str) -> Result<Vec<String>> {
        let notes = self.store.as_deref().or(self.notes.as_deref());
        notes.map_or(Ok(Vec::new()), |notes| notes.made(what))
    }

    /// Returns the same machine, on which a second signal to `stop` kills the running programs.
    #[must_use]
    pub fn with_stop(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// The signals that the run has received.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Waits for `milliseconds`.
    ///
    /// # Errors
    /// If a signal asks the run to stop. The wait then ends at once.
    pub(crate) async fn pause(&self, milliseconds: u64) -> Result<()> {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(milliseconds)) => (),
            () = self.stop.requested() => (),
        }
        Ok(self.stop.check()?)
    }

    /// Returns the same machine with another time to wait for locks; `None` keeps the present one.
    #[must_use]
    pub fn with_lock_timeout(mut self, seconds: Option<u64>) -> Self {
        self.lock_timeout = seconds.map_or(self.lock_timeout, Duration::from_secs);
        self
    }

    /// How long to wait for a lock that another program holds.
    #[must_use]
    pub fn lock_timeout(&self) -> Duration {
        self.lock_timeout
    }

    /// The batched calls of this machine.
    pub(crate) fn batches(&self) -> &Asked {
        &self.asked
    }

    /// What handles calls of programs: the real machine, or a model of it.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The stream of all events.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// The path that this process must open to reach the absolute `path` of the machine.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}
