//! Resources of an administrator's own steps that are no longer in `extra.toml`.

use std::collections::BTreeMap;

use crate::engine::journal::{Run, Standing, Step, key};
use crate::host::{Host, Result};
use crate::plan::Plan;
use crate::plan::playbook::OWN;

/// Returns a note about such resources that are still as their steps left them; somebody else may have changed others
/// since. `None` if there are none.
///
/// # Errors
/// If a resource cannot be read.
pub(super) async fn orphan_steps(host: &Host, runs: &[Run], plan: &Plan) -> Result<Option<String>> {
    let holds = |run: &&Run| matches!(run.standing, Standing::Open | Standing::Committed);
    let steps = runs.iter().filter(holds).flat_map(|run| &run.steps);
    let made = steps.filter(|step| step.step.starts_with(OWN) && step.done && !step.undone);
    let mut made: BTreeMap<String, &Step> = made.map(|step| (key(&step.resource), step)).collect();
    for step in &plan.steps {
        made.remove(&key(&step.resource));
    }
    let mut left = Vec::new();
    for step in made.into_values() {
        let now = step.resource.read(host).await?;
        // the state of packages is that of the whole server, and a journal has no content of files
        if now.is_some() && (now == step.after || now == step.resource.want(&now)?) {
            left.push(step.resource.subject());
        }
    }
    Ok((!left.is_empty()).then(|| {
        format!(
            "no longer in `extra.toml`, and still as its steps left it: `{}`; put the steps back, or see to it by hand",
            left.join("`, `")
        )
    }))
}
