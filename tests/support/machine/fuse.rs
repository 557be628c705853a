//! The fuse: kills odoo-deploy at a chosen effect, or makes a chosen call fail.

use std::cell::{Cell, RefCell};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::panic::{panic_any, resume_unwind};
use std::path::Path;
use std::rc::Rc;

use nix::errno::Errno;
use odoo_deploy::host::command::Cmd;
use odoo_deploy::host::disk::Call;

use super::trouble::{Halfway, Trouble};
use super::unsynced::Unsynced;

/// The panic that stands for the death of odoo-deploy; only tests may catch it.
pub struct Cut;

/// How odoo-deploy dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Killed before the effect.
    Before,
    /// Killed in the middle of the effect.
    Torn,
    /// The power fails before the effect, and everything that was not synced is lost.
    PowerCut,
    /// The power fails before the effect, and a part of what was not synced is lost; the number seeds the dice
    /// that choose the part.
    PartialCut(u8),
}

/// One effect on the machine: a changed file, or a step of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Its kind and its path or program.
    pub what: String,
    kind: Kind,
    /// How many times changes had become durable before it.
    durable: usize,
    /// How many changes were not synced before it.
    doubts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Atomic.
    Whole,
    /// Can be interrupted half-way.
    Halves,
    /// Makes earlier changes durable, and does nothing else that a kill could interrupt.
    Sync,
}

impl Effect {
    /// The ways to die at this effect, without those that leave the same machine as a death at the effect
    /// `before` it. A power cut differs only if something has become durable since; partial cuts are at most as
    /// many as there are changes not synced.
    pub fn flavours(&self, before: Option<&Self>) -> impl Iterator<Item = Death> {
        use Death::{Before, PartialCut, PowerCut, Torn};
        let all: &[Death] = match self.kind {
            Kind::Whole => &[Before, PowerCut, PartialCut(1)],
            Kind::Halves => &[Before, Torn, PowerCut, PartialCut(1), PartialCut(2)],
            Kind::Sync => &[PowerCut, PartialCut(1), PartialCut(2)],
        };
        let new = before.is_none_or(|before| before.durable != self.durable);
        let doubts = self.doubts;
        all.iter().copied().filter(move |death| match death {
            PowerCut => new,
            PartialCut(way) => usize::from(*way) <= doubts,
            Before | Torn => true,
        })
    }
}

/// A failure of file calls.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The number of the call, counted from 1.
    pub number: usize,
    /// Its error.
    pub errno: Errno,
    /// Whether all later file calls fail too, until the fuse is disarmed.
    pub lasts: bool,
}

/// Counts effects and calls; kills odoo-deploy at one effect, or makes calls fail.
#[derive(Default)]
pub struct Fuse {
    unsynced: Rc<Unsynced>,
    seen: RefCell<Vec<Effect>>,
    at: Cell<Option<(usize, Death)>>,
    before_each: RefCell<Option<Box<dyn FnMut()>>>,
    calls: RefCell<Vec<String>>,
    destroyed: RefCell<Vec<(String, String)>>,
    trouble: Cell<Option<(usize, Trouble, bool)>>,
    halfway: Cell<bool>,
    file_calls: Cell<usize>,
    fault: Cell<Option<Fault>>,
}

impl Fuse {
    /// Creates the fuse of a machine; `unsynced` are the machine's changes that are not synced.
    pub(super) fn new(unsynced: Rc<Unsynced>) -> Self {
        Self {
            unsynced,
            ..Self::default()
        }
    }

    /// Kills odoo-deploy at effect `number`, counted from 1 from now on.
    pub fn arm(&self, number: usize, death: Death) {
        self.disarm();
        self.at.set(Some((number, death)));
    }

    /// Calls `watch` before each effect, until the fuse is disarmed.
    pub(super) fn before_each(&self, watch: impl FnMut() + 'static) {
        self.before_each.replace(Some(Box::new(watch)));
    }

    /// Makes call `number` of a program misbehave, counted from 1 from now on; if it `lasts`, all later calls
    /// of that program too.
    pub fn trouble(&self, number: usize, trouble: Trouble, lasts: bool) {
        self.disarm();
        self.trouble.set(Some((number, trouble, lasts)));
    }

    /// Makes a file call fail, counted from now on.
    pub fn fail_file(&self, fault: Fault) {
        self.disarm();
        self.fault.set(Some(fault));
    }

    /// Removes all kills and failures, and resets the counters.
    pub fn disarm(&self) {
        self.seen.take();
        self.calls.take();
        self.destroyed.take();
        self.file_calls.set(0);
        self.at.set(None);
        self.before_each.take();
        self.trouble.set(None);
        self.fault.set(None);
    }

    /// The effects since the last reset.
    pub fn seen(&self) -> Vec<Effect> {
        self.seen.borrow().clone()
    }

    /// The calls of programs since the last reset.
    pub fn calls(&self) -> Vec<String> {
        self.calls.borrow().clone()
    }

    /// What the gate announced to destroy, each with its evidence.
    pub fn destroyed(&self) -> Vec<(String, String)> {
        self.destroyed.borrow().clone()
    }

    /// The number of file calls, including those that only read.
    pub fn file_calls(&self) -> usize {
        self.file_calls.get()
    }

    /// Counts a call, and returns its trouble, if it has one.
    pub(super) fn call(&self, cmd: &Cmd) -> Option<Trouble> {
        let mut calls = self.calls.borrow_mut();
        calls.push(name_of(cmd));
        let (number, trouble, lasts) = self.trouble.get()?;
        let first = calls.get(number - 1)?;
        let program = |call: &str| call.split(' ').next().map(str::to_owned);
        let again = lasts && program(first) == Some(cmd.program.clone());
        (number == calls.len() || again).then_some(trouble)
    }

    /// Runs a program that may stop half-way.
    pub(super) fn halfway<T>(&self, act: impl FnOnce() -> T) -> T {
        self.halfway.set(true);
        let done = act();
        self.halfway.set(false);
        done
    }

    /// Counts a file call before odoo-deploy makes it; kills or fails there if it is armed.
    pub(super) fn file(&self, call: &Call<'_>) -> io::Result<()> {
        if let Call::Destroys { what, evidence } = call {
            let told = ((*what).to_owned(), (*evidence).to_owned());
            self.destroyed.borrow_mut().push(told);
            return Ok(());
        }
        self.file_calls.set(self.file_calls.get() + 1);
        let here = self.file_calls.get();
        let hit = |f: &Fault| f.number == here || (f.lasts && here > f.number);
        if let Some(fault) = self.fault.get().filter(hit) {
            half(call);
            return Err(fault.errno.into());
        }
        let kind = match call {
            Call::Read(_) | Call::Destroys { .. } => return Ok(()),
            Call::RemoveFile(path) | Call::RemoveTree(path) if path.symlink_metadata().is_err() => {
                return Ok(());
            }
            Call::Write(..) | Call::RemoveTree(_) => Kind::Halves,
            Call::Sync(_) | Call::SyncFolder(_) | Call::SyncDisk(_) => Kind::Sync,
            _ => Kind::Whole,
        };
        let Some(death) = self.next(kind, || name(call)) else {
            return Ok(());
        };
        if death == Death::Torn {
            half(call);
        }
        panic_any(Cut);
    }

    /// Runs one atomic effect of a program.
    pub fn effect<T>(&self, act: impl FnOnce() -> T) -> T {
        if self.next(Kind::Whole, || "a program".into()).is_some() {
            panic_any(Cut);
        }
        let done = act();
        self.unsynced.stays();
        self.stop_halfway();
        done
    }

    /// Runs one effect of a program that can be interrupted half-way.
    pub fn halves<H, T>(&self, first: impl FnOnce() -> H, second: impl FnOnce(H) -> T) -> T {
        let death = self.next(Kind::Halves, || "a program".into());
        if death.is_some_and(|death| death != Death::Torn) {
            panic_any(Cut);
        }
        let done = first();
        if death.is_some() {
            panic_any(Cut);
        }
        self.unsynced.stays();
        self.stop_halfway();
        second(done)
    }

    fn stop_halfway(&self) {
        if self.halfway.get() {
            resume_unwind(Box::new(Halfway));
        }
    }

    fn next(&self, kind: Kind, what: impl FnOnce() -> String) -> Option<Death> {
        if let Some(watch) = &mut *self.before_each.borrow_mut() {
            watch();
        }
        let what = what();
        self.seen.borrow_mut().push(Effect {
            what,
            kind,
            durable: self.unsynced.durable(),
            doubts: self.unsynced.doubts(),
        });
        let (number, death) = self.at.get()?;
        (number == self.seen.borrow().len()).then_some(death)
    }
}

/// The name of a call, with its standard input.
fn name_of(cmd: &Cmd) -> String {
    let read = cmd.stdin.as_deref().unwrap_or_default();
    let read = String::from_utf8_lossy(read);
    let read: Vec<&str> = read.split_whitespace().take(6).collect();
    format!("{cmd} {}", read.join(" ")).trim_end().to_owned()
}

/// The kind of a call, and its path.
fn name(call: &Call<'_>) -> String {
    match call {
        Call::Write(path, _) => format!("Write {}", path.display()),
        other => format!("{other:?}"),
    }
}

/// Does the first half of a call that can be interrupted.
fn half(call: &Call<'_>) {
    match call {
        Call::Write(path, bytes) => {
            let file = OpenOptions::new().append(true).open(path);
            file.unwrap().write_all(&bytes[..bytes.len() / 2]).unwrap();
        }
        Call::RemoveTree(path) => remove_half(path),
        _ => (),
    }
}

fn remove_half(path: &Path) {
    let names = fs::read_dir(path).into_iter().flatten();
    let mut paths: Vec<_> = names.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().take(paths.len().div_ceil(2)) {
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
}
