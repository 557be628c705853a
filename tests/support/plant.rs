//! Hostile files that accounts plant in paths that root touches, and the victim folder that they aim at.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, lchown, symlink};
use std::path::Path;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use super::machine::Machine;

/// A word that is in the victim's files and nowhere else.
pub const CANARY: &str = "kanarienvogel";

/// A folder of root that no step touches. Its file names are those that an attack looks for.
const VICTIM: &str = "/srv/victim";

/// A hostile file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// A link to a file of the victim.
    LinkToFile,
    /// A link to the victim itself.
    LinkToFolder,
    /// A link to a path that does not exist.
    LinkToNothing,
    /// A link to itself.
    LinkToItself,
    /// A link to a device.
    LinkToDevice,
    /// A hard link to a file of the victim.
    HardLink,
    /// A FIFO without a process at the other end.
    Fifo,
    /// A device.
    Device,
    /// A socket.
    Socket,
    /// A folder.
    Folder,
    /// A file.
    File,
}

/// All plants.
pub const PLANTS: [Plant; 11] = [
    Plant::LinkToFile,
    Plant::LinkToFolder,
    Plant::LinkToNothing,
    Plant::LinkToItself,
    Plant::LinkToDevice,
    Plant::HardLink,
    Plant::Fifo,
    Plant::Device,
    Plant::Socket,
    Plant::Folder,
    Plant::File,
];

/// Creates the victim folder.
pub fn victim(machine: &Machine) {
    let disk = &machine.disk;
    disk.folder_as(VICTIM, (0, 0), 0o700);
    for name in [
        "letter",
        "house/HEAD",
        "house/.git/HEAD",
        "house/requirements.txt",
        "house/.odoo-deploy-complete",
        "house/tree/HEAD",
        "house/tree/.git/HEAD",
    ] {
        disk.put_as(&format!("{VICTIM}/{name}"), CANARY, (0, 0), 0o600);
    }
}

/// The victim's state: content, owner, mode, and time of the last change.
pub fn seen(machine: &Machine) -> Vec<String> {
    let mut all = Vec::new();
    walk(&machine.disk.at(VICTIM), &mut |path, meta| {
        let content = meta.is_file().then(|| fs::read(path).unwrap());
        let (uid, gid, mode, time) = (meta.uid(), meta.gid(), meta.mode(), meta.mtime_nsec());
        all.push(format!(
            "{} {uid} {gid} {mode:o} {time} {content:?}",
            path.display()
        ));
    });
    all.sort();
    all
}

/// Returns where accounts other than root can read the victim's text.
pub fn leaks(machine: &Machine) -> Vec<String> {
    let mut all = Vec::new();
    let victim = machine.disk.at(VICTIM);
    walk(machine.root(), &mut |path, meta| {
        let others = meta.uid() != 0 || meta.mode() & 0o077 != 0;
        if others && meta.is_file() && !path.starts_with(&victim) {
            let bytes = fs::read(path).unwrap();
            if String::from_utf8_lossy(&bytes).contains(CANARY) {
                all.push(path.display().to_string());
            }
        }
    });
    all
}

fn walk(path: &Path, look: &mut dyn FnMut(&Path, &fs::Metadata)) {
    let meta = path.symlink_metadata().unwrap();
    look(path, &meta);
    if meta.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), look);
        }
    }
}

/// The relative path from the folder of `path` to `place` in the victim, without the machine's root.
pub fn way_to(path: &str, place: &str) -> String {
    let depth = path.matches('/').count() - 1;
    format!("{}{}/{place}", "../".repeat(depth), &VICTIM[1..])
}

impl Plant {
    /// Replaces whatever is at `path` with the plant, owned by `owner`.
    pub fn put(self, machine: &Machine, path: &str, owner: u32) {
        machine.disk.remove(path);
        let inside = machine.disk.at(path);
        let node = |kind| {
            mknod(
                &inside,
                kind,
                Mode::from_bits_truncate(0o666),
                makedev(1, 5),
            )
        };
        match self {
            Self::LinkToFile => symlink(way_to(path, "letter"), &inside).unwrap(),
            Self::LinkToFolder => symlink(way_to(path, "house"), &inside).unwrap(),
            Self::LinkToNothing => symlink(way_to(path, "nothing"), &inside).unwrap(),
            Self::LinkToItself => symlink(inside.file_name().unwrap(), &inside).unwrap(),
            Self::LinkToDevice => symlink("/dev/zero", &inside).unwrap(),
            Self::HardLink => {
                let letter = machine.disk.at(&format!("{VICTIM}/letter"));
                // the owner is not set: a hard link shares it with the victim's file
                return fs::hard_link(letter, &inside).unwrap();
            }
            Self::Fifo => node(SFlag::S_IFIFO).unwrap(),
            Self::Device => node(SFlag::S_IFCHR).unwrap(),
            Self::Socket => node(SFlag::S_IFSOCK).unwrap(),
            Self::Folder => {
                fs::create_dir(&inside).unwrap();
                fs::write(inside.join("odd"), "planted").unwrap();
                lchown(inside.join("odd"), Some(owner), Some(owner)).unwrap();
            }
            Self::File => fs::write(&inside, "planted").unwrap(),
        }
        lchown(&inside, Some(owner), Some(owner)).unwrap();
    }
}
