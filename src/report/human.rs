//! Events for people.

use std::cell::RefCell;
use std::fmt;
use std::io::Write;
use std::rc::Rc;
use std::time::SystemTime;

use super::ending::{Ending, Summary};
use super::line::Output;
use super::live::Live;
use super::options::{Options, Signs};
use super::{finding, plan, progress, sites, status, timings};
use crate::event::change::Change;
use crate::event::{Event, Events};

/// Prints events for people: data to one stream, progress and errors to the other.
pub struct Human {
    page: RefCell<Layout>,
    clock: Box<dyn Fn() -> SystemTime>,
}

struct Layout {
    out: Output,
    err: Output,
    signs: Signs,
    /// The steps of a plan that have arrived so far. A plan is laid out when it is complete.
    plan: Vec<Change>,
    live: Live,
    story: Summary,
    timings: bool,
}

impl Human {
    /// Prints to these streams, with the system's clock.
    pub fn new(
        stdout: impl Write + 'static,
        stderr: impl Write + 'static,
        options: Options,
    ) -> Self {
        Self::with_clock(stdout, stderr, options, SystemTime::now)
    }

    /// Prints to these streams, with the time of `clock`.
    pub fn with_clock(
        stdout: impl Write + 'static,
        stderr: impl Write + 'static,
        options: Options,
        clock: impl Fn() -> SystemTime + 'static,
    ) -> Self {
        let signs = options.signs();
        let page = Layout {
            out: Output::new(Box::new(stdout), options.stdout),
            err: Output::new(Box::new(stderr), options.stderr),
            signs,
            plan: Vec::new(),
            live: Live::new(signs, options.live),
            story: Summary::default(),
            timings: options.timings,
        };
        Self {
            page: RefCell::new(page),
            clock: Box::new(clock),
        }
    }

    /// Prints to the standard streams of this process.
    #[must_use]
    pub fn console(options: Options) -> Self {
        Self::new(std::io::stdout(), std::io::stderr(), options)
    }

    /// Prints one event.
    pub fn event(&self, event: &Event) {
        let now = (self.clock)();
        let mut page = self.page.borrow_mut();
        let Layout {
            out,
            err,
            signs,
            plan,
            live,
            story,
            timings,
        } = &mut *page;
        live.clear(err);
        story.event(event, now);
        match event {
            Event::Planned(change) => plan.push(change.clone()),
            Event::Plan(totals) => {
                let changes = std::mem::take(plan);
                for line in plan::lines(&changes, totals, *signs, out.terminal.width) {
                    out.line(&line);
                }
            }
            Event::Finding {
                what,
                hint,
                weight,
                found,
            } => {
                for line in finding::lines(what, hint, *weight, *found, out.terminal.width) {
                    out.line(&line);
                }
            }
            Event::Status { facts } => {
                for line in status::lines(facts, out.terminal.width) {
                    out.line(&line);
                }
            }
            Event::Timings { steps } if *timings => {
                for line in timings::lines(steps, *signs, out.terminal.width) {
                    out.line(&line);
                }
            }
            Event::SiteBegan {
                config,
                number,
                total,
            } => sites::heading(config, *number, *total, out),
            Event::SitesEnded { sites: ends, .. } => sites::tell(ends, out, err),
            Event::Ended {
                outcome,
                exit_code,
                error,
                next,
            } => {
                progress::tell(event, live, err, now);
                let ending = Ending {
                    outcome: *outcome,
                    exit_code: *exit_code,
                    error: error.as_deref(),
                    next: next.as_deref(),
                };
                story.tell(&ending, out, err, now);
            }
            event => progress::tell(event, live, err, now),
        }
        live.draw(err, now);
    }

    /// Prints text unchanged.
    pub fn print(&self, text: &str) {
        self.page.borrow_mut().out.raw(text);
    }

    /// Updates the times in the progress line. To be called about once a second.
    pub fn tick(&self) {
        let now = (self.clock)();
        let mut page = self.page.borrow_mut();
        let Layout { err, live, .. } = &mut *page;
        live.draw(err, now);
    }

    /// Removes the progress line from the terminal before something else is printed or asked there.
    pub fn pause(&self) {
        let mut page = self.page.borrow_mut();
        let Layout { err, live, .. } = &mut *page;
        live.clear(err);
    }

    /// A stream of events into this report.
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
