//! The schedule of a run: which steps may start, are running, or are done.

use crate::engine::observe::Observed;
use crate::plan::Step;
use crate::resource::AnyState;

/// The most steps that run at once. Each may use a PostgreSQL connection, which Odoo then lacks, and the memory of a
/// program, which is scarce on a small server.
const WIDTH: usize = 8;

/// The progress of each step of a plan in a run.
#[derive(Debug)]
pub(super) struct Schedule<'o> {
    steps: Vec<Progress>,
    observed: &'o Observed,
}

#[derive(Debug)]
struct Progress {
    needs: Vec<usize>,
    at: At,
    /// Whether a step that depends on this one may have changed since the plan was shown.
    loose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Waiting,
    UnderWay,
    Done,
    Failed,
}

impl<'o> Schedule<'o> {
    /// The schedule at the beginning of a run, when no step is begun.
    pub(super) fn new(steps: &[Step], observed: &'o Observed) -> Self {
        let standing = |step: &Step| Progress {
            needs: step.needs.clone(),
            at: At::Waiting,
            loose: false,
        };
        Self {
            steps: steps.iter().map(standing).collect(),
            observed,
        }
    }

    /// Begins the first step in the plan's order that has all its needs done and for which `may` returns true. Returns
    /// `None` if there is none, or if [`WIDTH`] steps are running.
    pub(super) fn begin(&mut self, may: impl Fn(usize) -> bool) -> Option<usize> {
        if self.running().count() == WIDTH {
            return None;
        }
        let done = |need: &usize| self.steps[*need].at == At::Done;
        let ready =
            |(_, step): &(usize, &Progress)| step.at == At::Waiting && step.needs.iter().all(done);
        let mut ready = self.steps.iter().enumerate().filter(ready);
        let (index, _) = ready.find(|(index, _)| may(*index))?;
        self.steps[index].at = At::UnderWay;
        Some(index)
    }

    /// Notes that a step succeeded. `touched` says whether it changed the host.
    pub(super) fn done(&mut self, index: usize, touched: bool) {
        self.steps[index].loose = touched || !self.is_known(index);
        self.steps[index].at = At::Done;
    }

    /// Notes that a step was not begun after all, and may start again.
    pub(super) fn requeue(&mut self, index: usize) {
        self.steps[index].at = At::Waiting;
    }

    /// Notes that a step failed.
    pub(super) fn failed(&mut self, index: usize) {
        self.steps[index].at = At::Failed;
    }

    /// The state that the step's resource had when the plan was shown and must still have. `None` if this state was a
    /// forecast, or if a step that this one depends on has touched the host since. Even a step without a change can do
    /// so: it clears up what a killed process left incomplete, which the plan did not know.
    pub(super) fn known(&self, index: usize) -> Option<&'o AnyState> {
        self.observed
            .found
            .get(index)
            .filter(|_| self.is_known(index))
    }

    fn is_known(&self, index: usize) -> bool {
        let change = self.observed.changes.get(index);
        let mut needs = self.steps[index].needs.iter();
        change.is_some_and(|change| !change.forecast) && !needs.any(|need| self.steps[*need].loose)
    }

    /// The running steps, in the plan's order.
    pub(super) fn running(&self) -> impl Iterator<Item = usize> {
        let numbered = self.steps.iter().enumerate();
        numbered
            .filter(|(_, step)| step.at == At::UnderWay)
            .map(|(index, _)| index)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use serde_json::{Value, json};

    use super::*;
    use crate::event::change::Change;
    use crate::plan::playbook::Notes;

    /// A plan, given the needs of each step. All states are known, none is a forecast.
    fn plan(needs: &[&[usize]]) -> (Vec<Step>, Observed) {
        let steps = needs.iter().enumerate().map(|(index, needs)| Step {
            id: index.to_string(),
            needs: needs.to_vec(),
            resource: serde_json::from_value(json!({ "lists": { "packages": [] } })).unwrap(),
            awaits: None,
            notes: Notes::default(),
            trials: Vec::new(),
        });
        let change: Change = serde_json::from_value(json!({
            "step": "", "kind": "lists", "subject": "", "summary": "", "before": null, "after": null,
            "forecast": false, "causes": [], "text": null, "leaves": null,
        }))
        .unwrap();
        let observed = Observed {
            changes: vec![change; needs.len()],
            found: vec![Some(Value::Null); needs.len()],
            refusals: Vec::new(),
        };
        (steps.collect(), observed)
    }

    #[test]
    fn a_step_begins_when_what_it_needs_is_done_and_the_first_of_several_first() {
        let (steps, observed) = plan(&[&[], &[0], &[], &[2, 1]]);
        let mut schedule = Schedule::new(&steps, &observed);
        let begin = |schedule: &mut Schedule<'_>| schedule.begin(|_| true);
        assert_eq!(begin(&mut schedule), Some(0));
        assert_eq!(begin(&mut schedule), Some(2));
        assert_eq!(begin(&mut schedule), None);
        schedule.done(0, true);
        assert_eq!(begin(&mut schedule), Some(1));
        schedule.done(2, true);
        assert_eq!(begin(&mut schedule), None);
        assert_eq!(schedule.running().collect::<Vec<_>>(), [1]);
        schedule.done(1, true);
        assert_eq!(schedule.begin(|index| index != 3), None);
        assert_eq!(begin(&mut schedule), Some(3));
        schedule.requeue(3);
        assert_eq!(begin(&mut schedule), Some(3));
        schedule.failed(3);
        assert_eq!(schedule.running().count(), 0);
    }

    #[test]
    fn no_more_than_eight_steps_run_at_once() {
        let (steps, observed) = plan(&[&[][..]; 100]);
        let mut schedule = Schedule::new(&steps, &observed);
        let begin = |schedule: &mut Schedule<'_>| schedule.begin(|_| true);
        for index in 0..WIDTH {
            assert_eq!(begin(&mut schedule), Some(index));
        }
        assert_eq!(begin(&mut schedule), None);
        schedule.done(3, true);
        assert_eq!(begin(&mut schedule), Some(WIDTH));
        assert_eq!(begin(&mut schedule), None);
    }

    #[test]
    fn a_step_that_depends_on_a_touched_one_is_no_longer_known() {
        let (steps, observed) = plan(&[&[], &[0], &[1], &[]]);
        let mut schedule = Schedule::new(&steps, &observed);
        assert!((0..4).all(|index| schedule.known(index).is_some()));
        schedule.done(0, true);
        schedule.done(1, false);
        schedule.done(3, false);
        assert!(schedule.known(1).is_none());
        assert!(
            schedule.known(2).is_none(),
            "though the step that it needs was as asked"
        );
        assert!(schedule.known(3).is_some());
    }

    #[test]
    fn a_forecast_is_never_known() {
        let (steps, mut observed) = plan(&[&[], &[0]]);
        observed.changes[0].forecast = true;
        let mut schedule = Schedule::new(&steps, &observed);
        assert!(schedule.known(0).is_none());
        schedule.done(0, false);
        assert!(schedule.known(1).is_none());
    }
}
