//! A second machine that is exactly like the first.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, lchown, symlink};
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
        let (uid, gid) = (Some(meta.uid()), Some(meta.gid()));
        if meta.is_symlink() {
            symlink(fs::read_link(&from).unwrap(), &to).unwrap();
            lchown(&to, uid, gid).unwrap();
            continue;
        }
        if meta.is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
            // when a service was started is told by its record's time
            let copied = fs::File::open(&to).unwrap();
            copied.set_modified(meta.modified().unwrap()).unwrap();
        }
        chown(&to, uid, gid).unwrap();
        fs::set_permissions(&to, meta.permissions()).unwrap();
    }
}
