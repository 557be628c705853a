//! What happened, as it happens: the one stream that every report is made of.

pub mod change;

use std::fmt;
use std::rc::Rc;

use serde::Serialize;
use serde_json::Value;

use crate::event::change::{Action, Change};

/// The version of the event format; raised when a field changes its meaning or goes.
pub const FORMAT: u32 = 1;

/// One thing that happened.
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
        /// The run's number, where the command writes a journal.
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
        /// The step's place in the plan, from 1.
        number: usize,
        /// How many steps the plan has.
        total: usize,
        /// Why a running thing is touched: the changed steps that it was started with.
        causes: Vec<String>,
    },
    /// A step is done and was seen to be settled.
    StepDone {
        /// The step's name in the playbook.
        step: String,
        /// What was changed.
        subject: String,
        /// How long it took.
        seconds: f64,
    },
    /// A step could not be done.
    StepFailed {
        /// The step's name in the playbook.
        step: String,
        /// What went wrong, the chain of causes included.
        error: String,
    },
    /// Something is being waited for.
    Waiting {
        /// What is waited for.
        what: String,
        /// How long at most, in seconds.
        at_most: u64,
    },
    /// Something worth knowing that is neither progress nor failure.
    Note {
        /// The sentence.
        text: String,
    },
    /// Something is wrong on the host that no step of the plan changes, or will be.
    Finding {
        /// What is wrong.
        what: String,
        /// What to type, or to do.
        hint: String,
        /// How much it matters.
        weight: Weight,
        /// When it was found.
        found: Found,
    },
    /// A check passed or failed.
    Checked {
        /// What was asked for.
        check: String,
        /// Whether the answer was right.
        passed: bool,
        /// What was seen instead, where it failed.
        detail: Option<String>,
    },
    /// Where the time of an install went that changed something; told once, at its end.
    Timings {
        /// The steps that were set, in the plan's order.
        steps: Vec<Timing>,
    },
    /// A step was taken back.
    Undone {
        /// The step's name in the playbook.
        step: String,
        /// What was taken back.
        subject: String,
    },
    /// Something was left as it is, with the reason.
    Kept {
        /// The step's name in the playbook.
        step: String,
        /// What stays.
        subject: String,
        /// Why it stays.
        reason: String,
    },
    /// A step could not be taken back.
    UndoFailed {
        /// The step's name in the playbook.
        step: String,
        /// What went wrong.
        error: String,
    },
    /// How the site stands, as `status` tells it.
    Status {
        /// The facts by name.
        facts: Value,
    },
    /// The next of several sites is begun; told only where there are several.
    SiteBegan {
        /// The path of its configuration.
        config: String,
        /// Its place among them, from 1.
        number: usize,
        /// How many there are.
        total: usize,
    },
    /// All of several sites are over, each with its own `ended` above; the last event.
    SitesEnded {
        /// How each ended, in the order asked for.
        sites: Vec<SiteEnd>,
        /// The exit code of the process: the worst of theirs.
        exit_code: u8,
    },
    /// The command is over; of several sites, with this one.
    Ended {
        /// How it ended.
        outcome: Outcome,
        /// The exit code of the process.
        exit_code: u8,
        /// What went wrong, where something did.
        error: Option<String>,
        /// What to type next, where something is to be done.
        next: Option<String>,
    },
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The host is as the site asks; something was changed for it.
    Changed,
    /// The host was as the site asks; nothing was touched.
    Unchanged,
    /// Changes are pending (`audit`, `install --dry-run`).
    Pending,
    /// The run failed and the host is between two states, all of it journalled.
    Failed,
    /// The run was taken back.
    RolledBack,
    /// Part of the run could not be taken back.
    RollbackIncomplete,
    /// Refused before anything was touched.
    Refused,
    /// The service does not answer as it should.
    Unhealthy,
    /// Stopped by a signal at a step's edge.
    Interrupted,
    /// Another process holds the site.
    Locked,
    /// The install went through in a throwaway machine.
    Rehearsed,
}

/// How much something matters that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It will be wrong if nobody acts.
    Soon,
    /// Something is wrong that the site stands on.
    Host,
    /// The site itself does not do what it is there for.
    Site,
}

/// When something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// By a command that changes nothing.
    Now,
    /// Before a run that is to change something.
    Before,
    /// Before the run, and after it again: it is not of the run's making.
    Still,
    /// After the run, and not before it.
    New,
}

/// How one of several sites ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
pub struct SiteEnd {
    /// The path of its configuration.
    pub config: String,
    /// How it ended; `interrupted` also where a signal came before it was begun.
    pub outcome: Outcome,
    /// The exit code that it would have ended with by itself.
    pub exit_code: u8,
}

/// The times of one step that was set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
pub struct Timing {
    /// The step's name in the playbook.
    pub step: String,
    /// How long after the first step it began, in seconds.
    pub waiting: f64,
    /// How long it took, in seconds.
    pub running: f64,
    /// For how much of the run it was waited for, in seconds: 0 where it is not on the critical path, the
    /// chain of steps of which each began when the one before it was done, down from the last to end.
    pub path: f64,
}

/// How many steps of a plan do what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema, serde::Deserialize))]
pub struct Totals {
    /// Things that are not there yet.
    pub create: usize,
    /// Things that are there and differ.
    pub change: usize,
    /// Things that go.
    pub remove: usize,
    /// Things that are as they should be.
    pub unchanged: usize,
    /// What going back cannot take back.
    pub leaves: Vec<String>,
}

impl Totals {
    /// Counts one change in.
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

/// Where events go. Cheap to clone.
#[derive(Clone)]
pub struct Events(Rc<dyn Fn(&Event)>);

impl Events {
    /// Sends every event to `sink`.
    pub fn to(sink: impl Fn(&Event) + 'static) -> Self {
        Self(Rc::new(sink))
    }

    /// Tells nobody.
    #[must_use]
    pub fn silent() -> Self {
        Self::to(|_| ())
    }

    /// Tells one event.
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
