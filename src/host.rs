//! The machine: its files under a root, and its programs.

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

/// What every reading and every act of a room below this one may end in.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// For how long others may hold what is needed where nobody says: as long as a large unattended
/// upgrade takes.
const PATIENCE: Duration = Duration::from_secs(900);

/// The machine that is looked at and changed.
///
/// Files are reached under a root, so that tests use a temporary folder; programs through
/// [`Host::run`], so that tests put a model in their place.
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

/// What is asked of programs that answer several questions in one call.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Statements of SQL that change nothing, each for a database, and their rows.
    pub(crate) postgresql: Batch<(String, String), Vec<Vec<String>>>,
    /// Units, and their properties.
    pub(crate) systemd: Batch<String, String>,
}

impl Host {
    /// This very machine.
    #[must_use]
    pub fn this(events: Events) -> Self {
        Self::at("/", Programs::Real, events)
    }

    /// The machine whose files are under `root` and whose programs are `programs`.
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

    /// The same machine, whose files are on `disk`.
    #[must_use]
    pub fn with_disk(mut self, disk: Disk) -> Self {
        self.disk = disk;
        self
    }

    /// What its files are on.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The same machine, with the place where earlier bytes of files are kept.
    #[must_use]
    pub fn with_store(mut self, store: Store) -> Self {
        self.store = Some(Rc::new(store));
        self
    }

    /// The same machine, with what earlier runs have noted, which may be read and not added to.
    #[must_use]
    pub fn with_notes(mut self, store: Store) -> Self {
        self.notes = Some(Rc::new(store));
        self
    }

    /// Where earlier bytes and long outputs are kept.
    ///
    /// # Errors
    /// If the command that runs has no journal, and thus must not change anything.
    pub fn store(&self) -> Result<&Store> {
        self.store.as_deref().ok_or(Error::NoStore)
    }

    /// Whether runs of the site wrote these bytes to `path`; false if no site's notes are at hand.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub fn wrote(&self, path: &Path, bytes: &[u8]) -> Result<bool> {
        let Some(notes) = &self.notes else {
            return Ok(false);
        };
        Ok(notes.wrote(path)?.contains(&store::digest(bytes)))
    }

    /// What can be known again of all things called `what` that runs of the site ever made; nothing where
    /// no site's notes are at hand.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub fn made(&self, what: &str) -> Result<Vec<String>> {
        let notes = self.store.as_deref().or(self.notes.as_deref());
        notes.map_or(Ok(Vec::new()), |notes| notes.made(what))
    }

    /// The same machine, whose programs are killed when `stop` says so.
    #[must_use]
    pub fn with_stop(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Whether the run was asked to stop.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Waits for some milliseconds.
    ///
    /// # Errors
    /// If a signal asks to stop: then it ends at once.
    pub(crate) async fn pause(&self, milliseconds: u64) -> Result<()> {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(milliseconds)) => (),
            () = self.stop.requested() => (),
        }
        Ok(self.stop.check()?)
    }

    /// The same machine, on which others may hold what is needed for so many seconds, where anybody
    /// says so.
    #[must_use]
    pub fn with_lock_timeout(mut self, seconds: Option<u64>) -> Self {
        self.lock_timeout = seconds.map_or(self.lock_timeout, Duration::from_secs);
        self
    }

    /// For how long others may hold what is needed.
    #[must_use]
    pub fn lock_timeout(&self) -> Duration {
        self.lock_timeout
    }

    /// What is asked side by side.
    pub(crate) fn batches(&self) -> &Asked {
        &self.asked
    }

    /// Who answers calls of programs.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The one stream of events.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Where the absolute `path` of the machine is for this process.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}
