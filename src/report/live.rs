//! The steps in progress, and the progress line that shows them.

use std::time::{Duration, SystemTime};

use super::line::{BOLD, Line, Output, PLAIN, WARN};
use super::options::Signs;
use super::progress::word;
use super::time;

/// The steps in progress.
pub(super) struct Live {
    signs: Signs,
    /// Whether there is a terminal with a progress line.
    pub(super) shown: bool,
    running: Vec<Running>,
    waiting: Option<Waiting>,
    /// Whether the progress line is on the screen now.
    drawn: bool,
}

struct Running {
    step: String,
    subject: String,
    start: Line,
    since: SystemTime,
}

struct Waiting {
    what: String,
    at_most: u64,
    since: SystemTime,
}

impl Live {
    pub(super) fn new(signs: Signs, shown: bool) -> Self {
        Self {
            signs,
            shown,
            running: Vec::new(),
            waiting: None,
            drawn: false,
        }
    }

    /// A step begins. `start` is the beginning of its lines.
    pub(super) fn begin(&mut self, step: &str, subject: &str, start: Line, now: SystemTime) {
        self.running.push(Running {
            step: step.to_owned(),
            subject: subject.to_owned(),
            start,
            since: now,
        });
    }

    /// A step ends. Returns the beginning of its last line.
    pub(super) fn finish(&mut self, step: &str) -> Line {
        self.waiting = None;
        match self.running.iter().position(|running| running.step == step) {
            Some(at) => self.running.remove(at).start,
            None => word("", PLAIN).then(BOLD, step),
        }
    }

    /// A wait begins. It ends with the next event about a step or a check.
    pub(super) fn wait(&mut self, what: &str, at_most: u64, now: SystemTime) {
        self.waiting = Some(Waiting {
            what: what.to_owned(),
            at_most,
            since: now,
        });
    }

    /// The wait is over.
    pub(super) fn answered(&mut self) {
        self.waiting = None;
    }

    /// The command is over.
    pub(super) fn end(&mut self) {
        self.waiting = None;
        self.running.clear();
    }

    /// Removes the progress line from the screen.
    pub(super) fn clear(&mut self, err: &mut Output) {
        if self.drawn {
            err.clear();
            self.drawn = false;
        }
    }

    /// Draws the progress line.
    pub(super) fn draw(&mut self, err: &mut Output, now: SystemTime) {
        if let Some(line) = self.line(now) {
            // some terminals wrap as soon as the last column is written
            let width = err.terminal.width.saturating_sub(1);
            err.passing(&line.cut(width, self.signs.ellipsis));
            self.drawn = true;
        }
    }

    fn line(&self, now: SystemTime) -> Option<Line> {
        if !self.shown {
            return None;
        }
        if let Some(waiting) = &self.waiting {
            let limit = time::spoken(Duration::from_secs(waiting.at_most));
            let times = format!("{} of {limit}  ", elapsed(waiting.since, now));
            return Some(
                word("waiting", WARN)
                    .then(PLAIN, &times)
                    .then(PLAIN, &waiting.what),
            );
        }
        let (oldest, others) = self.running.split_first()?;
        let start = oldest.start.clone();
        let start = start.then(PLAIN, &format!("  {}", elapsed(oldest.since, now)));
        if others.is_empty() {
            return Some(start.then(PLAIN, &format!("  {}", oldest.subject)));
        }
        Some(others.iter().fold(start, |line, other| {
            line.then(PLAIN, ", ")
                .then(BOLD, &other.step)
                .then(PLAIN, &format!("  {}", elapsed(other.since, now)))
        }))
    }
}

fn elapsed(since: SystemTime, now: SystemTime) -> String {
    // whole seconds, because tenths would flicker; if the clock was set back, zero
    let elapsed = now.duration_since(since).unwrap_or_default();
    time::spoken(Duration::from_secs(elapsed.as_secs()))
}
