//! The fuse: where the agent is killed.

use std::cell::{Cell, RefCell};
use std::panic::panic_any;

/// What the agent dies of; nothing else may be caught.
pub struct Cut;

/// On which side of an effect the agent dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Before it; where it is a record of the journal, before any of it is on disk.
    Before,
    /// In the middle of it: half of a record is on disk.
    Torn,
    /// After it, before anything else happened.
    After,
    /// After the record that announces a file, a folder or a link, which then is half made.
    Half,
}

/// What an effect is, which says where it can be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A program's, whole or not there.
    Whole,
    /// A program's that can be half done.
    Halves,
    /// A record that something was done.
    Record,
    /// The record that announces a step of this kind.
    Begin(String),
}

impl Effect {
    /// Where it can be cut.
    pub fn flavours(&self) -> &'static [Flavour] {
        use Flavour::{After, Before, Half, Torn};
        match self {
            Self::Whole => &[Before, After],
            Self::Halves | Self::Record => &[Before, Torn, After],
            Self::Begin(kind) if ["directory", "file", "link", "secret"].contains(&&**kind) => {
                &[Before, Torn, After, Half]
            }
            Self::Begin(_) => &[Before, Torn, After],
        }
    }
}

/// Counts effects, and cuts at one of them.
#[derive(Debug, Default)]
pub struct Fuse {
    seen: RefCell<Vec<Effect>>,
    at: Cell<Option<(usize, Flavour)>>,
    calls: Cell<usize>,
    failing: Cell<Option<usize>>,
}

impl Fuse {
    /// Cuts at effect `number`, counted from 1 and from now.
    pub fn arm(&self, number: usize, flavour: Flavour) {
        self.disarm();
        self.at.set(Some((number, flavour)));
    }

    /// Lets call `number` fail, counted from 1 and from now.
    pub fn fail(&self, number: usize) {
        self.disarm();
        self.failing.set(Some(number));
    }

    /// Cuts nowhere, lets nothing fail, and counts from now.
    pub fn disarm(&self) {
        self.seen.take();
        self.calls.set(0);
        self.at.set(None);
        self.failing.set(None);
    }

    /// The effects there were.
    pub fn seen(&self) -> Vec<Effect> {
        self.seen.borrow().clone()
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.calls.get()
    }

    /// Counts a call; whether it is to fail.
    pub(super) fn call_fails(&self) -> bool {
        self.calls.set(self.calls.get() + 1);
        self.failing.get() == Some(self.calls.get())
    }

    /// One effect that is whole or not there.
    pub fn effect<T>(&self, act: impl FnOnce() -> T) -> T {
        self.guard(Effect::Whole, || (), |()| act())
    }

    /// One effect that can be half done.
    pub fn halves<H, T>(&self, first: impl FnOnce() -> H, second: impl FnOnce(H) -> T) -> T {
        self.guard(Effect::Halves, first, second)
    }

    fn guard<H, T>(
        &self,
        effect: Effect,
        first: impl FnOnce() -> H,
        second: impl FnOnce(H) -> T,
    ) -> T {
        let flavour = self.next(effect);
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
    pub fn recorded(&self, effect: Effect, ruin: impl FnOnce(Flavour)) {
        if let Some(flavour) = self.next(effect) {
            ruin(flavour);
            panic_any(Cut);
        }
    }

    fn next(&self, effect: Effect) -> Option<Flavour> {
        self.seen.borrow_mut().push(effect);
        let (number, flavour) = self.at.get()?;
        (number == self.seen.borrow().len()).then_some(flavour)
    }
}
