//! The end of a command, for people: the errors, the state of the host, and the command to type next.

use std::time::SystemTime;

use super::line::{BAD, BOLD, DIM, GOOD, Line, Output, PLAIN, WARN};
use super::progress::first_line;
use super::time;
use crate::event::{Event, Outcome};

/// A summary of the events so far, for the end.
#[derive(Default)]
pub(super) struct Summary {
    began: Option<SystemTime>,
    done: usize,
    undone: usize,
    failed: Vec<(String, String)>,
    not_undone: Vec<String>,
    unhealthy: Vec<(String, String)>,
    kept: usize,
    touched: bool,
    pending: bool,
}

impl Summary {
    pub(super) fn event(&mut self, event: &Event, now: SystemTime) {
        match event {
            // a refused site sends no `Began`, so the summary of the previous site must end here
            Event::Began { .. } | Event::SiteBegan { .. } => {
                *self = Self {
                    began: Some(now),
                    ..Self::default()
                }
            }
            Event::Plan(totals) => self.pending = totals.create + totals.change + totals.remove > 0,
            Event::StepBegan { .. } => self.touched = true,
            Event::StepDone { .. } => self.done += 1,
            Event::StepFailed { step, error } => self.failed.push((step.clone(), error.clone())),
            Event::Undone { .. } => (self.undone, self.touched) = (self.undone + 1, true),
            Event::Kept { .. } => self.kept += 1,
            Event::UndoFailed { step, .. } => {
                self.touched = true;
                self.not_undone.push(step.clone());
            }
            Event::Checked {
                check,
                passed: false,
                detail,
            } => {
                let detail = detail.as_ref().map(|detail| format!(": {detail}"));
                let text = format!("{check}{}", detail.unwrap_or_default());
                self.unhealthy.push((check.clone(), text));
            }
            // a check is repeated until it passes; its earlier failures no longer matter
            Event::Checked {
                check,
                passed: true,
                ..
            } => {
                self.unhealthy.retain(|(failed, _)| failed != check);
            }
            _ => {}
        }
    }

    /// Prints the end: success on `out`, failure on `err`.
    pub(super) fn tell(
        &self,
        ending: &Ending,
        out: &mut Output,
        err: &mut Output,
        now: SystemTime,
    ) {
        let well = ending.error.is_none() && matches!(ending.exit_code, 0 | 2);
        match ending.outcome {
            Outcome::Changed if well => self.tell_done("Done", self.done, ending, out, now),
            Outcome::Rehearsed if well => self.tell_done("Rehearsed", 0, ending, out, now),
            Outcome::RolledBack if well => {
                self.tell_done("Taken back", self.undone, ending, out, now);
            }
            // the plan or the status has already said it
            Outcome::Unchanged | Outcome::Pending if well && out.used => {}
            Outcome::Unchanged if well => out.line(&Line::plain("Nothing to do.")),
            Outcome::Pending if well => out.line(&Line::plain("Changes are pending.")),
            _ => return self.tell_failure(ending, err),
        }
        if let Some(next) = ending.next {
            out.line(&Line::default().then(BOLD, "Next: ").then(PLAIN, next));
        }
    }

    fn tell_done(
        &self,
        verb: &str,
        steps: usize,
        ending: &Ending,
        out: &mut Output,
        now: SystemTime,
    ) {
        let mut line = Line::default().then(GOOD, verb).then(PLAIN, ": ");
        if steps > 0 {
            let plural = if steps == 1 { "" } else { "s" };
            let took = self.began.and_then(|began| now.duration_since(began).ok());
            let took = took.map(|took| format!(" in {}", time::spoken(took)));
            line = line.then(
                PLAIN,
                &format!("{steps} step{plural}{}, ", took.unwrap_or_default()),
            );
        }
        let host = format!("the host is {}.", self.host(ending.outcome));
        out.wrapped(line.then(PLAIN, &host), 2);
    }

    fn tell_failure(&self, ending: &Ending, err: &mut Output) {
        let mut errors = self.errors(ending).into_iter();
        let (step, error) = errors.next().unwrap_or((None, default(ending.outcome)));
        let word = if ending.outcome == Outcome::Interrupted {
            "stopped: "
        } else {
            "error: "
        };
        let mut head = Line::default();
        // a diagnostic starts with `error` itself
        if step.is_some() || !error.starts_with("error") {
            head = head.then(BAD, word);
        }
        if let Some(step) = step {
            head = head
                .then(PLAIN, "step ")
                .then(BOLD, &format!("`{step}`"))
                .then(PLAIN, ": ");
        }
        if ending.outcome == Outcome::Refused && error.contains('\n') {
            // an excerpt of a file with the place underlined: its layout must stay
            let mut lines = error.trim_end().lines();
            err.line(&head.then(PLAIN, lines.next().unwrap_or_default()));
            lines.for_each(|line| err.line(&Line::plain(line)));
        } else {
            err.wrapped(head.then(PLAIN, first_line(error)), 2);
        }
        for (step, error) in errors {
            let step = step
                .map(|step| format!("step `{step}`: "))
                .unwrap_or_default();
            field(err, "also", &format!("{step}{}", first_line(error)));
        }
        field(err, "host", &self.host(ending.outcome));
        if let Some(next) = ending.next {
            // not wrapped, because users copy it
            err.line(&Line::default().then(WARN, "  next  ").then(BOLD, next));
        }
        if ending.outcome != Outcome::Refused {
            for line in error.trim().lines().skip(1) {
                err.line(&Line::default().then(DIM, "  | ").then(PLAIN, line));
            }
        }
    }

    /// All errors, each once: the steps and the checks that failed, and the error of the command if it adds
    /// something.
    fn errors<'a>(&'a self, ending: &Ending<'a>) -> Vec<(Option<&'a str>, &'a str)> {
        let steps = self
            .failed
            .iter()
            .map(|(step, error)| (Some(step.as_str()), error.as_str()));
        let checks = self.unhealthy.iter().map(|(_, text)| (None, text.as_str()));
        let mut errors: Vec<_> = steps.chain(checks).collect();
        if let Some(error) = ending.error {
            let first = first_line(error);
            let says_it = |told: &str| error.contains(first_line(told)) || told.contains(first);
            if !errors.iter().any(|(_, told)| says_it(told)) {
                errors.push((None, error));
            }
        }
        errors
    }

    fn host(&self, outcome: Outcome) -> String {
        let kept = if self.kept > 0 {
            ", except for what was kept"
        } else {
            ""
        };
        match outcome {
            Outcome::Refused | Outcome::Rehearsed => "untouched".to_owned(),
            Outcome::Locked => "untouched by this run".to_owned(),
            Outcome::Failed | Outcome::Interrupted | Outcome::Unhealthy if !self.touched => {
                "untouched".to_owned()
            }
            Outcome::Failed => "between two states; what was done is in the journal".to_owned(),
            Outcome::Interrupted => {
                "stopped between two steps; what was done is in the journal".to_owned()
            }
            Outcome::RolledBack => format!("as it was before the run{kept}"),
            Outcome::RollbackIncomplete if self.not_undone.is_empty() => {
                "between two states; not all could be taken back".to_owned()
            }
            Outcome::RollbackIncomplete => format!(
                "between two states; not taken back: {}",
                self.not_undone.join(", ")
            ),
            Outcome::Unhealthy if self.pending && !self.touched => {
                "untouched; it is not as the site asks, and not in order".to_owned()
            }
            Outcome::Unhealthy => "set up as planned, but not in order".to_owned(),
            Outcome::Changed => "as the site asks".to_owned(),
            Outcome::Unchanged | Outcome::Pending => "untouched; changes may be pending".to_owned(),
        }
    }
}

/// The fields of [`Event::Ended`].
pub(super) struct Ending<'a> {
    pub(super) outcome: Outcome,
    pub(super) exit_code: u8,
    pub(super) error: Option<&'a str>,
    pub(super) next: Option<&'a str>,
}

fn field(err: &mut Output, name: &str, text: &str) {
    err.wrapped(
        Line::default()
            .then(DIM, &format!("  {name}  "))
            .then(PLAIN, text),
        8,
    );
}

/// The message for a failure without an error.
fn default(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Locked => "the site is held by another process",
        Outcome::Refused => "the request was refused",
        Outcome::Interrupted => "by a signal",
        Outcome::RollbackIncomplete => "the run could not be taken back as a whole",
        Outcome::Unhealthy => "the service does not answer as it should",
        _ => "the run did not reach its end",
    }
}
