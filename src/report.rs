//! Reports: everything that the program prints. Only this module prints.
//!
//! [`Human`] prints events for people, [`Json`] for programs. Plans, results and status go to standard output;
//! progress and errors go to standard error.

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

/// A point in time as people write it, from `seconds` since 1970.
#[must_use]
pub fn minute(seconds: u64) -> String {
    time::minute(seconds)
}

/// What this process prints, and in which form.
pub enum Report {
    /// For people.
    Human(Rc<Human>),
    /// For programs.
    Json(Rc<Json>),
}

impl Report {
    /// The report that the command line asks for. JSON always contains the `timings`.
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

    /// A stream of events into this report.
    #[must_use]
    pub fn events(&self) -> Events {
        match self {
            Self::Human(human) => human.events(),
            Self::Json(json) => json.events(),
        }
    }

    /// Prints text unchanged: a file, a schema, a manual page.
    pub fn print(&self, text: &str) {
        match self {
            Self::Human(human) => human.print(text),
            // a reader that closes the pipe early does not want the rest
            Self::Json(_) => drop(std::io::stdout().write_all(text.as_bytes())),
        }
    }

    /// Redraws the progress line on a terminal every second. Never returns.
    pub async fn keep_time(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Self::Human(human) = self {
                human.tick();
            }
        }
    }

    /// Asks the user on the terminal. Returns `None` if there is no terminal, or if the report is JSON.
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
        // on a separate thread, so that signals are handled while the user thinks
        let asked = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            let read = std::io::stdin().read_line(&mut answer);
            read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
        });
        Some(asked.await.unwrap_or(false))
    }
}
