//! The folder that machines are made in.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use sha2::{Digest, Sha256};

use super::apt;
use super::base::{self, Base};
use super::error::{Error, OnPath, Result};
use super::lock::Lock;
use super::record::Record;
use super::spec::check_name;
use super::teardown::take_down;

/// Where a bed is unless told otherwise.
pub const DEFAULT_DIR: &str = "/var/tmp/odoo-deploy-bed";

/// A folder of bases and machines. Any number of processes may use one at once.
#[derive(Debug, Clone)]
pub struct Bed {
    dir: PathBuf,
}

/// A machine that a bed knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub status: Status,
}

/// How a machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// In the hands of a process that runs.
    Busy,
    /// Up, and kept so until it is stopped.
    Kept,
    /// What a process that was killed, or a host that was rebooted, has left.
    LeftOver,
}

impl Bed {
    /// Opens the bed in a folder, and makes the folder if need be. Only root can look into it: its
    /// machines hold secrets, and its bases programs with more rights than they should have here.
    ///
    /// # Errors
    ///
    /// If this process is not root's, or the folder is not.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        if !Uid::effective().is_root() {
            return Err(Error::NotRoot);
        }
        let dir = dir.as_ref();
        create_private(dir)?;
        let dir = fs::canonicalize(dir).on("resolve", dir)?;
        let owned = fs::metadata(&dir).on("look at", &dir)?;
        if owned.uid() != 0 || owned.mode() & 0o022 != 0 {
            return Err(Error::ForeignFolder(dir));
        }
        let bed = Self { dir };
        for folder in [bed.bases(), bed.run()] {
            create_private(&folder)?;
        }
        Ok(bed)
    }

    /// The packages of the host that a bed needs and that are not there: [`Bed::prepare_tools`] installs them.
    #[must_use]
    pub fn missing_tools() -> Vec<&'static str> {
        apt::missing_tools()
    }

    /// Installs, from the host's archive, the programs that a bed needs and the host lacks.
    ///
    /// # Errors
    ///
    /// If apt cannot.
    pub fn prepare_tools(&self) -> Result<()> {
        let _one_at_a_time = Lock::take(&self.dir.join("tools.lock"))?;
        apt::install_tools()
    }

    /// The code name of the host's own release (`bookworm`, `noble`).
    ///
    /// # Errors
    ///
    /// If `/etc/os-release` cannot be read.
    pub fn host_suite() -> Result<String> {
        apt::os_release("VERSION_CODENAME")
    }

    /// The bare root of a suite of the host's distribution, built unless it is there: systemd,
    /// D-Bus, apt and certificates, from the mirrors that the host uses.
    ///
    /// # Errors
    ///
    /// If it cannot be built; nothing is left of it then.
    pub fn base(&self, suite: &str) -> Result<Base> {
        self.base_with(suite, suite, &[])
    }

    /// The bare root of a suite with more packages, under a name of its own. A base of that name
    /// is taken as it is: other packages need another name.
    ///
    /// # Errors
    ///
    /// If it cannot be built; nothing is left of it then.
    pub fn base_with(&self, suite: &str, name: &str, packages: &[&str]) -> Result<Base> {
        check_name(suite)?;
        check_name(name)?;
        let _one_at_a_time = self.lock_base(name)?;
        match self.find_base(name)? {
            Some(base) => Ok(base),
            None => base::build(&self.bases(), suite, name, packages),
        }
    }

    /// A base that is there already, built or frozen.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub fn find_base(&self, name: &str) -> Result<Option<Base>> {
        check_name(name)?;
        Base::load(&self.bases(), name)
    }

    /// Waits until no other process makes a base of this name: hold it while looking for a base
    /// and freezing a machine into it, and many processes can share what one of them installed.
    ///
    /// # Errors
    ///
    /// If the lock's file cannot be made.
    pub fn freezing(&self, name: &str) -> Result<Lock> {
        check_name(name)?;
        Lock::take(&self.bases().join(format!("{name}@freezing")))
    }

    /// Removes a base. Machines and bases over it must be gone before.
    ///
    /// # Errors
    ///
    /// If it cannot be removed.
    pub fn remove_base(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let _one_at_a_time = self.lock_base(name)?;
        let folder = self.bases().join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).on("remove", &folder)?;
        }
        Ok(())
    }

    /// The machines that are up or that have left something behind, by name.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub fn machines(&self) -> Result<Vec<Listed>> {
        let run = self.run();
        let mut listed = Vec::new();
        for entry in fs::read_dir(&run).on("list", &run)? {
            let path = entry.on("list", &run)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if path.is_dir() {
                let status = self.status(name)?;
                let name = name.to_owned();
                listed.push(Listed { name, status });
            }
        }
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }

    fn status(&self, name: &str) -> Result<Status> {
        let Some(_held) = Lock::try_take(&self.lock_file(name))? else {
            return Ok(Status::Busy);
        };
        let record = Record::load(&self.state_of(name))?;
        Ok(match record {
            Some(record) if record.kept && record.is_up() => Status::Kept,
            _ => Status::LeftOver,
        })
    }

    /// Takes down a machine that was kept, or what is left of one. No such machine is fine.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] when a running process has it; else when something of it resists.
    pub fn stop(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let _held = self.lock_machine(name)?;
        let state = self.state_of(name);
        match Record::load(&state)? {
            Some(mut record) => take_down(&state, &mut record),
            // Killed before it had added anything.
            None if state.exists() => fs::remove_dir_all(&state).on("remove", &state),
            None => Ok(()),
        }
    }

    pub(super) fn bases(&self) -> PathBuf {
        self.dir.join("bases")
    }

    fn run(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// The folder of a machine's state.
    pub(super) fn state_of(&self, name: &str) -> PathBuf {
        self.run().join(name)
    }

    fn lock_file(&self, name: &str) -> PathBuf {
        // `@` is in no machine's name.
        self.run().join(format!("{name}@lock"))
    }

    pub(super) fn lock_machine(&self, name: &str) -> Result<Lock> {
        Lock::try_take(&self.lock_file(name))?.ok_or_else(|| Error::Busy(name.to_owned()))
    }

    pub(super) fn lock_base(&self, name: &str) -> Result<Lock> {
        Lock::take(&self.bases().join(format!("{name}@lock")))
    }

    /// A name for a machine that no other bed on this host has.
    pub(super) fn id_of(&self, name: &str) -> String {
        let digest = Sha256::digest(self.dir.as_os_str().as_encoded_bytes());
        format!("rehearse-{:02x}{:02x}-{name}", digest[0], digest[1])
    }
}

fn create_private(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder).on("create", folder)
}
