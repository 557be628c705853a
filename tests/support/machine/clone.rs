//! A second machine that is exactly like the first.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, lchown, symlink};
use std::path::Path;

use super::Machine;

impl Machine {
    /// A machine with the same files and the same memory, and a fuse of its own.
    pub fn twin(&self) -> Self {
        let twin = Self::empty();
        copy(self.root(), twin.root());
        twin.state.replace(self.state.borrow().clone());
        twin
    }

    /// A twin with which the same is in doubt.
    pub fn twin_in_doubt(&self) -> Self {
        let twin = self.twin();
        let (unsynced, theirs) = (&self.disk.unsynced, self.root());
        twin.disk.unsynced.take_over(unsynced, theirs, twin.root());
        twin
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let meta = from.symlink_metadata().unwrap();
        if meta.is_symlink() {
            symlink(fs::read_link(&from).unwrap(), &to).unwrap();
        } else if meta.is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&from, &to);
        } else {
            let mut copied = File::create(&to).unwrap();
            copied.write_all(&fs::read(&from).unwrap()).unwrap();
            // when a service was started is told by its record's time
            copied.set_modified(meta.modified().unwrap()).unwrap();
        }
        // what this process makes is root's
        if (meta.uid(), meta.gid()) != (0, 0) {
            lchown(&to, Some(meta.uid()), Some(meta.gid())).unwrap();
        }
        if !meta.is_symlink() {
            fs::set_permissions(&to, meta.permissions()).unwrap();
        }
    }
}
