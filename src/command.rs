//! What the program can be asked to do.

mod install;
mod manual;
mod rehearse;
mod render;
mod rollback;
mod session;
mod status;

pub use install::install_on;
pub use rollback::rollback_on;

use crate::cli::{Cli, Command};
use crate::event::{Event, Events, Outcome};
use crate::report::{self, Report};

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    outcome: Outcome,
    code: u8,
    error: Option<String>,
    next: Option<String>,
}

impl Ending {
    /// The exit code of the process.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.code
    }

    /// What went wrong, where something did.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    fn new(outcome: Outcome, code: u8) -> Self {
        Self {
            outcome,
            code,
            error: None,
            next: None,
        }
    }

    fn because(mut self, error: impl Into<String>) -> Self {
        self.error = Some(error.into());
        self
    }

    fn then(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// Does what the command line asks, tells it, and answers the exit code.
pub async fn run(cli: Cli) -> u8 {
    let printed = match &cli.command {
        Command::Schema => Some(report::EVENTS_SCHEMA.to_owned()),
        Command::Completions { shell } => Some(manual::completions(*shell)),
        Command::Man => Some(manual::page()),
        _ => None,
    };
    if let Some(text) = printed {
        report::print(&text);
        return 0;
    }
    let report = Report::open(cli.json, cli.color);
    let events = report.events();
    let work = dispatch(cli.command, &report, &events);
    let ending = tokio::select! {
        ending = work => ending.unwrap_or_else(|refused| refused),
        () = report.keep_time() => Ending::new(Outcome::Failed, 1),
    };
    tell(&events, &ending);
    ending.code
}

async fn dispatch(command: Command, report: &Report, events: &Events) -> Result<Ending, Ending> {
    match command {
        Command::Install(asked) => install::install(events, &asked, report).await,
        Command::Audit(asked) => install::audit(events, &asked).await,
        Command::Status(asked) => status::status(events, &asked).await,
        Command::Rollback(asked) => rollback::rollback(events, &asked, report).await,
        Command::Render(asked) => render::render(&asked),
        Command::Rehearse(asked) => rehearse::rehearse(events, &asked).await,
        Command::Schema | Command::Completions { .. } | Command::Man => {
            Ok(Ending::new(Outcome::Unchanged, 0))
        }
    }
}

fn tell(events: &Events, ending: &Ending) {
    events.tell(Event::Ended {
        outcome: ending.outcome,
        exit_code: ending.code,
        error: ending.error.clone(),
        next: ending.next.clone(),
    });
}
