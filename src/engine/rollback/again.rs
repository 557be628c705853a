//! Makes again what a rollback leads to, if it was cleared since.

use std::path::PathBuf;

use crate::engine::journal::{Run, Standing, Step};
use crate::engine::rollback::Stays;
use crate::event::Event;
use crate::host::{Host, Result};
use crate::resource::AnyResource;

/// Releases and environments that rolling back `run` needs and that no longer exist: returns the steps of earlier
/// runs that made them, in their old order.
///
/// # Errors
/// If the disk cannot be read.
pub fn cleared<'r>(
    host: &Host,
    runs: &'r [Run],
    run: &Run,
    stays: Stays<'_>,
) -> Result<Vec<&'r Step>> {
    let back = run.steps.iter().filter(|step| !step.undone);
    let back = back.filter(|step| stays.reason(run, step).is_none());
    let back = back.filter(|step| matches!(step.resource, AnyResource::Link(_)));
    let targets = back.filter_map(|step| step.before.as_ref()?["target"].as_str());
    let targets: Vec<PathBuf> = targets.map(PathBuf::from).collect();
    let mut found: Vec<&Step> = Vec::new();
    let earlier = runs.iter().filter(|earlier| earlier.number < run.number);
    let earlier = earlier.filter(|earlier| earlier.standing == Standing::Committed);
    for step in earlier.flat_map(|earlier| &earlier.steps) {
        let Some(path) = step.resource.tree().filter(|_| step.done && !step.undone) else {
            continue;
        };
        let is_target = targets.iter().any(|target| target.starts_with(path));
        if is_target && host.meta(path)?.is_none() {
            found.retain(|other| other.resource.subject() != step.resource.subject());
            found.push(step);
        }
    }
    Ok(found)
}

/// Makes the resources of `steps` again, each in its recorded state.
///
/// # Errors
/// If a resource cannot be fetched or made.
pub async fn bring_again(host: &Host, steps: &[&Step]) -> Result<()> {
    for step in steps {
        let text = format!(
            "bringing `{}` again, which was cleared",
            step.resource.subject()
        );
        host.events().tell(Event::Note { text });
        step.resource.set(host, &None, &step.after).await?;
    }
    Ok(())
}
