//! The fuse: where the agent is killed.

use std::cell::Cell;
use std::panic::panic_any;

/// What the agent dies of; nothing else may be caught.
pub struct Cut;

/// On which side of an effect the agent dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Before it; where it is a record of the journal, before any of it is on disk.
    Before,
    /// In the middle: half of a record is on disk, a file or folder is half made.
    Torn,
    /// After it, before anything else happened.
    After,
}

impl Flavour {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Before, Self::Torn, Self::After];
}

/// Counts effects, and cuts at one of them.
#[derive(Debug, Default)]
pub struct Fuse {
    seen: Cell<usize>,
    at: Cell<Option<(usize, Flavour)>>,
}

impl Fuse {
    /// Cuts at effect `number`, counted from 1 and from now.
    pub fn arm(&self, number: usize, flavour: Flavour) {
        self.seen.set(0);
        self.at.set(Some((number, flavour)));
    }

    /// Cuts nowhere, and counts from now.
    pub fn disarm(&self) {
        self.seen.set(0);
        self.at.set(None);
    }

    /// How many effects there were.
    pub fn seen(&self) -> usize {
        self.seen.get()
    }

    /// One effect that is whole or not there.
    pub fn effect<T>(&self, act: impl FnOnce() -> T) -> T {
        self.halves(|| (), |()| act())
    }

    /// One effect that can be half done.
    pub fn halves<H, T>(&self, first: impl FnOnce() -> H, second: impl FnOnce(H) -> T) -> T {
        let flavour = self.next();
        if flavour == Some(Flavour::Before) {
            panic_any(Cut);
        }
        let half = first();
        if flavour == Some(Flavour::Torn) {
            panic_any(Cut);
        }
        let done = second(half);
        if flavour == Some(Flavour::After) {
            panic_any(Cut);
        }
        done
    }

    /// Something was recorded. Where that is the place of the cut, `ruin` makes of it what the
    /// flavour asks, and the agent dies.
    pub fn recorded(&self, ruin: impl FnOnce(Flavour)) {
        if let Some(flavour) = self.next() {
            ruin(flavour);
            panic_any(Cut);
        }
    }

    fn next(&self) -> Option<Flavour> {
        self.seen.set(self.seen.get() + 1);
        let (number, flavour) = self.at.get()?;
        (number == self.seen.get()).then_some(flavour)
    }
}
