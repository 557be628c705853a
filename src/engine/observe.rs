//! Reads the present state of each step of a plan and computes the wanted one. Never changes the host.

use futures_util::future::join_all;

use crate::event::Totals;
use crate::event::change::Change;
use crate::host::{Host, Result};
use crate::plan::{Plan, Step};
use crate::resource::AnyState;

/// A plan compared with the host.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// One change for each step, in the plan's order.
    pub changes: Vec<Change>,
    /// The full states found, one for each step. A change shows only the interesting part of a state.
    pub found: Vec<AnyState>,
    /// Reasons why the plan cannot be applied, each with what to do about it.
    pub refusals: Vec<String>,
}

impl Observed {
    /// The changes that would really change the host.
    pub fn pending(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.is_pending())
    }

    /// Whether the host is already as the site asks.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.pending().next().is_none()
    }

    /// How many steps create, change, remove or keep their resource.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for change in &self.changes {
            totals.count(change);
        }
        totals
    }
}

/// Observes every step. The present states are read concurrently; the wanted states are computed in the plan's order.
///
/// If none of the steps that a step needs will change, its state is known. Otherwise its change is a forecast,
/// computed from the host as it is now: a resource that does not exist yet counts as absent.
///
/// # Errors
/// If a state cannot be read.
pub async fn observe(host: &Host, plan: &Plan) -> Result<Observed> {
    let states = join_all(plan.steps.iter().map(|step| step.resource.read(host))).await;
    let mut observed = Observed::default();
    let mut pending = Vec::new();
    for (step, found) in plan.steps.iter().zip(states) {
        let found = found?;
        let forecast = step.awaits.is_some()
            || step.needs.iter().any(|need| {
                observed
                    .changes
                    .get(*need)
                    .is_some_and(|change| change.forecast || change.is_pending())
            });
        let before = step.resource.predict(&found, &pending)?;
        let after = step.resource.want(&before)?;
        if let Some(reason) = step.resource.refuses(&before)? {
            observed.refusals.push(reason);
        }
        let change = change(host, step, &before, &after, forecast)?;
        if change.is_pending() {
            pending.push(change.step.clone());
        }
        observed.changes.push(change);
        observed.found.push(found);
    }
    Ok(observed)
}

/// Makes the change that the user is shown.
fn change(
    host: &Host,
    step: &Step,
    from: &AnyState,
    to: &AnyState,
    forecast: bool,
) -> Result<Change> {
    let resource = &step.resource;
    let pending = from != to;
    let (before, after) = resource.presented(from, to)?;
    Ok(Change {
        step: step.id.clone(),
        kind: resource.kind().to_owned(),
        subject: resource.subject(),
        summary: if pending {
            resource.summary(from, to)?
        } else {
            String::new()
        },
        causes: if pending {
            resource.causes(from)?
        } else {
            Vec::new()
        },
        text: if pending {
            resource
                .text(host)?
                .filter(|text| text.before != text.after)
        } else {
            None
        },
        leaves: resource.residue(from)?.map(str::to_owned),
        before,
        after,
        forecast,
    })
}
