//! The notes that are shown with a plan.

use crate::engine::observe::Observed;
use crate::plan::Plan;

/// The notes of the steps that will create or change something, each once.
pub(super) fn words(plan: &Plan, observed: &Observed) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for (step, change) in plan.steps.iter().zip(&observed.changes) {
        let note = match (change.is_pending(), &change.before, &change.after) {
            (true, None, Some(_)) => &step.notes.on_create,
            (true, Some(_), Some(_)) => &step.notes.on_change,
            _ => continue,
        };
        words.extend(
            note.iter()
                .filter(|note| !words.contains(note))
                .cloned()
                .collect::<Vec<_>>(),
        );
    }
    words
}
