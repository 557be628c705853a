//! The course of a run through its plan: what may start, what is under way, what is done.

use crate::observe::Observed;
use crate::plan::Step;
use crate::resource::AnyState;

/// How each step of a plan stands in a run.
#[derive(Debug)]
pub(super) struct Course<'o> {
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

impl<'o> Course<'o> {
    /// The course of a plan of `steps`, none of which is begun.
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

    /// Begins the first step in the plan's order that needs nothing more and that `may` start now.
    pub(super) fn begin(&mut self, may: impl Fn(usize) -> bool) -> Option<usize> {
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
    pub(super) fn put_back(&mut self, index: usize) {
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
    pub(super) fn under_way(&self) -> impl Iterator<Item = usize> {
        let numbered = self.steps.iter().enumerate();
        numbered
            .filter(|(_, step)| step.at == At::UnderWay)
            .map(|(index, _)| index)
    }
}
