//! Programs that do not do what they were called for.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use odoo_deploy::host::Output;
use odoo_deploy::host::command::Cmd;

use super::Model;
use super::programs::{complaint, missing};

/// How a called program misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It does nothing, and says so.
    Fails,
    /// It is not installed.
    Missing,
    /// It does the half of its work, and does not end.
    Hangs,
    /// It does the half of its work, and a signal ends it.
    Killed,
    /// It does the half of its work, and then fails.
    Halves,
    /// It does nothing, and says that all is well.
    Idle,
    /// It does its work, and answers what nobody understands.
    Garbage,
    /// It does its work, and says so in a thousand lines.
    Huge,
    /// It does its work, and answers in no known encoding.
    NotText,
}

impl Trouble {
    /// All of them.
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

/// What a program ends with that stops half way.
pub(super) struct Halfway;

impl Model {
    /// The answer of a program in trouble; `None` where it does not end.
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

    /// Lets a program do the half of what it does.
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
