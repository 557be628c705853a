//! Bases: bare root file systems that machines boot from.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::apt;
use super::error::{Error, OnPath, Result};
use super::program::run;

/// The packages that a root needs in order to boot and to install packages from its archive.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,ca-certificates";

/// Units that only log errors, or cost seconds, in a machine without a terminal and a disk, with a network that the
/// host configures.
const MASKED: [&str; 9] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "getty@tty1.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
];

/// A root file system that never changes: a bare distribution, or what a machine wrote over a base before it was
/// powered off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    name: String,
    /// Its folders, the uppermost one first.
    layers: Vec<PathBuf>,
}

impl Base {
    /// Its name in the bed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folders that it consists of, the uppermost one first.
    #[must_use]
    pub fn layers(&self) -> &[PathBuf] {
        &self.layers
    }

    /// Reads the base `name` in `folder`, if it exists.
    pub(super) fn load(folder: &Path, name: &str) -> Result<Option<Self>> {
        let list = folder.join(name).join("layers");
        if !list.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&list).on("read", &list)?;
        let layers = text.lines().map(|layer| folder.join(layer).join("root"));
        Ok(Some(Self {
            name: name.to_owned(),
            layers: layers.collect(),
        }))
    }
}

/// An unfinished base. Its name cannot be mistaken for that of a finished one.
pub(super) struct Draft {
    folder: PathBuf,
    name: String,
    partial: PathBuf,
}

impl Draft {
    /// Creates the draft of a base `name` in `folder`, and removes what an earlier attempt left.
    pub(super) fn start(folder: &Path, name: &str) -> Result<Self> {
        let partial = folder.join(format!("{name}@partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial).on("remove", &partial)?;
        }
        fs::create_dir(&partial).on("create", &partial)?;
        Ok(Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            partial,
        })
    }

    /// The folder for the base's files.
    pub(super) fn root(&self) -> PathBuf {
        self.partial.join("root")
    }

    /// Finishes the base, on top of the layers of `lower`, by giving it its name.
    pub(super) fn finish(self, lower: Option<&Base>) -> Result<Base> {
        let below = lower.map_or(&[][..], Base::layers).iter();
        let names = below.filter_map(|layer| layer.parent()?.file_name()?.to_str());
        let names: Vec<&str> = std::iter::once(self.name.as_str()).chain(names).collect();
        let list = self.partial.join("layers");
        fs::write(&list, names.join("\n")).on("write", &list)?;
        let finished = self.folder.join(&self.name);
        fs::rename(&self.partial, &finished).on("rename to", &finished)?;
        Base::load(&self.folder, &self.name)?.ok_or(Error::BadPath(finished))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // does not exist any more if the base was finished
        let _ = fs::remove_dir_all(&self.partial);
    }
}

/// Builds a bare root of a suite with additional packages.
pub(super) fn build(folder: &Path, suite: &str, name: &str, packages: &[&str]) -> Result<Base> {
    let draft = Draft::start(folder, name)?;
    let root = draft.root();
    let mut include = PACKAGES.to_owned();
    for package in packages {
        include.push(',');
        include.push_str(package);
    }
    run(Command::new("mmdebstrap")
        .args(["--variant=minbase", "--mode=root"])
        .arg(format!("--include={include}"))
        .arg("--aptopt=Acquire::Languages \"none\"")
        .arg("--dpkgopt=path-exclude=/usr/share/man/*")
        .arg("--dpkgopt=path-exclude=/usr/share/locale/*")
        .arg("--dpkgopt=path-exclude=/usr/share/doc/*")
        .arg("--dpkgopt=path-include=/usr/share/doc/*/copyright")
        .arg(suite)
        .arg(&root)
        .args(apt::sources(suite)?))?;
    quieten(&root)?;
    draft.finish(None)
}

fn quieten(root: &Path) -> Result<()> {
    // the mode of this folder becomes the mode of every machine's `/`, which every user must be able to enter
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).on("open up", root)?;
    // empty, so that each machine gets a new ID at its first boot
    let machine_id = root.join("etc/machine-id");
    fs::write(&machine_id, "").on("write", &machine_id)?;
    let units = root.join("etc/systemd/system");
    for unit in MASKED {
        replace_link("/dev/null", &units.join(unit))?;
    }
    let default = units.join("default.target");
    replace_link("/lib/systemd/system/multi-user.target", &default)
}

fn replace_link(target: &str, link: &Path) -> Result<()> {
    if link.symlink_metadata().is_ok() {
        fs::remove_file(link).on("remove", link)?;
    }
    symlink(target, link).on("link", link)
}
