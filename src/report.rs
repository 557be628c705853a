//! What is told: one stream of events, two renderers. The only place in the program that prints.
//!
//! [`Human`] writes for people, [`Json`] for programs. Plans, results and status are data and go to
//! standard output; progress and errors go to standard error.

mod details;
mod ending;
mod finding;
pub mod graph;
mod human;
mod json;
mod line;
mod live;
mod options;
mod plan;
mod progress;
mod sites;
mod status;
mod text;
mod time;
mod timings;

#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;

use std::io::{IsTerminal as _, Write as _};
use std::rc::Rc;
use std::time::Duration;

pub use human::Human;
pub use json::{EVENTS_SCHEMA, Json};
pub use options::{ColorChoice, Options, Terminal};

use crate::event::Events;

/// An instant as people write it, `seconds` since 1970.
#[must_use]
pub fn minute(seconds: u64) -> String {
    time::minute(seconds)
}

/// What is told on this process's streams.
pub enum Report {
    /// For people.
    Human(Rc<Human>),
    /// For programs.
    Json(Rc<Json>),
}

impl Report {
    /// The report that the command line asks for; programs are told the `timings` in any case.
    #[must_use]
    pub fn open(json: bool, color: ColorChoice, timings: bool) -> Self {
        if json {
            return Self::Json(Rc::new(Json::stdout()));
        }
        let options = Options {
            timings,
            ..Options::detect(color)
        };
        Self::Human(Rc::new(Human::console(options)))
    }

    /// A stream of events that ends here.
    #[must_use]
    pub fn events(&self) -> Events {
        match self {
            Self::Human(human) => human.events(),
            Self::Json(json) => json.events(),
        }
    }

    /// Prints text as it is: a file, a schema, a manual page.
    pub fn print(&self, text: &str) {
        match self {
            Self::Human(human) => human.print(text),
            // who closes the pipe early wants no more of it
            Self::Json(_) => drop(std::io::stdout().write_all(text.as_bytes())),
        }
    }

    /// Keeps the passing line on a terminal true, for ever.
    pub async fn keep_time(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Self::Human(human) = self {
                human.tick();
            }
        }
    }

    /// Asks on the terminal; `None` where there is none, or where a program listens.
    pub async fn confirm(&self, question: &str) -> Option<bool> {
        let Self::Human(human) = self else {
            return None;
        };
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return None;
        }
        human.pause();
        let mut err = std::io::stderr();
        let _ = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
        // on a thread of its own: a signal must be heard meanwhile
        let asked = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            let read = std::io::stdin().read_line(&mut answer);
            read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
        });
        Some(asked.await.unwrap_or(false))
    }
}
