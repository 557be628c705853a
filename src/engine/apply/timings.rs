//! Measures where the time of a run went: the longest chain of steps that waited for each other.

use std::time::{Duration, Instant};

use crate::event::Timing;
use crate::plan::Step;

/// When each step of a plan began and ended, measured from the beginning of the run.
#[derive(Debug)]
pub(super) struct Timings {
    began: Instant,
    spans: Vec<Span>,
}

/// When a step began and ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    began: Duration,
    ended: Duration,
    /// Whether it changed the host. A step that changes nothing takes time, too.
    set: bool,
}

impl Timings {
    /// Starts the clock for a run of `steps` steps.
    pub(super) fn new(steps: usize) -> Self {
        Self {
            began: Instant::now(),
            spans: vec![Span::default(); steps],
        }
    }

    /// Notes that a step begins.
    pub(super) fn began(&mut self, index: usize) {
        let now = self.began.elapsed();
        if let Some(span) = self.spans.get_mut(index) {
            span.began = now;
        }
    }

    /// Notes that a step ended. `set` says whether it changed the host.
    pub(super) fn ended(&mut self, index: usize, set: bool) {
        let now = self.began.elapsed();
        if let Some(span) = self.spans.get_mut(index) {
            (span.ended, span.set) = (now, set);
        }
    }

    /// The times of the steps that changed the host, in the plan's order.
    pub(super) fn told(&self, steps: &[Step]) -> Vec<Timing> {
        let needs: Vec<&[usize]> = steps.iter().map(|step| &step.needs[..]).collect();
        let path = critical(&needs, &self.spans);
        let all = steps.iter().zip(&self.spans).zip(path);
        all.filter(|((_, span), _)| span.set)
            .map(|((step, span), path)| Timing {
                step: step.id.clone(),
                waiting: span.began.as_secs_f64(),
                running: span.ended.saturating_sub(span.began).as_secs_f64(),
                path: path.as_secs_f64(),
            })
            .collect()
    }
}

/// The critical path: how long the run waited for each step alone. The path starts at the step that ended last and
/// goes to the last-ending step that it needs, and so on. Each step on the path counts from the end of the step that
/// it needs to its own end; the sum is the time until the last step ended.
fn critical(needs: &[&[usize]], spans: &[Span]) -> Vec<Duration> {
    let mut path = vec![Duration::ZERO; spans.len()];
    let end = |index: &usize| spans.get(*index).map(|span| span.ended);
    let mut next = (0..spans.len()).max_by_key(end);
    while let Some(index) = next {
        // a step needs only steps above it, so this loop ends
        let below = needs.get(index).and_then(|needs| {
            needs
                .iter()
                .copied()
                .filter(|need| *need < index)
                .max_by_key(end)
        });
        let since = below.as_ref().and_then(end).unwrap_or_default();
        path[index] = spans[index].ended.saturating_sub(since);
        next = below;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(began: u64, ended: u64) -> Span {
        let [began, ended] = [began, ended].map(Duration::from_secs);
        Span {
            began,
            ended,
            set: true,
        }
    }

    fn seconds(needs: &[&[usize]], spans: &[Span]) -> Vec<u64> {
        let path = critical(needs, spans);
        path.iter().map(Duration::as_secs).collect()
    }

    #[test]
    fn of_consecutive_steps_all_are_on_the_path() {
        let spans = [span(0, 2), span(2, 5), span(5, 9)];
        assert_eq!(seconds(&[&[], &[0], &[1]], &spans), [2, 3, 4]);
    }

    #[test]
    fn of_concurrent_steps_only_the_longer_one_is_on_the_path() {
        let spans = [span(0, 1), span(1, 4), span(1, 9), span(9, 10)];
        assert_eq!(seconds(&[&[], &[0], &[0], &[1, 2]], &spans), [1, 0, 8, 1]);
    }

    #[test]
    fn the_step_that_ends_last_need_not_be_the_last_of_the_plan() {
        let spans = [span(0, 1), span(0, 7), span(1, 3)];
        assert_eq!(seconds(&[&[], &[], &[0]], &spans), [0, 7, 0]);
    }

    #[test]
    fn a_step_that_began_late_counts_from_the_end_of_its_needs() {
        let spans = [span(0, 4), span(6, 9)];
        assert_eq!(seconds(&[&[], &[0]], &spans), [4, 5]);
    }

    #[test]
    fn a_plan_without_steps_has_no_path() {
        assert_eq!(seconds(&[], &[]), [0; 0]);
    }
}
