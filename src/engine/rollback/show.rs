//! Shows what a rollback would do, before it is done.

use std::collections::BTreeMap;

use crate::engine::journal::{Run, Step};
use crate::engine::rollback::Stays;
use crate::event::change::Change;
use crate::event::{Event, Totals};
use crate::host::{Host, Result};

/// Reports, as a plan, what a rollback of `run` would change, and what stays. Changes nothing.
pub async fn show(host: &Host, run: &Run, stays: Stays<'_>) {
    let mut totals = Totals::default();
    let mut kept: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for step in run.steps.iter().rev().filter(|step| !step.undone) {
        if let Some(reason) = stays.reason(run, step) {
            kept.entry(reason).or_default().push(&step.step);
            continue;
        }
        match change(host, step).await {
            Ok(change) => {
                totals.count(&change);
                host.events().tell(Event::Planned(change));
            }
            // a resource that cannot be read now can perhaps be rolled back all the same
            Err(error) => {
                let error = crate::text::error::chain(&error);
                let text = format!("`{}` cannot be looked at: {error}", step.step);
                host.events().tell(Event::Note { text });
            }
        }
    }
    host.events().tell(Event::Plan(totals));
    for (reason, steps) in kept {
        let text = format!("stays as it is: `{}`: {reason}", steps.join("`, `"));
        host.events().tell(Event::Note { text });
    }
}

/// The change of one resource from its present state to its old one.
async fn change(host: &Host, step: &Step) -> Result<Change> {
    let resource = &step.resource;
    let now = resource.read(host).await?;
    let back = resource.rollback_target(&now, &step.before, &step.after)?;
    let (before, after) = resource.presented(&now, &back)?;
    Ok(Change {
        step: step.step.clone(),
        kind: resource.kind().to_owned(),
        subject: resource.subject(),
        summary: resource.summary(&now, &back)?,
        before,
        after,
        forecast: false,
        causes: Vec::new(),
        text: None,
        leaves: resource.residue(&step.before)?.map(str::to_owned),
    })
}
