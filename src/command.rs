//! The commands of the program. Each command has a file with its arguments and its code.

pub mod args;
mod cleared;
mod ending;
mod found;
mod graph;
mod install;
mod manual;
mod orphan_modules;
mod orphan_steps;
mod playbook;
mod prompt;
mod rehearse;
mod render;
mod resume;
mod rollback;
mod run;
mod session;
mod sites;
mod status;
mod words;

use std::path::Path;

use clap::Subcommand;

pub use ending::{Ending, Refused};
pub use install::{Install, OnFailure, install};
pub use rollback::{Rollback, rollback};

use crate::command::args::{Cli, ForSites, OfSites};
use crate::command::ending::refused;
use crate::command::prompt::stoppable;
use crate::event::{Event, Events};
use crate::host::Host;
use crate::host::stop::Stop;
use crate::report::{self, Report};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A command that works on this host and reports each step.
    #[command(flatten)]
    Act(Act),
    /// Print one text.
    #[command(flatten)]
    Print(Print),
}

/// A command that works on this host.
#[derive(Debug, Subcommand)]
pub enum Act {
    /// Bring this server to what the site asks, from whatever state it is in.
    Install(Install),
    /// Say what differs from what the site asks, and change nothing; for cron.
    Audit(ForSites),
    /// Say how a site stands: its runs, its service, who works on it.
    Status(OfSites),
    /// Take the last run back.
    Rollback(Rollback),
    /// Run the whole install in a throwaway container on this machine.
    Rehearse(rehearse::Rehearse),
}

/// A command that prints one text.
#[derive(Debug, Subcommand)]
pub enum Print {
    /// Print the files that the site would be given.
    Render(render::Render),
    /// Draw the steps of the plan, and what each needs.
    Graph(graph::GraphOf),
    /// Print the built-in playbook, or one of its templates: how any site is built.
    Playbook(playbook::Playbook),
    /// Print the JSON Schema of what `--json` prints, or of a site's configuration, for editors.
    Schema {
        /// The schema of `site.toml`.
        #[arg(long)]
        site: bool,
    },
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

impl Act {
    /// Whether it may change this host. Such a command handles signals, so that it does not end in the middle of a
    /// change.
    fn may_change(&self) -> bool {
        matches!(
            self,
            Self::Install(_) | Self::Rollback(_) | Self::Rehearse(_)
        )
    }
}

/// Runs the command line on this host, reports the result, and returns the exit code.
pub async fn run(cli: Cli) -> u8 {
    let (timings, may_change) = match &cli.command {
        Command::Act(act) => {
            let timings = matches!(act, Act::Install(asked) if asked.timings);
            (timings, act.may_change())
        }
        Command::Print(_) => (false, false),
    };
    let report = Report::open(cli.json, cli.color, timings);
    let stop = if may_change {
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

/// Runs `command` on `host`, reports the result, and returns the exit code.
pub async fn on(host: Host, command: Command, report: &Report) -> u8 {
    match command {
        Command::Act(act) => {
            let (events, stop) = (host.events().clone(), host.stop().clone());
            let work = Box::pin(act_on(host, act, report));
            Box::pin(stoppable(&stop, &events, work)).await
        }
        Command::Print(print) => {
            let events = host.events().clone();
            match printed(host, print).await {
                Ok(text) => {
                    report.print(&text);
                    0
                }
                Err(refused) => tell(&events, Err(refused)),
            }
        }
    }
}

async fn act_on(host: Host, act: Act, report: &Report) -> u8 {
    let ending = match act {
        Act::Install(asked) => {
            let install = async |config: &Path| {
                Box::pin(install::install(host.clone(), config, &asked, report)).await
            };
            return sites::each(&host, &asked.sites.config, install).await;
        }
        Act::Audit(asked) => {
            let audit = async |config: &Path| Box::pin(install::audit(host.clone(), config)).await;
            return sites::each(&host, &asked.config, audit).await;
        }
        Act::Status(asked) if !asked.config.is_empty() => {
            let status = async |config: &Path| status::of_config(&host, config).await;
            return sites::each(&host, &asked.config, status).await;
        }
        Act::Status(asked) => status::of_name(&host, &asked.site).await,
        Act::Rollback(asked) => Box::pin(rollback::rollback(host.clone(), &asked, report)).await,
        Act::Rehearse(asked) => rehearse::rehearse(host.clone(), &asked).await,
    };
    tell(host.events(), ending)
}

/// Returns the text of a command that prints a text.
async fn printed(host: Host, print: Print) -> Result<String, Refused> {
    match print {
        Print::Render(asked) => render::render(host, &asked),
        Print::Graph(asked) => graph::graph(host, &asked).await,
        Print::Playbook(asked) => playbook::playbook(&asked),
        Print::Schema { site: true } => Ok(crate::site::schema()),
        Print::Schema { site: false } => Ok(report::EVENTS_SCHEMA.to_owned()),
        Print::Completions { shell } => Ok(manual::completions(shell)),
        Print::Man => Ok(manual::page()),
    }
}

fn tell(events: &Events, ending: Result<Ending, Refused>) -> u8 {
    let ending = ending.unwrap_or_else(|refused| refused);
    events.tell(Event::Ended {
        outcome: ending.outcome,
        exit_code: ending.code,
        error: ending.error,
        next: ending.next,
    });
    ending.code
}
