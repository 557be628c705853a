//! How a command ended, and its exit code.

use crate::command::session::back;
use crate::event::Outcome;
use crate::host::stop::{Stop, Stopped};
use crate::host::{self};
use crate::plan::blueprint;
use crate::text::error::chain;

/// The exit code of success, also if there was nothing to do.
const DONE: u8 = 0;
/// The exit code of wrong arguments.
const USAGE: u8 = 64;
/// The exit code of a wrong configuration.
const CONFIGURATION: u8 = 78;
/// The exit code of a command that SIGINT stopped.
pub(super) const INTERRUPTED: u8 = 130;

/// The meaning of each exit code, worst first. If a command works on several sites, it exits with the worst code of
/// all. A signal is the worst, because it means that not all sites were tried.
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

/// The exit codes as a text for the help: by number, and then from worst to best.
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

/// The worst of some exit codes. An unknown code is the worst of all.
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

/// The ending of a command that changed nothing, with the reason.
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

    /// The command to type next, if something is left to do.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// An ending with the usual exit code for its outcome.
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

    /// The same ending with exit code 0, for an outcome that the user asked for.
    pub(super) fn well(self) -> Self {
        self.coded(DONE)
    }

    /// The same ending with another exit code.
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

/// The ending of a command that changed nothing, because of `reason`.
pub(super) fn refused(reason: impl Into<String>) -> Refused {
    Ending::of(Outcome::Refused).because(reason)
}

/// The ending of a command that changed nothing, because of an error.
pub(super) fn failed(error: impl std::error::Error) -> Refused {
    refused(chain(&error))
}

/// The ending for a wrong configuration.
pub(super) fn misconfigured(reason: impl Into<String>) -> Refused {
    refused(reason).coded(CONFIGURATION)
}

/// The ending for wrong arguments.
pub(super) fn misused(reason: impl Into<String>) -> Refused {
    refused(reason).coded(USAGE)
}

/// The ending if no plan can be made.
pub(super) fn unplannable(error: blueprint::Error) -> Refused {
    match error {
        blueprint::Error::Invalid(wrong) => misconfigured(wrong.render(80, false)),
        blueprint::Error::Host(error) => failed(error),
        blueprint::Error::Refused(reason) => refused(reason),
        error => misconfigured(chain(&error)),
    }
}

/// The ending if the host had an error before anything was changed, or a signal asked to stop.
pub(super) fn gave_up(error: &host::Error) -> Refused {
    match error {
        host::Error::Stopped(stopped) => Ending::stopped(*stopped).because(chain(error)),
        error => failed(error),
    }
}

/// The ending of an incomplete rollback: some steps failed, or a signal asked to stop. As a second try may fail again,
/// the ending also says how to leave the steps in `left` as they are.
pub(super) fn incomplete(stop: &Stop, text: &str, name: &str, left: &[String]) -> Ending {
    let ending = match stop.check() {
        Ok(()) => Ending::of(Outcome::RollbackIncomplete),
        Err(stopped) => Ending::stopped(stopped),
    };
    ending.because(text).then(again_or_kept(name, left))
}

/// The two possible next commands after a rollback that failed for the steps in `left`: try again, or keep them.
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
    fn the_exit_code_of_several_sites_is_the_worst() {
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
    #[test]
    fn the_page_on_operations_has_these_codes_in_this_order() {
        let page = include_str!("../../docs/operations.md");
        let order = CODES.map(|(code, _)| code.to_string()).join(", ");
        assert!(
            page.contains(&format!("in this order: {order}.")),
            "{order}"
        );
        for (code, _) in CODES {
            let is_row = |line: &str| {
                let codes = line
                    .strip_prefix("| ")
                    .and_then(|row| row.split(" |").next());
                codes.is_some_and(|codes| codes.split(", ").any(|one| one == code.to_string()))
            };
            assert!(page.lines().any(is_row), "no row for {code}");
        }
    }
}
