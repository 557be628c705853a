//! Progress for people: steps that begin and end, waits, and results.

use std::time::{Duration, SystemTime};

use anstyle::Style;

use super::line::{BAD, BOLD, DIM, GOOD, Line, Output, PLAIN, WARN};
use super::live::Live;
use super::time;
use crate::event::Event;

/// The width of the first column: `[12/18]`, `waiting`.
const WORD: usize = 7;

/// Prints one event of a run.
pub(super) fn tell(event: &Event, live: &mut Live, err: &mut Output, now: SystemTime) {
    let told = match event {
        Event::Began {
            command,
            site,
            run: Some(run),
        } => Some(Line::default().then(BOLD, &format!("{command} {site}, run {run}"))),
        Event::StepBegan {
            step,
            subject,
            number,
            total,
            causes,
        } => {
            let start = place(*number, *total).then(BOLD, step);
            live.begin(step, subject, start.clone(), now);
            (!live.shown).then(|| begun(start, subject, causes))
        }
        Event::StepDone {
            step,
            subject,
            seconds,
        } => {
            let start = live.finish(step);
            let took = time::spoken(Duration::try_from_secs_f64(*seconds).unwrap_or_default());
            // without a progress line, an earlier line has already named the subject
            let what = if live.shown {
                start.then(PLAIN, &format!("  {subject}"))
            } else {
                start.then(GOOD, "  done")
            };
            Some(what.then(DIM, &format!("  {took}")))
        }
        Event::StepFailed { step, error } => {
            let what = live.finish(step).then(BAD, "  failed");
            Some(what.then(PLAIN, &format!(": {}", first_line(error))))
        }
        Event::Waiting { what, at_most } => {
            live.wait(what, *at_most, now);
            (!live.shown).then(|| waiting(what, Duration::from_secs(*at_most), now))
        }
        Event::Checked { .. } => {
            live.answered();
            result(event)
        }
        Event::Ended { .. } => {
            live.end();
            None
        }
        event => result(event),
    };
    if let Some(told) = told {
        err.wrapped(told, WORD + 1);
    }
    if let Event::UndoFailed { error, .. } = event {
        for more in error.trim_end().lines().skip(1) {
            err.line(&word("", PLAIN).then(DIM, more));
        }
    }
}

fn begun(start: Line, subject: &str, causes: &[String]) -> Line {
    let line = start.then(PLAIN, &format!("  {subject}"));
    if causes.is_empty() {
        return line;
    }
    line.then(WARN, &format!("  because of: {}", causes.join(", ")))
}

fn waiting(what: &str, limit: Duration, now: SystemTime) -> Line {
    let until = now
        .checked_add(limit)
        .map(|at| format!(", until {}", time::clock(at)));
    let limit = format!(
        ", at most {}{}",
        time::spoken(limit),
        until.unwrap_or_default()
    );
    word("waiting", WARN).then(PLAIN, what).then(DIM, &limit)
}

/// The line for an event that needs no context.
fn result(event: &Event) -> Option<Line> {
    Some(match event {
        Event::Note { text } => word("note", WARN).then(PLAIN, text),
        Event::Checked {
            check,
            passed,
            detail,
        } => {
            let (mark, style) = if *passed {
                ("ok", GOOD)
            } else {
                ("failed", BAD)
            };
            let line = word(mark, style).then(PLAIN, check);
            match detail {
                Some(detail) => line.then(PLAIN, &format!(": {detail}")),
                None => line,
            }
        }
        Event::Undone { step, subject } => word("undone", GOOD)
            .then(BOLD, step)
            .then(PLAIN, &format!("  {subject}")),
        Event::Kept {
            step,
            subject,
            reason,
        } => word("kept", WARN)
            .then(BOLD, step)
            .then(PLAIN, &format!("  {subject}: {reason}")),
        Event::UndoFailed { step, error } => {
            let error = format!("  not undone: {}", first_line(error));
            word("failed", BAD).then(BOLD, step).then(PLAIN, &error)
        }
        _ => return None,
    })
}

fn place(number: usize, total: usize) -> Line {
    let digits = total.to_string().len();
    word(&format!("[{number:digits$}/{total}]"), DIM)
}

/// A line with its first column.
pub(super) fn word(text: &str, style: Style) -> Line {
    Line::default().padded(style, text, WORD).then(PLAIN, " ")
}

/// The first line of a text.
pub(super) fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default().trim_end()
}
