//! What the program can be asked to do.

pub mod args;
mod cleared;
mod found;
mod graph;
mod install;
mod manual;
mod rehearse;
mod render;
mod resume;
mod rollback;
mod run;
mod session;
mod sites;
mod status;
mod unlisted;
mod words;

pub use install::install;
pub use rollback::rollback;

use std::path::Path;

use crate::command::args::{Cli, Command};
use crate::command::session::{refused, stoppable};
use crate::event::{Event, Events, Outcome};
use crate::host::Host;
use crate::host::stop::{Stop, Stopped};
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

    /// What to type next, where something is to be done.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    fn new(outcome: Outcome, code: u8) -> Self {
        Self {
            outcome,
            code,
            error: None,
            next: None,
        }
    }

    fn stopped(stopped: Stopped) -> Self {
        let code = u8::try_from(128 + stopped.signal).unwrap_or(130);
        Self::new(Outcome::Interrupted, code)
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

/// Does what the command line asks on this host, tells it, and returns the exit code.
pub async fn run(cli: Cli) -> u8 {
    let timings = matches!(&cli.command, Command::Install(asked) if asked.timings);
    let report = Report::open(cli.json, cli.color, timings);
    // what changes nothing may be ended at any instant
    let changes = matches!(
        cli.command,
        Command::Install(_) | Command::Rollback(_) | Command::Rehearse(_)
    );
    let stop = if changes {
        Stop::listen()
    } else {
        Ok(Stop::default())
    };
    let host = match stop {
        Ok(stop) => Host::this(report.events()).with_stop(stop),
        Err(error) => return tell(&report.events(), Err(refused(error.to_string()))),
    };
    tokio::select! {
        code = on(host, cli.command, &report) => code,
        () = report.keep_time() => 1,
    }
}

/// Does `command` on a host of the caller's, tells it, and returns the exit code.
pub async fn on(host: Host, command: Command, report: &Report) -> u8 {
    let printed = match &command {
        Command::Schema => Ok(report::EVENTS_SCHEMA.to_owned()),
        Command::Completions { shell } => Ok(manual::completions(*shell)),
        Command::Man => Ok(manual::page()),
        Command::Render(asked) => render::render(host.clone(), asked),
        Command::Graph(asked) => graph::graph(host.clone(), asked).await,
        _ => return Box::pin(act(host, command, report)).await,
    };
    match printed {
        Ok(text) => {
            report.print(&text);
            0
        }
        Err(refused) => tell(host.events(), Err(refused)),
    }
}

async fn act(host: Host, command: Command, report: &Report) -> u8 {
    let (events, stop) = (host.events().clone(), host.stop().clone());
    let work = async {
        let ending = match command {
            Command::Install(asked) => {
                let install = async |config: &Path| {
                    Box::pin(install::install(host.clone(), config, &asked, report)).await
                };
                return sites::each(&host, &asked.sites.config, install).await;
            }
            Command::Audit(asked) => {
                let audit =
                    async |config: &Path| Box::pin(install::audit(host.clone(), config)).await;
                return sites::each(&host, &asked.config, audit).await;
            }
            Command::Status(asked) if !asked.config.is_empty() => {
                let status = async |config: &Path| status::of_config(&host, config).await;
                return sites::each(&host, &asked.config, status).await;
            }
            Command::Status(asked) => status::of_name(&host, &asked.site).await,
            Command::Rollback(asked) => Box::pin(rollback::rollback(host, &asked, report)).await,
            Command::Rehearse(asked) => rehearse::rehearse(host, &asked).await,
            // these print, and are done by the caller
            Command::Schema
            | Command::Completions { .. }
            | Command::Man
            | Command::Render(_)
            | Command::Graph(_) => Ok(Ending::new(Outcome::Unchanged, 0)),
        };
        tell(&events, ending)
    };
    Box::pin(stoppable(&stop, &events, work)).await
}

fn tell(events: &Events, ending: Result<Ending, Ending>) -> u8 {
    let ending = ending.unwrap_or_else(|refused| refused);
    events.tell(Event::Ended {
        outcome: ending.outcome,
        exit_code: ending.code,
        error: ending.error,
        next: ending.next,
    });
    ending.code
}
