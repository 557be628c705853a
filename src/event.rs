//! Events: everything that happens in a command, in one stream. All reports are made from it.

pub mod change;

use std::fmt;
use std::rc::Rc;

use serde::Serialize;
use serde_json::Value;

use crate::event::change::{Action, Change};

/// The version of the event format. It increases when a field is removed or changes its meaning.
pub const FORMAT: u32 = 1;

/// One event.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A command began its work on a site.
    Began {
        /// The command, as typed: `install`, `audit` …
        command: String,
        /// The site's name.
        site: String,
        /// The run's number, if the command writes a journal.
        run: Option<u32>,
    },
    /// One step of the plan, as observed.
    Planned(Change),
    /// The plan as a whole, after its steps.
    Plan(Totals),
    /// A step is about to change the host; its record is on disk.
    StepBegan {
        /// The step's name in the playbook.
        step: String,
        /// What is being changed.
        subject: String,
        /// The step's position in the plan, from 1.
        number: usize,
        /// How many steps the plan has.
        total: usize,
        /// Why a running thing is touched: the changed steps that it was started with.
        causes: Vec<String>,
    },
    /// A step is done, and a second look at the host has confirmed it.
    StepDone {
        /// The step's name in the playbook.
        step: String,
        /// What was changed.
        subject: String,
        /// How long it took.
        seconds: f64,
    },
    /// A step failed.
    StepFailed {
        /// The step's name in the playbook.
        step: String,
        /// The error, with its causes.
        error: String,
    },
    /// The command waits for something.
    Waiting {
        /// What it waits for.
        what: String,
        /// The longest time that it waits, in seconds.
        at_most: u64,
    },
    /// A message that is neither progress nor failure.
    Note {
        /// The message.
        text: String,
    },
    /// Something is wrong on the host, or soon will be, that no step of the plan changes.
    Finding {
        /// What is wrong.
        what: String,
        /// What to type or to do.
        hint: String,
        /// How serious it is.
        weight: Weight,
        /// When it was found.
        found: Found,
    },
    /// A check passed or failed.
    Checked {
        /// The check.
        check: String,
        /// Whether it passed.
        passed: bool,
        /// What was found instead, if the check failed.
        detail: Option<String>,
    },
    /// How long the steps of an install took; sent once, at the end of an install that changed something.
    Timings {
        /// The steps that changed the host, in the order of the plan.
        steps: Vec<Timing>,
    },
    /// A step was rolled back.
    Undone {
        /// The step's name in the playbook.
        step: String,
        /// What was rolled back.
        subject: String,
    },
    /// A thing was left as it is.
    Kept {
        /// The step's name in the playbook.
        step: String,
        /// What was left.
        subject: String,
        /// Why it was left.
        reason: String,
    },
    /// A step could not be rolled back.
    UndoFailed {
        /// The step's name in the playbook.
        step: String,
        /// The error, with its causes.
        error: String,
    },
    /// The state of the site, as `status` reports it.
    Status {
        /// The facts by name.
        facts: Value,
    },
    /// The command begins with the next site; sent only for several sites.
    SiteBegan {
        /// The path of its configuration.
        config: String,
        /// The site's position among all sites, from 1.
        number: usize,
        /// The number of sites.
        total: usize,
    },
    /// All of several sites are done. This is the last event; each site has sent its own `ended` before.
    SitesEnded {
        /// How each site ended, in the order of the command line.
        sites: Vec<SiteEnd>,
        /// The exit code of the process: the worst one of the sites.
        exit_code: u8,
    },
    /// The command is done; for several sites, the command on this one site.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// The exit code of the process.
        exit_code: u8,
        /// The error, if there was one.
        error: Option<String>,
        /// The command to type next, if there is something to do.
        next: Option<String>,
    },
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The host is as the site wants it, after changes.
    Changed,
    /// The host already was as the site wants it. Nothing was changed.
    Unchanged,
    /// Changes are pending (`audit`, `install --dry-run`).
    Pending,
    /// The run failed. The host is between two states, and the journal records all changes.
    Failed,
    /// The run was rolled back.
    RolledBack,
    /// Part of the run could not be rolled back.
    RollbackIncomplete,
    /// The command refused before it changed anything.
    Refused,
    /// A check of the service failed.
    Unhealthy,
    /// A signal stopped the run between two steps.
    Interrupted,
    /// Another process holds the site.
    Locked,
    /// The install succeeded in a throwaway machine.
    Rehearsed,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It is a warning: something will be wrong if nothing is done.
    Soon,
    /// Something that the site depends on is wrong.
    Host,
    /// The site itself does not work.
    Site,
}

/// When a finding was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// By a command that changes nothing.
    Now,
    /// Before a run that is to change something.
    Before,
    /// Before the run and again after it: the run did not cause it.
    Still,
    /// After the run and not before it.
    New,
}

/// How one of several sites ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
pub struct SiteEnd {
    /// The path of its configuration.
    pub config: String,
    /// How it ended; `interrupted` also if a signal arrived before it began.
    pub outcome: Outcome,
    /// The exit code that the command would have had for this site alone.
    pub exit_code: u8,
}

/// The times of one step that changed the host.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
pub struct Timing {
    /// The step's name in the playbook.
    pub step: String,
    /// When it began, in seconds after the first step.
    pub waiting: f64,
    /// How long it took, in seconds.
    pub running: f64,
    /// How much of the run's time is due to this step, in seconds; 0 if the step is not on the critical path. The
    /// critical path is the chain of steps that ends with the last step to end, in which each step began when the
    /// step before it was done.
    pub path: f64,
}

/// How many steps of a plan do what, and what a rollback would leave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
pub struct Totals {
    /// Things that do not exist yet.
    pub create: usize,
    /// Things that exist and differ from the wanted state.
    pub change: usize,
    /// Things that will be removed.
    pub remove: usize,
    /// Things that already are as wanted.
    pub unchanged: usize,
    /// What a rollback cannot restore.
    pub leaves: Vec<String>,
}

impl Totals {
    /// Counts one change.
    pub fn count(&mut self, change: &Change) {
        *match change.action() {
            Action::Create => &mut self.create,
            Action::Change => &mut self.change,
            Action::Remove => &mut self.remove,
            Action::Nothing => &mut self.unchanged,
        } += 1;
        if let Some(leaves) = &change.leaves
            && change.is_pending()
            && !self.leaves.contains(leaves)
        {
            self.leaves.push(leaves.clone());
        }
    }
}

/// The receiver of events. Cheap to clone.
#[derive(Clone)]
pub struct Events(Rc<dyn Fn(&Event)>);

impl Events {
    /// Sends every event to `sink`.
    pub fn to(sink: impl Fn(&Event) + 'static) -> Self {
        Self(Rc::new(sink))
    }

    /// Drops every event.
    #[must_use]
    pub fn silent() -> Self {
        Self::to(|_| ())
    }

    /// Sends one event.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "callers build events in place"
    )]
    pub fn tell(&self, event: Event) {
        (self.0)(&event);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
