//! A small Debian in memory: real files under a temporary root, and a model of the programs that odoo-deploy
//! calls. The model refuses what the real programs refuse. Its fuse kills odoo-deploy or makes a call fail.

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

/// The state of the programs that is not in files.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The PostgreSQL cluster.
    pub postgres: Postgres,
    /// The units that systemd has in memory.
    pub units: std::collections::BTreeMap<String, Unit>,
    /// The web server.
    pub nginx: nginx::Nginx,
    /// The number of keys that were generated.
    keys: u32,
    last_pid: u32,
}

/// A model machine. It outlives the odoo-deploy processes that are killed on it.
pub struct Machine {
    folder: TempDir,
    /// Its files.
    pub disk: Disk,
    /// The state of its programs.
    pub state: Rc<RefCell<State>>,
    /// Its fuse: where odoo-deploy is killed.
    pub fuse: Rc<Fuse>,
}

/// The result of a call: its output, or an exit code and its standard error.
type Answer = Result<String, (i32, String)>;

/// The programs of a machine.
#[derive(Clone)]
struct Model {
    disk: Disk,
    state: Rc<RefCell<State>>,
    fuse: Rc<Fuse>,
}

impl Machine {
    /// A freshly installed Debian 12, without package lists, PostgreSQL and git.
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

    /// The machine as odoo-deploy sees it, with `events` as the receiver of events.
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

    /// The folder that holds the machine's files.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }
}

/// A temporary folder, in memory if there is enough. No test needs the files later, and syncing a disk is slow.
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
