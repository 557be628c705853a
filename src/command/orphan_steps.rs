//! Resources of an administrator's own steps that are no longer in `extra.toml`.

use std::collections::BTreeMap;

use crate::engine::journal::{Run, Standing, key};
use crate::host::{Host, Result};
use crate::plan::Plan;
use crate::plan::playbook::OWN;
use crate::resource::AnyResource;

/// Returns a note about such resources that still exist. `None` if there are none.
///
/// # Errors
/// If a resource cannot be read.
pub(super) async fn orphan_steps(host: &Host, runs: &[Run], plan: &Plan) -> Result<Option<String>> {
    let holds = |run: &&Run| matches!(run.standing, Standing::Open | Standing::Committed);
    let steps = runs.iter().filter(holds).flat_map(|run| &run.steps);
    let made = steps.filter(|step| step.step.starts_with(OWN) && step.done && !step.undone);
    let mut made: BTreeMap<String, &AnyResource> = made
        .map(|step| (key(&step.resource), &step.resource))
        .collect();
    for step in &plan.steps {
        made.remove(&key(&step.resource));
    }
    let mut left = Vec::new();
    for resource in made.into_values() {
        if resource.read(host).await?.is_some() {
            left.push(resource.subject());
        }
    }
    Ok((!left.is_empty()).then(|| {
        format!(
            "no longer in `extra.toml`, and still there: `{}`; remove it by hand, or put its step back",
            left.join("`, `")
        )
    }))
}
