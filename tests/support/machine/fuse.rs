//! The fuse: where the agent is killed, and which call fails.

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

/// What the agent dies of; nothing else may be caught.
pub struct Cut;

/// How the agent dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Killed before an effect.
    Before,
    /// Killed in the middle of it.
    Torn,
    /// The power goes before it, and with it all that was not synced.
    PowerCut,
    /// The same, but some of what was not synced was on disk all the same: which, is the dice's.
    PartialCut(u8),
}

/// One effect on the machine: a change to a file, or what a program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Its name, and what it is about.
    pub what: String,
    kind: Kind,
    /// How often something had come to stay before it.
    durable: usize,
    /// How many changes were in doubt before it.
    doubts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Whole or not there.
    Whole,
    /// Can be half done.
    Halves,
    /// Nothing that a kill could cut: it only makes durable what was done before.
    Sync,
}

impl Effect {
    /// How the agent can die there, less what leaves the same as a death at the effect `before` it: all is
    /// dark as it was until something more comes to stay, and dim in as many ways as something is in doubt.
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

/// How a file call fails.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Which one, counted from 1.
    pub number: usize,
    /// Of what.
    pub errno: Errno,
    /// Whether all that follow fail too, until the fuse is disarmed.
    pub lasts: bool,
}

/// Counts effects and calls, cuts at one of them, lets others fail.
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
    /// The fuse of a machine, of whose changes these are not on disk.
    pub(super) fn new(unsynced: Rc<Unsynced>) -> Self {
        Self {
            unsynced,
            ..Self::default()
        }
    }

    /// Cuts at effect `number`, counted from 1 and from now.
    pub fn arm(&self, number: usize, death: Death) {
        self.disarm();
        self.at.set(Some((number, death)));
    }

    /// Does this before each effect, until it is disarmed.
    pub(super) fn before_each(&self, watch: impl FnMut() + 'static) {
        self.before_each.replace(Some(Box::new(watch)));
    }

    /// Lets call `number` of a program, counted from 1 and from now, come into trouble; where it
    /// `lasts`, all later calls of that program too.
    pub fn trouble(&self, number: usize, trouble: Trouble, lasts: bool) {
        self.disarm();
        self.trouble.set(Some((number, trouble, lasts)));
    }

    /// Lets a file call fail, counted from now.
    pub fn fail_file(&self, fault: Fault) {
        self.disarm();
        self.fault.set(Some(fault));
    }

    /// Cuts nowhere, lets nothing fail, and counts from now.
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

    /// The effects there were.
    pub fn seen(&self) -> Vec<Effect> {
        self.seen.borrow().clone()
    }

    /// The calls of programs that there were.
    pub fn calls(&self) -> Vec<String> {
        self.calls.borrow().clone()
    }

    /// What was told that it goes, each with the evidence that it is ours.
    pub fn destroyed(&self) -> Vec<(String, String)> {
        self.destroyed.borrow().clone()
    }

    /// How many file calls there were, those that only read among them.
    pub fn file_calls(&self) -> usize {
        self.file_calls.get()
    }

    /// Counts a call; the trouble that it comes into.
    pub(super) fn call(&self, cmd: &Cmd) -> Option<Trouble> {
        let mut calls = self.calls.borrow_mut();
        calls.push(name_of(cmd));
        let (number, trouble, lasts) = self.trouble.get()?;
        let first = calls.get(number - 1)?;
        let program = |call: &str| call.split(' ').next().map(str::to_owned);
        let again = lasts && program(first) == Some(cmd.program.clone());
        (number == calls.len() || again).then_some(trouble)
    }

    /// Lets what a program does stop half way.
    pub(super) fn halfway<T>(&self, act: impl FnOnce() -> T) -> T {
        self.halfway.set(true);
        let done = act();
        self.halfway.set(false);
        done
    }

    /// The agent is about to make a file call.
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

    /// One effect of a program's that is whole or not there.
    pub fn effect<T>(&self, act: impl FnOnce() -> T) -> T {
        if self.next(Kind::Whole, || "a program".into()).is_some() {
            panic_any(Cut);
        }
        let done = act();
        self.unsynced.stays();
        self.stop_halfway();
        done
    }

    /// One effect of a program's that can be half done.
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

/// A call, with what it reads.
fn name_of(cmd: &Cmd) -> String {
    let read = cmd.stdin.as_deref().unwrap_or_default();
    let read = String::from_utf8_lossy(read);
    let read: Vec<&str> = read.split_whitespace().take(6).collect();
    format!("{cmd} {}", read.join(" ")).trim_end().to_owned()
}

/// What a call does, and to what.
fn name(call: &Call<'_>) -> String {
    match call {
        Call::Write(path, _) => format!("Write {}", path.display()),
        other => format!("{other:?}"),
    }
}

/// Does the first half of a call that has one.
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
