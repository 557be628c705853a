//! The schedule of a run through its plan: what may start, what is under way, what is done.

use crate::engine::observe::Observed;
use crate::plan::Step;
use crate::resource::AnyState;

/// As many steps are under way at once at the most: each may hold a connection of PostgreSQL's, which Odoo
/// shares, and a program in the memory of a small server.
const WIDTH: usize = 8;

/// How each step of a plan stands in a run.
#[derive(Debug)]
pub(super) struct Schedule<'o> {
    steps: Vec<Standing>,
    observed: &'o Observed,
}

#[derive(Debug)]
struct Standing {
    needs: Vec<usize>,
    at: At,
    /// Whether what stands on it may have been moved since the plan was shown.
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
    /// The schedule of a plan of `steps`, none of which is begun.
    pub(super) fn new(steps: &[Step], observed: &'o Observed) -> Self {
        let standing = |step: &Step| Standing {
            needs: step.needs.clone(),
            at: At::Waiting,
            loose: false,
        };
        Self {
            steps: steps.iter().map(standing).collect(),
            observed,
        }
    }

    /// Begins the first step in the plan's order that needs nothing more and that `may` start now, where
    /// not too many are under way.
    pub(super) fn begin(&mut self, may: impl Fn(usize) -> bool) -> Option<usize> {
        if self.running().count() == WIDTH {
            return None;
        }
        let done = |need: &usize| self.steps[*need].at == At::Done;
        let ready =
            |(_, step): &(usize, &Standing)| step.at == At::Waiting && step.needs.iter().all(done);
        let mut ready = self.steps.iter().enumerate().filter(ready);
        let (index, _) = ready.find(|(index, _)| may(*index))?;
        self.steps[index].at = At::UnderWay;
        Some(index)
    }

    /// A step came to a good end; whether it has `touched` the host.
    pub(super) fn done(&mut self, index: usize, touched: bool) {
        self.steps[index].loose = touched || !self.is_known(index);
        self.steps[index].at = At::Done;
    }

    /// A step has not begun after all, and may start again.
    pub(super) fn requeue(&mut self, index: usize) {
        self.steps[index].at = At::Waiting;
    }

    /// A step came to an ill end.
    pub(super) fn failed(&mut self, index: usize) {
        self.steps[index].at = At::Failed;
    }

    /// The state that a step must still be in, as the plan has seen it: `None` where that was a forecast,
    /// or became one. An earlier agent that was killed may have left something under it half done, of
    /// which the plan knew nothing and which was cleared up since.
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

    /// The steps that are under way, in the plan's order.
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

    /// A plan by what each step needs, all of it seen as it is and none of it a forecast.
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
    fn no_more_are_under_way_than_a_server_bears() {
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
    fn what_stands_on_what_was_touched_is_held_to_no_plan() {
        let (steps, observed) = plan(&[&[], &[0], &[1], &[]]);
        let mut schedule = Schedule::new(&steps, &observed);
        assert!((0..4).all(|index| schedule.known(index).is_some()));
        schedule.done(0, true);
        schedule.done(1, false);
        schedule.done(3, false);
        assert!(schedule.known(1).is_none());
        assert!(
            schedule.known(2).is_none(),
            "though the one below it was as asked"
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
