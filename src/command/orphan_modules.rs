//! Modules that are still installed, although the site no longer asks for them.

use std::collections::BTreeSet;

use crate::engine::journal::{Run, Standing};
use crate::engine::observe::Observed;
use crate::plan::Plan;
use crate::resource::{AnyResource, Database};

/// Returns a note about modules that earlier runs installed, that the site no longer asks for, and that the database
/// still has. `None` if there are none.
pub(super) fn orphan_modules(runs: &[Run], plan: &Plan, observed: &Observed) -> Option<String> {
    let mut found = plan.steps.iter().zip(&observed.found);
    let (database, now) =
        found.find_map(|(step, now)| Some((of(&step.resource)?, now.as_ref()?)))?;
    let installed: BTreeSet<&str> = now["modules"]
        .as_array()?
        .iter()
        .filter_map(|module| module.as_str())
        .collect();
    let holds = |run: &&Run| matches!(run.standing, Standing::Open | Standing::Committed);
    let earlier = runs.iter().filter(holds).flat_map(|run| &run.steps);
    let asked = earlier
        .filter_map(|step| of(&step.resource))
        .filter(|earlier| earlier.name == database.name)
        .flat_map(|earlier| &earlier.modules);
    let stay: BTreeSet<&str> = asked
        .filter(|module| !database.modules.contains(module))
        .map(String::as_str)
        .filter(|module| installed.contains(module))
        .collect();
    if stay.is_empty() {
        return None;
    }
    let names: Vec<&str> = stay.into_iter().collect();
    Some(format!(
        "no longer in `modules`, and still installed: `{}`; taking a module out deletes its data, so it is done in \
         Odoo alone, under Apps, which shows what goes with it",
        names.join("`, `")
    ))
}

fn of(resource: &AnyResource) -> Option<&Database> {
    match resource {
        AnyResource::Database(database) => Some(database),
        _ => None,
    }
}
