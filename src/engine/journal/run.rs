//! The state of a run, computed from the records of its journal in order. Illegal sequences are errors.

use std::collections::BTreeMap;
use std::path::Path;

use crate::engine::journal::record::key;
use crate::engine::journal::{Error, Record, Result};
use crate::host::BootTime;
use crate::resource::{AnyResource, AnyState};

/// The standing of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Begun, and neither committed nor rolled back. It can be resumed or rolled back.
    Open,
    /// All steps are done, and all checks have passed.
    Committed,
    /// Its rollback has begun and is not finished.
    RollingBack,
    /// It was rolled back.
    RolledBack,
}

/// One resource that a run has touched.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The step's name in the playbook.
    pub step: String,
    /// The resource.
    pub resource: AnyResource,
    /// Its state before the run first touched it.
    pub before: AnyState,
    /// The state that it was last set to, or should have been set to.
    pub after: AnyState,
    /// Whether it was set and then found in the wanted state.
    pub done: bool,
    /// Whether it was rolled back, or left as it is on purpose.
    pub undone: bool,
    /// Why the rollback left it as it is, if it did.
    pub kept: Option<String>,
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its number.
    pub number: u32,
    /// Its standing.
    pub standing: Standing,
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// The same time by the kernel's monotonic clock, which cannot be set. Early journals do not have this field.
    pub moment: Option<BootTime>,
    /// When it last changed its standing, in seconds since 1970.
    pub changed: u64,
    /// Whether it has ever committed, even if it was rolled back later.
    pub committed: bool,
    /// The resources that it has touched, in order.
    pub steps: Vec<Step>,
    /// The commits that branches were resolved to.
    pub resolved: BTreeMap<String, String>,
    /// The last failure.
    pub failure: Option<String>,
    opened: bool,
    /// The index in `steps` for each key.
    places: BTreeMap<String, usize>,
}

impl Run {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            standing: Standing::Open,
            began: 0,
            moment: None,
            changed: 0,
            committed: false,
            steps: Vec::new(),
            resolved: BTreeMap::new(),
            failure: None,
            opened: false,
            places: BTreeMap::new(),
        }
    }

    pub(super) fn replay(path: &Path, number: u32, records: Vec<Record>) -> Result<Self> {
        let mut run = Self::new(number);
        for record in records {
            run.apply(path, record)?;
        }
        Ok(run)
    }

    /// Applies one record, if it is legal in the present standing. Writing and reading share this table.
    pub(super) fn apply(&mut self, path: &Path, record: Record) -> Result<()> {
        let name = record.name();
        let illegal = |detail: &str| Error::Illegal {
            path: path.to_owned(),
            record: name,
            detail: detail.to_owned(),
        };
        if self.opened == matches!(record, Record::Opened { .. }) {
            return Err(illegal("a run is opened once, at its beginning"));
        }
        let legal: &[Standing] = match &record {
            Record::Opened { .. }
            | Record::Resumed { .. }
            | Record::Resolved { .. }
            | Record::Begin { .. }
            | Record::Done { .. }
            | Record::Failed { .. }
            | Record::Committed { .. } => &[Standing::Open],
            Record::RollingBack { .. } => {
                &[Standing::Open, Standing::Committed, Standing::RollingBack]
            }
            // an open run may roll back single steps: those that its site no longer asks for
            Record::Undone { .. } | Record::UndoFailed { .. } => {
                &[Standing::Open, Standing::RollingBack]
            }
            Record::RolledBack { .. } => &[Standing::RollingBack],
        };
        if !legal.contains(&self.standing) {
            return Err(illegal("the run's standing does not allow it"));
        }
        match record {
            Record::Opened { time, moment, .. } => {
                self.opened = true;
                self.moment = moment;
                (self.began, self.changed) = (time, time);
            }
            Record::Resumed { .. } => self.failure = None,
            Record::Resolved { source, commit } => {
                self.resolved.insert(source, commit);
            }
            Record::Begin {
                step,
                resource,
                before,
                after,
            } => self.begin(Step {
                step,
                resource,
                before,
                after,
                done: false,
                undone: false,
                kept: None,
            }),
            Record::Done { key, state } => {
                let step = self
                    .step_mut(&key)
                    .ok_or_else(|| illegal("the step was not begun"))?;
                step.done = true;
                step.after = state;
            }
            Record::Committed { time } => {
                if self.steps.iter().any(|step| !step.done && !step.undone) {
                    return Err(illegal("a step is not done"));
                }
                (self.standing, self.changed, self.committed) = (Standing::Committed, time, true);
            }
            Record::RollingBack { time } => {
                (self.standing, self.changed) = (Standing::RollingBack, time);
            }
            Record::Undone { key, kept } => {
                let step = self
                    .step_mut(&key)
                    .ok_or_else(|| illegal("the step was not begun"))?;
                (step.undone, step.kept) = (true, kept);
            }
            Record::Failed { key, error } | Record::UndoFailed { key, error } => {
                if self.step(&key).is_none() {
                    return Err(illegal("the step was not begun"));
                }
                self.failure = Some(error);
            }
            Record::RolledBack { time } => {
                (self.standing, self.changed) = (Standing::RolledBack, time);
            }
        }
        Ok(())
    }

    /// The resource with that key, if the run has touched it.
    #[must_use]
    pub fn step(&self, key: &str) -> Option<&Step> {
        self.steps.get(*self.places.get(key)?)
    }

    fn step_mut(&mut self, key: &str) -> Option<&mut Step> {
        self.steps.get_mut(*self.places.get(key)?)
    }

    /// Records that a step begins. A resource that is begun again keeps the state from before the run first touched it.
    fn begin(&mut self, begun: Step) {
        let key = key(&begun.resource);
        match self.step_mut(&key) {
            Some(step) if !step.undone => {
                let before = step.before.take();
                *step = Step { before, ..begun };
            }
            Some(step) => *step = begun,
            None => {
                self.places.insert(key, self.steps.len());
                self.steps.push(begun);
            }
        }
    }
}
