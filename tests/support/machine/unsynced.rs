//! Changes that are not on disk yet, so that a power cut may lose them.
//!
//! The bytes, owner and mode of a file are durable once the file is synced; a name is durable once its folder
//! is synced; everything is durable once the disk is synced. Changes of one file are lost newest first; changes
//! of different files are lost in any order (Pillai et al., "All File Systems Are Not Created Equal", OSDI
//! 2014).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use odoo_deploy::host::disk::Call;

use super::super::dice::Dice;
use super::image::Image;

/// The part of an entry that is not on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// The name in its folder.
    Name,
    /// The bytes of the file.
    Bytes,
    /// The owner and mode.
    Rights,
}

/// One change that is not on disk.
#[derive(Debug)]
struct Change {
    doubt: Doubt,
    path: PathBuf,
    before: Image,
    /// The number of the changed thing. A file and the file that it replaces by rename share a number.
    thing: usize,
}

/// Unsynced changes at one moment, with paths below the root.
pub(super) struct Doubts {
    changes: Vec<Change>,
    things: usize,
}

/// The changes that are not on disk.
#[derive(Debug, Default)]
pub struct Unsynced {
    changes: RefCell<Vec<Change>>,
    things: Cell<usize>,
    writes: Cell<bool>,
    durable: Cell<usize>,
}

impl Unsynced {
    /// The unsynced changes of the files under `root`.
    pub(super) fn kept(&self, root: &Path) -> Doubts {
        let changes = self.changes.borrow();
        let below = |path: &Path| path.strip_prefix(root).unwrap().to_owned();
        Doubts {
            changes: changes.iter().map(|change| change.at(below)).collect(),
            things: self.things.get(),
        }
    }

    /// Takes over the unsynced changes of files that were copied to `root`.
    pub(super) fn take_over(&self, doubts: &Doubts, root: &Path) {
        let at = |path: &Path| root.join(path);
        let changes = doubts.changes.iter().map(|change| change.at(at));
        self.changes.replace(changes.collect());
        self.things.set(doubts.things);
    }

    /// The number of unsynced changes.
    pub fn doubts(&self) -> usize {
        self.changes.borrow().len()
    }

    /// How many times changes became durable. While this number is the same, a full power cut leaves the same
    /// files.
    pub(super) fn durable(&self) -> usize {
        self.durable.get()
    }

    /// Counts that changes became durable.
    pub(super) fn stays(&self) {
        self.durable.set(self.durable.get() + 1);
    }

    /// Sets whether the running program syncs its changes.
    pub(super) fn program(&self, syncs: bool) {
        self.writes.set(!syncs);
    }

    /// Records that a program is about to change `path`, or to create it and the folders above it.
    pub(super) fn touch(&self, path: &Path) {
        if self.writes.get() {
            let missing = path
                .ancestors()
                .take_while(|above| above.symlink_metadata().is_err());
            self.note(Doubt::Name, missing.last().unwrap_or(path));
        }
    }

    /// Records a call that odoo-deploy is about to make and that will succeed.
    pub(super) fn about_to(&self, call: &Call<'_>) {
        match *call {
            Call::Create(path) if path.symlink_metadata().is_ok() => (),
            Call::Create(path)
            | Call::Link(path)
            | Call::MakeFolder(path)
            | Call::RemoveFile(path)
            | Call::RemoveFolder(path)
            | Call::RemoveTree(path) => self.note(Doubt::Name, path),
            Call::Write(path, _) | Call::Truncate(path, _) => self.note(Doubt::Bytes, path),
            Call::Own(path) | Call::Mode(path) => self.note(Doubt::Rights, path),
            Call::Rename(from, to) => self.rename(from, to),
            Call::Sync(path) => {
                self.forget(|change| change.doubt != Doubt::Name && change.path == path);
            }
            Call::SyncFolder(path) => self
                .forget(|change| change.doubt == Doubt::Name && change.path.parent() == Some(path)),
            Call::SyncDisk(_) => self.forget(|_| true),
            Call::Read(_) | Call::Destroys { .. } => (),
        }
    }

    fn forget(&self, durable: impl Fn(&Change) -> bool) {
        let mut changes = self.changes.borrow_mut();
        let before = changes.len();
        changes.retain(|change| !durable(change));
        if changes.len() < before {
            self.stays();
        }
    }

    fn note(&self, doubt: Doubt, path: &Path) {
        let mut changes = self.changes.borrow_mut();
        // entries in a folder are lost with the folder
        let inside = |change: &&Change| {
            change.doubt == Doubt::Name && change.path != path && path.starts_with(&change.path)
        };
        if changes
            .iter()
            .any(|change| inside(&change) && change.before == Image::Nothing)
        {
            return;
        }
        let known = changes.iter().find(|change| change.path == path);
        let thing = known.map_or_else(|| self.new_thing(), |change| change.thing);
        changes.push(Change {
            doubt,
            path: path.to_owned(),
            before: Image::of(path),
            thing,
        });
    }

    fn rename(&self, from: &Path, to: &Path) {
        let thing = self.new_thing();
        let mut changes = self.changes.borrow_mut();
        for change in changes.iter_mut() {
            if change.path == from {
                change.thing = thing;
                if change.doubt != Doubt::Name {
                    to.clone_into(&mut change.path);
                }
            } else if change.path == to {
                change.thing = thing;
            }
        }
        for path in [from, to] {
            changes.push(Change {
                doubt: Doubt::Name,
                path: path.to_owned(),
                before: Image::of(path),
                thing,
            });
        }
    }

    fn new_thing(&self) -> usize {
        self.things.set(self.things.get() + 1);
        self.things.get()
    }

    /// Loses all unsynced changes.
    pub(super) fn lose(&self) {
        for change in self.changes.take().iter().rev() {
            change.undo();
        }
    }

    /// Loses a random part of the unsynced changes, and never all.
    pub(super) fn lose_some(&self, dice: &mut Dice) {
        let mut changes = self.changes.take();
        let mut things: BTreeMap<usize, usize> = BTreeMap::new();
        for change in &changes {
            *things.entry(change.thing).or_default() += 1;
        }
        let lost = loop {
            let lost: Vec<usize> = things.values().map(|all| dice.below(all + 1)).collect();
            if things.is_empty() || !lost.iter().eq(things.values()) {
                break lost;
            }
        };
        for (thing, lost) in things.into_keys().zip(lost) {
            for change in changes.iter().rev().filter(|c| c.thing == thing).take(lost) {
                change.undo();
            }
            let torn = changes.iter().rev().filter(|c| c.thing == thing).nth(lost);
            if let Some(change) = torn.filter(|change| change.doubt == Doubt::Bytes) {
                change.tear(dice);
            }
            changes.retain(|change| change.thing != thing);
        }
    }
}

impl Change {
    /// The same change with `place` applied to its paths.
    fn at(&self, place: impl Fn(&Path) -> PathBuf) -> Self {
        Self {
            path: place(&self.path),
            before: self.before.clone(),
            ..*self
        }
    }

    /// Reverts the change.
    fn undo(&self) {
        match self.doubt {
            Doubt::Name => self.before.put(&self.path),
            Doubt::Bytes => self.before.put_bytes(&self.path),
            Doubt::Rights => self.before.put_rights(&self.path),
        }
    }

    /// Reverts a write in part: keeps a prefix of the new bytes, or as many bytes as were written, but zeros at
    /// the end.
    fn tear(&self, dice: &mut Dice) {
        let (Ok(now), before) = (fs::read(&self.path), self.before.length()) else {
            return;
        };
        if now.len() <= before {
            return;
        }
        let kept = before + dice.below(now.len() - before + 1);
        let file = OpenOptions::new().write(true).open(&self.path).unwrap();
        file.set_len(kept as u64).unwrap();
        if dice.below(2) == 0 {
            file.set_len(now.len() as u64).unwrap();
        }
    }
}
