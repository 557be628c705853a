//! How a command ended, and the exit code that tells it.

use crate::command::session::back;
use crate::event::Outcome;
use crate::host::stop::{Stop, Stopped};
use crate::host::{self};
use crate::plan::blueprint;
use crate::text::error::chain;

/// The exit code of a command that is done, or had nothing to do.
const DONE: u8 = 0;
/// The exit code of wrong arguments.
const USAGE: u8 = 64;
/// The exit code of a wrong configuration.
const CONFIGURATION: u8 = 78;
/// The exit code of a command that SIGINT stopped.
pub(super) const INTERRUPTED: u8 = 130;

/// What each exit code means, the worst first: of several sites the worst is the code of all. A signal is the worst, as
/// not all sites were tried then.
const CODES: [(u8, &str); 11] = [
    (INTERRUPTED, "stopped by SIGINT"),
    (143, "stopped by SIGTERM"),
    (4, "could not be taken back"),
    (1, "failed or refused; says how things are"),
    (
        5,
        "the service does not answer as it should, or something else is wrong",
    ),
    (3, "failed and taken back"),
    (CONFIGURATION, "wrong configuration"),
    (USAGE, "wrong usage"),
    (6, "another odoo-deploy works on the site"),
    (2, "changes are pending"),
    (DONE, "done, or nothing to do"),
];

/// The exit codes, for people: by number, and in the order of the worst.
pub(super) fn codes() -> String {
    let mut codes = CODES;
    codes.sort_unstable();
    let lines = codes.map(|(code, means)| format!("  {code:<5}{means}\n"));
    let worst = CODES.map(|(code, _)| code.to_string()).join(", ");
    format!(
        "Exit codes:\n{}Of several sites the worst, in this order: {worst}.",
        lines.concat()
    )
}

/// The worst of some exit codes; one that nobody knows is the worst.
pub(super) fn worst(codes: impl Iterator<Item = u8>) -> u8 {
    let rank = |code: &u8| CODES.iter().position(|(known, _)| known == code);
    codes.min_by_key(rank).unwrap_or(DONE)
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub(super) outcome: Outcome,
    pub(super) code: u8,
    pub(super) error: Option<String>,
    pub(super) next: Option<String>,
}

/// A command that touched nothing, with the reason.
pub type Refused = Ending;

impl Ending {
    /// The exit code of the process.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.code
    }

    /// What went wrong, if something did.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// What to type next, if something is to be done.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// An ending with the exit code that is usual for its outcome.
    pub(super) fn of(outcome: Outcome) -> Self {
        let code = match outcome {
            Outcome::Changed | Outcome::Unchanged | Outcome::Rehearsed => DONE,
            Outcome::Failed | Outcome::Refused => 1,
            Outcome::Pending => 2,
            Outcome::RolledBack => 3,
            Outcome::RollbackIncomplete => 4,
            Outcome::Unhealthy => 5,
            Outcome::Locked => 6,
            Outcome::Interrupted => INTERRUPTED,
        };
        Self {
            outcome,
            code,
            error: None,
            next: None,
        }
    }

    /// The same as the end that was asked for: exit code 0.
    pub(super) fn well(self) -> Self {
        self.coded(DONE)
    }

    /// The same with another exit code.
    pub(super) fn coded(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    pub(super) fn stopped(stopped: Stopped) -> Self {
        let code = u8::try_from(128 + stopped.signal).unwrap_or(INTERRUPTED);
        Self::of(Outcome::Interrupted).coded(code)
    }

    pub(super) fn because(mut self, error: impl Into<String>) -> Self {
        self.error = Some(error.into());
        self
    }

    pub(super) fn then(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// Nothing was touched, and this is why.
pub(super) fn refused(reason: impl Into<String>) -> Refused {
    Ending::of(Outcome::Refused).because(reason)
}

/// Nothing was touched, as an error says.
pub(super) fn failed(error: impl std::error::Error) -> Refused {
    refused(chain(&error))
}

/// The configuration is wrong.
pub(super) fn misconfigured(reason: impl Into<String>) -> Refused {
    refused(reason).coded(CONFIGURATION)
}

/// The arguments are wrong.
pub(super) fn misused(reason: impl Into<String>) -> Refused {
    refused(reason).coded(USAGE)
}

/// There is no plan.
pub(super) fn unplannable(error: blueprint::Error) -> Refused {
    match error {
        blueprint::Error::Invalid(wrong) => misconfigured(wrong.render(80, false)),
        blueprint::Error::Host(error) => failed(error),
        blueprint::Error::Refused(reason) => refused(reason),
        error => misconfigured(chain(&error)),
    }
}

/// The host was in the way before anything was touched, or a signal asked to stop.
pub(super) fn gave_up(error: &host::Error) -> Refused {
    match error {
        host::Error::Stopped(stopped) => Ending::stopped(*stopped).because(chain(error)),
        error => failed(error),
    }
}

/// Not all could be taken back, or a signal asked to stop on the way. What is tried again may fail again: the
/// owner can have the steps in `left` stay as they are.
pub(super) fn incomplete(stop: &Stop, text: &str, name: &str, left: &[String]) -> Ending {
    let ending = match stop.check() {
        Ok(()) => Ending::of(Outcome::RollbackIncomplete),
        Err(stopped) => Ending::stopped(stopped),
    };
    ending.because(text).then(again_or_kept(name, left))
}

/// The two ways on from a rollback that could not take back the steps in `left`.
pub(super) fn again_or_kept(name: &str, left: &[String]) -> String {
    let back = back(name);
    if left.is_empty() {
        return back;
    }
    format!(
        "{back}   (tries again) or {back}{}   (leaves as it is what cannot be taken back)",
        kept(left)
    )
}

/// The arguments of `rollback` that keep `steps` as they are.
pub(super) fn kept(steps: &[String]) -> String {
    let add = |line: String, step: &String| line + " --keep " + step;
    steps.iter().fold(String::new(), add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_code_is_that_of_all() {
        for (codes, expected) in [
            (&[][..], 0),
            (&[0, 2, 0], 2),
            (&[2, 78, 6], 78),
            (&[3, 1, 5], 1),
            (&[1, 4], 4),
            (&[4, 130, 130], 130),
            (&[0, 99], 99),
        ] {
            assert_eq!(worst(codes.iter().copied()), expected, "{codes:?}");
        }
    }
}
