//! A small Debian in memory: real files under a temporary root, and a model of the dozen programs
//! that are called. It refuses what the real ones refuse, and has a fuse.

mod accounts;
mod apt;
mod archive;
mod bare;
mod builder;
mod by_hand;
mod clone;
mod database;
mod disk;
mod fuse;
mod git;
mod image;
mod judged;
mod nginx;
mod odoo;
mod openssl;
mod postgres;
mod power;
mod proc;
mod programs;
mod python;
mod systemd;
mod trouble;
mod universe;
mod unsynced;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use odoo_deploy::event::Events;
use odoo_deploy::host::{Host, Programs};
use tempfile::TempDir;

pub use clone::Frozen;
pub use database::{Database, Object, Role};
pub use disk::Disk;
pub use fuse::{Cut, Death, Effect, Fault, Fuse};
pub use nginx::certificates;
pub use postgres::Postgres;
pub use systemd::Unit;
pub use trouble::Trouble;
pub use universe::{LATER_COMMIT, ODOO_COMMIT, OLD, TOKEN_FILE};

/// What the programs know beyond the files.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The PostgreSQL cluster.
    pub postgres: Postgres,
    /// The units that systemd has in memory.
    pub units: std::collections::BTreeMap<String, Unit>,
    /// The web server.
    pub nginx: nginx::Nginx,
    /// How many keys were made.
    keys: u32,
    last_pid: u32,
}

/// A machine. Outlives every agent that is killed on it.
pub struct Machine {
    folder: TempDir,
    /// Its files.
    pub disk: Disk,
    /// What its programs know.
    pub state: Rc<RefCell<State>>,
    /// Where the agent is cut.
    pub fuse: Rc<Fuse>,
}

/// What one call is answered with: its output, or an exit code and words of complaint.
type Answer = Result<String, (i32, String)>;

/// The programs of a machine.
#[derive(Clone)]
struct Model {
    disk: Disk,
    state: Rc<RefCell<State>>,
    fuse: Rc<Fuse>,
}

impl Machine {
    /// A freshly installed Debian 12: neither lists of packages, nor PostgreSQL, nor git.
    pub fn bare() -> Self {
        let machine = Self::empty();
        bare::fill(&machine.disk);
        machine
    }

    fn empty() -> Self {
        let folder = memory();
        let disk = Disk::new(folder.path());
        let (state, fuse) = (Rc::default(), Rc::new(Fuse::new(disk.unsynced.clone())));
        Self {
            folder,
            disk,
            state,
            fuse,
        }
    }

    /// The machine as an agent sees it, telling `events`.
    pub fn host(&self, events: Events) -> Host {
        let model = self.model();
        let programs = Programs::Model(Rc::new(move |_: &Host, cmd| model.answer(cmd)));
        let (fuse, unsynced) = (self.fuse.clone(), self.disk.unsynced.clone());
        let disk = odoo_deploy::host::Disk::watched(move |call| {
            fuse.file(call)?;
            unsynced.about_to(call);
            Ok(())
        });
        Host::at(self.folder.path(), programs, events).with_disk(disk)
    }

    fn model(&self) -> Model {
        Model {
            disk: self.disk.clone(),
            state: self.state.clone(),
            fuse: self.fuse.clone(),
        }
    }

    /// Where its files are.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }
}

/// A folder in memory where there is room for it: nothing here is to survive, and syncing costs.
fn memory() -> TempDir {
    let shared = Path::new("/dev/shm");
    let roomy = nix::sys::statvfs::statvfs(shared)
        .is_ok_and(|free| free.blocks_available() * free.fragment_size() > 6_000_000_000);
    if roomy {
        tempfile::tempdir_in(shared).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}
