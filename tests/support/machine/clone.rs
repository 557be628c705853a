//! Exact copies of a machine.

use std::cell::RefCell;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown, symlink,
};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Once;
use std::time::SystemTime;

use nix::sys::stat::{Mode, umask};

use super::programs::as_root;
use super::unsynced::Doubts;
use super::{Machine, Model, State};

/// The state of a machine at one moment, from which any number of copies can be made.
pub struct Frozen {
    files: Vec<Entry>,
    state: State,
    doubts: Doubts,
}

impl Model {
    fn still(&self) -> Frozen {
        Frozen {
            files: entries(self.disk.root()),
            state: self.state.borrow().clone(),
            doubts: self.disk.unsynced.kept(self.disk.root()),
        }
    }
}

impl Machine {
    /// Freezes the present state.
    pub fn still(&self) -> Frozen {
        self.model().still()
    }

    /// Freezes the state before each effect of an act, as a kill there would leave it, and the state after the
    /// last effect.
    pub fn stills(&self, act: impl FnOnce(&Self)) -> Vec<Frozen> {
        let stills: Rc<RefCell<Vec<Frozen>>> = Rc::default();
        let (model, keep) = (self.model(), stills.clone());
        self.fuse.disarm();
        self.fuse
            .before_each(move || keep.borrow_mut().push(as_root(|| model.still())));
        act(self);
        self.fuse.disarm();
        stills.borrow_mut().push(self.still());
        stills.take()
    }

    /// A copy with the same files and program state, and a new fuse.
    pub fn twin(&self) -> Self {
        self.still().twin()
    }
}

impl Frozen {
    /// A copy with the same files and program state, and a new fuse.
    pub fn twin(&self) -> Machine {
        let twin = Machine::empty();
        for entry in &self.files {
            entry.lay_out(twin.root());
        }
        // modes last: entries created in a setgid folder would inherit its group
        for entry in &self.files {
            entry.give_mode(twin.root());
        }
        twin.state.replace(self.state.clone());
        twin
    }

    /// A copy in which the same changes are not synced.
    pub fn twin_in_doubt(&self) -> Machine {
        let twin = self.twin();
        twin.disk.unsynced.take_over(&self.doubts, twin.root());
        twin
    }
}

/// One file, folder or link, with its path below the root.
struct Entry {
    path: PathBuf,
    content: Content,
    uid: u32,
    gid: u32,
    mode: u32,
}

enum Content {
    Folder,
    Link(PathBuf),
    /// The time matters: the record's time shows when a service was started.
    File(Vec<u8>, SystemTime),
}

/// Everything below a root, folders before their contents.
fn entries(root: &Path) -> Vec<Entry> {
    let mut all = Vec::new();
    collect(root, Path::new(""), &mut all);
    all
}

fn collect(root: &Path, folder: &Path, all: &mut Vec<Entry>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let (from, path) = (entry.path(), folder.join(entry.file_name()));
        let meta = from.symlink_metadata().unwrap();
        let content = if meta.is_symlink() {
            Content::Link(fs::read_link(&from).unwrap())
        } else if meta.is_dir() {
            Content::Folder
        } else {
            let mut bytes = vec![0; usize::try_from(meta.len()).unwrap()];
            File::open(&from).unwrap().read_exact(&mut bytes).unwrap();
            Content::File(bytes, meta.modified().unwrap())
        };
        let is_folder = meta.is_dir();
        all.push(Entry {
            path: path.clone(),
            content,
            uid: meta.uid(),
            gid: meta.gid(),
            mode: meta.mode() & 0o7777,
        });
        if is_folder {
            collect(root, &path, all);
        }
    }
}

impl Entry {
    fn lay_out(&self, root: &Path) {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            umask(Mode::from_bits_truncate(UMASK));
        });
        let path = root.join(&self.path);
        match &self.content {
            Content::Folder => DirBuilder::new().mode(self.mode).create(&path).unwrap(),
            Content::Link(target) => symlink(target, &path).unwrap(),
            Content::File(bytes, modified) => {
                let mut options = OpenOptions::new();
                let options = options.write(true).create_new(true).mode(self.mode);
                let mut file = options.open(&path).unwrap();
                file.write_all(bytes).unwrap();
                file.set_modified(*modified).unwrap();
            }
        }
        // new files of this process belong to root already
        if (self.uid, self.gid) != (0, 0) {
            lchown(&path, Some(self.uid), Some(self.gid)).unwrap();
        }
    }

    fn give_mode(&self, root: &Path) {
        let is_link = matches!(self.content, Content::Link(_));
        if !is_link && self.mode & (UMASK | 0o7000) != 0 {
            let path = root.join(&self.path);
            fs::set_permissions(path, Permissions::from_mode(self.mode)).unwrap();
        }
    }
}

/// The mode bits that creation removes, because of the umask.
const UMASK: u32 = 0o022;
