//! What accounts plant in the paths that root touches, and the victim that they mean.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, lchown, symlink};
use std::path::Path;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use super::machine::Machine;

/// Found in the victim and nowhere else.
pub const CANARY: &str = "kanarienvogel";

/// A folder of root's that nothing has to do with, with the names in it that are looked for.
const VICTIM: &str = "/srv/victim";

/// What can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// A link to a file of the victim.
    LinkToFile,
    /// A link to the victim itself.
    LinkToFolder,
    /// A link to what is not there.
    LinkToNothing,
    /// A link that leads to itself.
    LinkToItself,
    /// A link to a device.
    LinkToDevice,
    /// Another name of a file of the victim.
    HardLink,
    /// A FIFO, at whose other end is nobody.
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

/// All of them.
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

/// Makes the victim.
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

/// The victim as it is: content, owner, mode, time of the last change.
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

/// Where the victim can be read by others than root.
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

/// The way from the folder of `path` to a place of the victim's, without the machine's root.
pub fn way_to(path: &str, place: &str) -> String {
    let depth = path.matches('/').count() - 1;
    format!("{}{}/{place}", "../".repeat(depth), &VICTIM[1..])
}

impl Plant {
    /// Puts it in the place of whatever is at `path`, owned by `owner`.
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
                // an owner given to it would be given to the letter
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
