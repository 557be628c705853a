//! Events for programs: one JSON object per line.

use std::cell::RefCell;
use std::fmt;
use std::io::Write;
use std::rc::Rc;
use std::time::SystemTime;

use serde::Serialize;

use super::time;
use crate::event::{Event, Events, FORMAT};

/// The JSON schema of one line of `--json`.
pub const EVENTS_SCHEMA: &str = include_str!("../../docs/schema/events.json");

/// One line of the stream: an event with the version of the format and the time at which it was printed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Line"))]
pub(super) struct Envelope<'a> {
    /// The version of this format.
    pub(super) format: u32,
    /// When it happened: RFC 3339, UTC.
    #[cfg_attr(test, schemars(extend("format" = "date-time")))]
    pub(super) time: String,
    #[serde(flatten)]
    pub(super) event: &'a Event,
}

/// Prints events for programs.
pub struct Json {
    out: RefCell<Box<dyn Write>>,
    clock: Box<dyn Fn() -> SystemTime>,
}

impl Json {
    /// Prints to `out`, with the time of `clock`.
    pub fn new(out: impl Write + 'static, clock: impl Fn() -> SystemTime + 'static) -> Self {
        Self {
            out: RefCell::new(Box::new(out)),
            clock: Box::new(clock),
        }
    }

    /// Prints to standard output, with the system's clock.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(std::io::stdout(), SystemTime::now)
    }

    /// Prints one event as one line.
    pub fn event(&self, event: &Event) {
        let line = Envelope {
            format: FORMAT,
            time: time::rfc3339((self.clock)()),
            event,
        };
        let Ok(mut line) = serde_json::to_string(&line) else {
            return;
        };
        line.push('\n');
        // a single write keeps the line whole; a run continues if the reader has closed the pipe
        let mut out = self.out.borrow_mut();
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }

    /// A stream of events into this report.
    #[must_use]
    pub fn events(self: &Rc<Self>) -> Events {
        let json = Rc::clone(self);
        Events::to(move |event| json.event(event))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json")
    }
}
