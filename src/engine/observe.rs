//! The present states of a plan's steps, and those to come. Reads; never writes.

use futures_util::future::join_all;

use crate::event::Totals;
use crate::event::change::Change;
use crate::host::{Host, Result};
use crate::plan::{Plan, Step};
use crate::resource::AnyState;

/// A plan as seen on the host.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// One for each step, in order.
    pub changes: Vec<Change>,
    /// The states found, one for each step; a change tells only what is of interest in them.
    pub found: Vec<AnyState>,
    /// Why the host cannot be brought to what is asked, with the way out.
    pub refusals: Vec<String>,
}

impl Observed {
    /// The steps that would change the host.
    pub fn pending(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.is_pending())
    }

    /// Whether the host is as the site asks.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.pending().next().is_none()
    }

    /// How many steps do what.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for change in &self.changes {
            totals.count(change);
        }
        totals
    }
}

/// Observes every step: the present states side by side, what becomes of them in order.
///
/// A step none of whose needs will change is known; else what is seen is a forecast: the host is
/// read as it is now, and what is not there yet is absent.
///
/// # Errors
/// If a tool that is there cannot answer.
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

/// The pair of states as it is told.
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
