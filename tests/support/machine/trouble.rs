//! Programs that misbehave.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use odoo_deploy::host::Output;
use odoo_deploy::host::command::Cmd;

use super::Model;
use super::programs::{complaint, missing};

/// How a program misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Does nothing, and reports a failure.
    Fails,
    /// Is not installed.
    Missing,
    /// Does half of its work, and never ends.
    Hangs,
    /// Does half of its work, and is killed by a signal.
    Killed,
    /// Does half of its work, and reports a failure.
    Halves,
    /// Does nothing, and reports success.
    Idle,
    /// Does its work, and prints an answer that cannot be parsed.
    Garbage,
    /// Does its work, and prints a thousand lines.
    Huge,
    /// Does its work, and prints bytes that are not UTF-8.
    NotText,
}

impl Trouble {
    /// All troubles.
    pub const ALL: [Self; 9] = [
        Self::Fails,
        Self::Missing,
        Self::Hangs,
        Self::Killed,
        Self::Halves,
        Self::Idle,
        Self::Garbage,
        Self::Huge,
        Self::NotText,
    ];
}

/// The panic with which a program stops half-way.
pub(super) struct Halfway;

impl Model {
    /// Runs a program in trouble. Returns `None` if it never ends.
    pub(super) fn troubled(&self, trouble: Trouble, cmd: &Cmd) -> Option<Output> {
        let answered = |stdout: String| Output {
            code: Some(0),
            stdout,
            ..Output::default()
        };
        Some(match trouble {
            Trouble::Fails => complaint(1, "the disk is on fire"),
            Trouble::Missing => missing(),
            Trouble::Hangs => {
                self.half(cmd);
                return None;
            }
            Trouble::Killed => {
                self.half(cmd);
                Output::default()
            }
            Trouble::Halves => {
                self.half(cmd);
                complaint(1, "broken off")
            }
            Trouble::Idle => answered(String::new()),
            Trouble::Garbage => {
                self.well(cmd);
                answered("}{ = : | \\ \" 17\n".repeat(3))
            }
            Trouble::Huge => {
                let noise = "all is well, and all manner of things will be well\n".repeat(1000);
                let said = self.well(cmd);
                Output {
                    stdout: noise + &said.stdout,
                    ..said
                }
            }
            Trouble::NotText => {
                let said = self.well(cmd);
                let mut bytes = vec![0xff, 0xfe];
                for byte in said.stdout.bytes() {
                    bytes.push(byte);
                    if byte == b'\n' {
                        bytes.extend([0xc3, 0x28]);
                    }
                }
                Output {
                    stdout: String::from_utf8_lossy(&bytes).into_owned(),
                    ..said
                }
            }
        })
    }

    /// Does half of a program's work.
    fn half(&self, cmd: &Cmd) {
        let broken = self
            .fuse
            .halfway(|| catch_unwind(AssertUnwindSafe(|| self.well(cmd))));
        if let Err(other) = broken
            && !other.is::<Halfway>()
        {
            resume_unwind(other);
        }
    }
}
