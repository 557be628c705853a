//! The files of a machine, by their paths on the machine.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use super::unsynced::Unsynced;

/// The files under a root.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
    /// The root, held open.
    top: Rc<File>,
    /// The changes that a power cut may lose.
    pub unsynced: Rc<Unsynced>,
}

impl Disk {
    pub(super) fn new(root: &Path) -> Self {
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            root: root.to_owned(),
            top: Rc::new(File::open(root).unwrap()),
            unsynced: Rc::default(),
        }
    }

    /// The root on the host.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The path on the host of the machine's `path`.
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Whether something is at `path`; links are followed as on the machine.
    pub fn exists(&self, path: &str) -> bool {
        self.look(path).is_some()
    }

    /// The text of a file, or an empty string if there is no file.
    pub fn text(&self, path: &str) -> String {
        self.bytes(path)
            .map_or_else(String::new, |b| String::from_utf8(b).unwrap())
    }

    /// The bytes of a regular file, or `None`.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        // reading a FIFO would block, and a device may have no end
        let is_file = self.look(path)?.metadata().ok()?.is_file();
        let mut bytes = Vec::new();
        let mut file = is_file
            .then(|| self.open(path, OFlag::O_RDONLY))
            .flatten()?;
        file.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Writes a file that belongs to root.
    pub fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        self.put_as(path, text, (0, 0), 0o644);
    }

    /// Writes a file; folders created above it belong to root.
    pub fn put_as(&self, path: &str, text: impl AsRef<[u8]>, owner: (u32, u32), mode: u32) {
        let inside = self.touched(path);
        fs::create_dir_all(inside.parent().unwrap()).unwrap();
        assert!(!inside.is_symlink(), "{path} leads out of the machine");
        fs::write(&inside, text).unwrap();
        self.own(path, owner, mode);
    }

    /// Creates a folder, and the folders above it.
    pub fn folder_as(&self, path: &str, owner: (u32, u32), mode: u32) {
        fs::create_dir_all(self.touched(path)).unwrap();
        self.own(path, owner, mode);
    }

    /// Creates or replaces a link.
    pub fn link(&self, path: &str, target: &str) {
        let inside = self.touched(path);
        fs::create_dir_all(inside.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&inside);
        symlink(target, inside).unwrap();
    }

    /// Removes whatever is at `path`.
    pub fn remove(&self, path: &str) {
        let inside = self.touched(path);
        match inside.symlink_metadata() {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(inside).unwrap(),
            Ok(_) => fs::remove_file(inside).unwrap(),
            Err(_) => (),
        }
    }

    /// The path on the host of an entry that is about to change.
    fn touched(&self, path: &str) -> PathBuf {
        let inside = self.at(path);
        self.unsynced.touch(&inside);
        inside
    }

    /// Sets the owner and mode of an entry.
    pub fn own(&self, path: &str, (uid, gid): (u32, u32), mode: u32) {
        let inside = self.at(path);
        chown(&inside, Some(uid), Some(gid)).unwrap();
        fs::set_permissions(inside, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Whether an account can read a file.
    pub fn readable(&self, path: &str, (uid, gid): (u32, u32)) -> bool {
        let Some(Ok(meta)) = self.look(path).map(|found| found.metadata()) else {
            return false;
        };
        let bit = match () {
            () if uid == meta.uid() => 0o400,
            () if gid == meta.gid() => 0o040,
            () => 0o004,
        };
        uid == 0 || meta.mode() & bit != 0
    }

    /// Opens what is at `path` without access to its contents; links are followed as on the machine.
    fn look(&self, path: &str) -> Option<File> {
        self.open(path, OFlag::O_PATH)
    }

    fn open(&self, path: &str, flags: OFlag) -> Option<File> {
        let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC);
        let how = how.resolve(ResolveFlag::RESOLVE_IN_ROOT);
        loop {
            match openat2(&self.top, path, how) {
                // the kernel saw a rename somewhere while it resolved `..`: try again
                Err(Errno::EAGAIN) => (),
                found => return found.ok().map(File::from),
            }
        }
    }

    /// The owner of an entry.
    pub fn owner(&self, path: &str) -> Option<u32> {
        Some(self.look(path)?.metadata().ok()?.uid())
    }

    /// The names in a folder.
    pub fn list(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.at(path)).into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Resolves all links in `path`, and returns a path on the machine.
    pub fn resolve(&self, path: &str) -> String {
        let mut open: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let (mut done, mut links) = (String::new(), 0);
        while let Some(part) = open.pop() {
            if part.is_empty() || part == "." {
                continue;
            }
            if part == ".." {
                done.truncate(done.rfind('/').unwrap_or(0));
                continue;
            }
            let here = format!("{done}/{part}");
            match fs::read_link(self.at(&here)) {
                // the kernel's own limit
                Ok(target) if links < 40 => {
                    links += 1;
                    let target = target.to_str().unwrap();
                    if target.starts_with('/') {
                        done.clear();
                    }
                    open.extend(target.split('/').rev().map(str::to_owned));
                }
                _ => done = here,
            }
        }
        done
    }
}
