//! Events for people.

use std::cell::RefCell;
use std::fmt;
use std::io::Write;
use std::rc::Rc;
use std::time::SystemTime;

use super::ending::{Ending, Story};
use super::line::Sheet;
use super::options::{Options, Signs};
use super::plan;
use super::progress::Progress;
use super::status;
use crate::change::Change;
use crate::event::{Event, Events};

/// Writes events for people: data to one stream, progress and errors to the other.
pub struct Human {
    page: RefCell<Page>,
    clock: Box<dyn Fn() -> SystemTime>,
}

struct Page {
    out: Sheet,
    err: Sheet,
    signs: Signs,
    /// Steps as they were observed: a plan is laid out when all of it is known.
    plan: Vec<Change>,
    progress: Progress,
    story: Story,
}

impl Human {
    /// Writes to these streams, with the time of the system.
    pub fn new(
        stdout: impl Write + 'static,
        stderr: impl Write + 'static,
        options: Options,
    ) -> Self {
        Self::with_clock(stdout, stderr, options, SystemTime::now)
    }

    /// Writes to these streams, with the time `clock` tells.
    pub fn with_clock(
        stdout: impl Write + 'static,
        stderr: impl Write + 'static,
        options: Options,
        clock: impl Fn() -> SystemTime + 'static,
    ) -> Self {
        let signs = options.signs();
        let page = Page {
            out: Sheet::new(Box::new(stdout), options.stdout),
            err: Sheet::new(Box::new(stderr), options.stderr),
            signs,
            plan: Vec::new(),
            progress: Progress::new(signs, options.live),
            story: Story::default(),
        };
        Self {
            page: RefCell::new(page),
            clock: Box::new(clock),
        }
    }

    /// Writes to the streams of this process.
    #[must_use]
    pub fn console(options: Options) -> Self {
        Self::new(std::io::stdout(), std::io::stderr(), options)
    }

    /// Tells one event.
    pub fn event(&self, event: &Event) {
        let now = (self.clock)();
        let mut page = self.page.borrow_mut();
        let Page {
            out,
            err,
            signs,
            plan,
            progress,
            story,
        } = &mut *page;
        progress.clear(err);
        story.event(event, now);
        match event {
            Event::Planned(change) => plan.push(change.clone()),
            Event::Plan(totals) => {
                let changes = std::mem::take(plan);
                plan::lines(&changes, totals, *signs, out.terminal.width)
                    .iter()
                    .for_each(|line| out.line(line));
            }
            Event::Status { facts } => {
                status::lines(facts, out.terminal.width)
                    .iter()
                    .for_each(|line| out.line(line));
            }
            Event::Ended {
                outcome,
                error,
                next,
                exit_code: _,
            } => {
                progress.event(event, err, now);
                let ending = Ending {
                    outcome: *outcome,
                    error: error.as_deref(),
                    next: next.as_deref(),
                };
                story.tell(&ending, out, err, now);
            }
            event => progress.event(event, err, now),
        }
        progress.draw(err, now);
    }

    /// Brings the time shown on the terminal up to date; to be called about once a second.
    pub fn tick(&self) {
        let now = (self.clock)();
        let mut page = self.page.borrow_mut();
        let Page { err, progress, .. } = &mut *page;
        progress.draw(err, now);
    }

    /// Takes a passing line off the terminal, before something else is asked or written there.
    pub fn pause(&self) {
        let mut page = self.page.borrow_mut();
        let Page { err, progress, .. } = &mut *page;
        progress.clear(err);
    }

    /// A stream that ends here.
    #[must_use]
    pub fn events(self: &Rc<Self>) -> Events {
        let human = Rc::clone(self);
        Events::to(move |event| human.event(event))
    }
}

impl fmt::Debug for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Human")
    }
}
