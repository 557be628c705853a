//! Progress for people: what runs, what is waited for, what came of it.

use std::time::{Duration, SystemTime};

use super::line::{BAD, BOLD, DIM, GOOD, Line, PLAIN, Sheet, WARN};
use super::options::Signs;
use super::time;
use crate::event::Event;

/// The width of the first column: `[12/18]`, `waiting`.
const WORD: usize = 7;

/// What is under way.
pub(super) struct Progress {
    signs: Signs,
    live: bool,
    running: Vec<Running>,
    waiting: Option<Waiting>,
    /// Whether a line that the next one overwrites is on the screen.
    passing: bool,
}

struct Running {
    step: String,
    subject: String,
    number: usize,
    total: usize,
    since: SystemTime,
}

struct Waiting {
    what: String,
    at_most: u64,
    since: SystemTime,
}

impl Progress {
    pub(super) fn new(signs: Signs, live: bool) -> Self {
        Self {
            signs,
            live,
            running: Vec::new(),
            waiting: None,
            passing: false,
        }
    }

    /// Takes the overwritable line off the screen.
    pub(super) fn clear(&mut self, err: &mut Sheet) {
        if self.passing {
            err.clear();
            self.passing = false;
        }
    }

    /// Puts what is under way on the overwritable line, where there may be one.
    pub(super) fn draw(&mut self, err: &mut Sheet, now: SystemTime) {
        let Some(line) = self.under_way(now) else {
            return;
        };
        // The last column stays free: some terminals wrap as soon as it is written.
        err.passing(&line.cut(err.terminal.width.saturating_sub(1), self.signs.ellipsis));
        self.passing = true;
    }

    fn under_way(&self, now: SystemTime) -> Option<Line> {
        if !self.live {
            return None;
        }
        if let Some(Waiting {
            what,
            at_most,
            since,
        }) = &self.waiting
        {
            let (elapsed, at_most) = (
                elapsed(*since, now),
                time::spoken(Duration::from_secs(*at_most)),
            );
            return Some(
                word("waiting", WARN).then(PLAIN, &format!("{what}  {elapsed} of {at_most}")),
            );
        }
        let oldest = self.running.first()?;
        let elapsed = elapsed(oldest.since, now);
        Some(match &self.running[..] {
            [only] => only
                .start()
                .then(PLAIN, &format!("  {elapsed}  {}", only.subject)),
            all => {
                let steps: Vec<&str> = all.iter().map(|running| running.step.as_str()).collect();
                place(oldest.number, oldest.total)
                    .then(BOLD, &steps.join(", "))
                    .then(PLAIN, &format!("  {elapsed}"))
            }
        })
    }

    /// Tells one event of a run.
    pub(super) fn event(&mut self, event: &Event, err: &mut Sheet, now: SystemTime) {
        match event {
            Event::Began {
                command,
                site,
                run: Some(run),
            } => {
                say(
                    err,
                    Line::default().then(BOLD, &format!("{command} {site}, run {run}")),
                );
            }
            Event::StepBegan {
                step,
                subject,
                number,
                total,
                causes,
            } => {
                let (step, subject, number, total) =
                    (step.clone(), subject.clone(), *number, *total);
                let running = Running {
                    step,
                    subject,
                    number,
                    total,
                    since: now,
                };
                if !self.live {
                    let mut line = running
                        .start()
                        .then(PLAIN, &format!("  {}", running.subject));
                    if !causes.is_empty() {
                        line = line.then(WARN, &format!("  because of: {}", causes.join(", ")));
                    }
                    say(err, line);
                }
                self.running.push(running);
            }
            Event::StepDone {
                step,
                subject,
                seconds,
            } => {
                self.waiting = None;
                let took = time::spoken(Duration::try_from_secs_f64(*seconds).unwrap_or_default());
                let line = self.finish(step);
                say(
                    err,
                    match self.live {
                        true => line
                            .then(PLAIN, &format!("  {subject}"))
                            .then(DIM, &format!("  {took}")),
                        false => line.then(GOOD, "  done").then(DIM, &format!("  {took}")),
                    },
                );
            }
            Event::StepFailed { step, error } => {
                self.waiting = None;
                let line = self.finish(step);
                say(
                    err,
                    line.then(BAD, "  failed")
                        .then(PLAIN, &format!(": {}", first_line(error))),
                );
            }
            Event::Waiting { what, at_most } => {
                if !self.live {
                    let limit = Duration::from_secs(*at_most);
                    let until = now
                        .checked_add(limit)
                        .map(|at| format!(", until {}", time::clock(at)));
                    let limit = format!(
                        ", at most {}{}",
                        time::spoken(limit),
                        until.unwrap_or_default()
                    );
                    say(
                        err,
                        word("waiting", WARN).then(PLAIN, what).then(DIM, &limit),
                    );
                }
                self.waiting = Some(Waiting {
                    what: what.clone(),
                    at_most: *at_most,
                    since: now,
                });
            }
            Event::Note { text } => say(err, word("note", WARN).then(PLAIN, text)),
            Event::Checked {
                check,
                passed,
                detail,
            } => {
                self.waiting = None;
                let (mark, style) = if *passed {
                    ("ok", GOOD)
                } else {
                    ("failed", BAD)
                };
                let detail = detail.as_ref().map(|detail| format!(": {detail}"));
                say(
                    err,
                    word(mark, style)
                        .then(PLAIN, check)
                        .then(PLAIN, &detail.unwrap_or_default()),
                );
            }
            Event::Undone { step, subject } => {
                say(
                    err,
                    word("undone", GOOD)
                        .then(BOLD, step)
                        .then(PLAIN, &format!("  {subject}")),
                );
            }
            Event::Kept {
                step,
                subject,
                reason,
            } => {
                say(
                    err,
                    word("kept", WARN)
                        .then(BOLD, step)
                        .then(PLAIN, &format!("  {subject}: {reason}")),
                );
            }
            Event::UndoFailed { step, error } => {
                let line = word("failed", BAD)
                    .then(BOLD, step)
                    .then(PLAIN, "  not undone: ");
                say(err, line.then(PLAIN, first_line(error)));
                for line in error.trim_end().lines().skip(1) {
                    err.line(&Line::plain(&" ".repeat(WORD + 1)).then(DIM, line));
                }
            }
            Event::Ended { .. } => {
                self.waiting = None;
                self.running.clear();
            }
            Event::Began { .. } | Event::Planned(_) | Event::Plan(_) | Event::Status { .. } => {}
        }
    }

    /// The beginning of the last line of a step, which is then no longer under way.
    fn finish(&mut self, step: &str) -> Line {
        match self.running.iter().position(|running| running.step == step) {
            Some(at) => self.running.remove(at).start(),
            None => word("", PLAIN).then(BOLD, step),
        }
    }
}

impl Running {
    fn start(&self) -> Line {
        place(self.number, self.total).then(BOLD, &self.step)
    }
}

fn place(number: usize, total: usize) -> Line {
    let digits = total.to_string().len();
    word(&format!("[{number:digits$}/{total}]"), DIM)
}

fn word(text: &str, style: anstyle::Style) -> Line {
    Line::default().padded(style, text, WORD).then(PLAIN, " ")
}

fn say(err: &mut Sheet, line: Line) {
    err.wrapped(line, WORD + 1);
}

fn elapsed(since: SystemTime, now: SystemTime) -> String {
    // Whole seconds: tenths would only flicker. A clock set back is no time at all.
    time::spoken(Duration::from_secs(
        now.duration_since(since).unwrap_or_default().as_secs(),
    ))
}

/// The first line of a text that may have many.
pub(super) fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default().trim_end()
}
