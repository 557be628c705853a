//! The bed: a folder with bases and machines.

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

/// The default folder.
pub const DEFAULT_DIR: &str = "/var/tmp/odoo-deploy-bed";

/// A folder with bases and machines. Several processes can use it at the same time.
#[derive(Debug, Clone)]
pub struct Bed {
    dir: PathBuf,
}

/// A machine in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: Status,
}

/// The status of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A running process uses it.
    Busy,
    /// It is up and stays up until it is stopped.
    Kept,
    /// It was left by a process that was killed, or before a reboot of the host.
    LeftOver,
}

impl Bed {
    /// Opens the bed in a folder, and creates the folder if necessary. Only root can read it: machines contain
    /// secrets, and bases contain setuid programs that must not run on the host.
    ///
    /// # Errors
    ///
    /// If this process does not run as root, or the folder does not belong to root.
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

    /// The packages that a bed needs and that are missing on this host. [`Bed::prepare_tools`] installs them.
    #[must_use]
    pub fn missing_tools() -> Vec<&'static str> {
        apt::missing_tools()
    }

    /// Installs the missing programs that a bed needs, from the host's archive.
    ///
    /// # Errors
    ///
    /// If apt fails.
    pub fn prepare_tools(&self) -> Result<()> {
        let _one_at_a_time = Lock::take(&self.dir.join("tools.lock"))?;
        apt::install_tools()
    }

    /// The code name of the host's release (`bookworm`, `noble`).
    ///
    /// # Errors
    ///
    /// If `/etc/os-release` cannot be read.
    pub fn host_suite() -> Result<String> {
        apt::os_release("VERSION_CODENAME")
    }

    /// The base of a suite of the host's distribution, with systemd, D-Bus, apt and certificates. It is built from
    /// the host's mirrors if it does not exist.
    ///
    /// # Errors
    ///
    /// If the base cannot be built. Nothing is left of it then.
    pub fn base(&self, suite: &str) -> Result<Base> {
        self.base_with(suite, suite, &[])
    }

    /// The base of a suite with additional packages, under the given name. An existing base with this name is used
    /// without looking at its packages: other packages need another name.
    ///
    /// # Errors
    ///
    /// If the base cannot be built. Nothing is left of it then.
    pub fn base_with(&self, suite: &str, name: &str, packages: &[&str]) -> Result<Base> {
        check_name(suite)?;
        check_name(name)?;
        let _one_at_a_time = self.lock_base(name)?;
        match self.find_base(name)? {
            Some(base) => Ok(base),
            None => base::build(&self.bases(), suite, name, packages),
        }
    }

    /// An existing base, whether it was built or made from a machine.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub fn find_base(&self, name: &str) -> Result<Option<Base>> {
        check_name(name)?;
        Base::load(&self.bases(), name)
    }

    /// Waits until no other process makes the base `name`. Hold the lock while you look for the base and make it from
    /// a machine; then several processes can share one installation.
    ///
    /// # Errors
    ///
    /// If the lock file cannot be created.
    pub fn freezing(&self, name: &str) -> Result<Lock> {
        check_name(name)?;
        Lock::take(&self.bases().join(format!("{name}@freezing")))
    }

    /// Removes a base. Machines and other bases that depend on it must be removed before.
    ///
    /// # Errors
    ///
    /// If the base cannot be removed.
    pub fn remove_base(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let _one_at_a_time = self.lock_base(name)?;
        let folder = self.bases().join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).on("remove", &folder)?;
        }
        Ok(())
    }

    /// The machines that are up or have left something behind, sorted by name.
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

    /// Removes a kept machine, or what is left of a machine. Does nothing if there is no such machine.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if a running process uses the machine; other errors if something cannot be removed.
    pub fn stop(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let _held = self.lock_machine(name)?;
        let state = self.state_of(name);
        match Record::load(&state)? {
            Some(mut record) => take_down(&state, &mut record),
            // its process was killed before it had created anything outside this folder
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

    /// The folder with the state of a machine.
    pub(super) fn state_of(&self, name: &str) -> PathBuf {
        self.run().join(name)
    }

    fn lock_file(&self, name: &str) -> PathBuf {
        // no machine has `@` in its name
        self.run().join(format!("{name}@lock"))
    }

    pub(super) fn lock_machine(&self, name: &str) -> Result<Lock> {
        Lock::try_take(&self.lock_file(name))?.ok_or_else(|| Error::Busy(name.to_owned()))
    }

    pub(super) fn lock_base(&self, name: &str) -> Result<Lock> {
        Lock::take(&self.bases().join(format!("{name}@lock")))
    }

    /// An ID for a machine that is unique among the beds of this host.
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
