//! Finds the releases and environments of a site that no rollback of the last runs needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::engine::journal::{Run, Standing, Step};
use crate::host::{Host, Result};
use crate::plan::blueprint::Clearing;
use crate::resource::AnyResource;

/// How many changes of the running code can be rolled back with what is on the disk.
const KEPT: usize = 3;

/// Finds the trees that runs made, that still exist, and that neither the running code nor a rollback of the last runs
/// needs.
///
/// # Errors
/// If the disk cannot be read.
pub(super) fn clearing(host: &Host, runs: &[Run]) -> Result<Clearing> {
    let held = |run: &&Run| run.standing != Standing::RolledBack;
    let held: Vec<&Run> = runs.iter().filter(held).collect();
    let steps = || held.iter().flat_map(|run| &run.steps);
    let paths: BTreeSet<&Path> = steps()
        .filter_map(|step| match &step.resource {
            AnyResource::Link(link) => Some(link.path.as_path()),
            _ => None,
        })
        .collect();
    let mut links = BTreeSet::new();
    for path in paths {
        links.extend(host.link_target(path)?);
    }
    let mut made = BTreeSet::new();
    for step in steps().filter(|step| step.before.is_none() && step.done && !step.undone) {
        if let Some(path) = step.resource.tree()
            && host.meta(path)?.is_some()
        {
            made.insert(path.to_owned());
        }
    }
    // a killed run may have changed only some of the links. It counts as one change, and what it began to clear is
    // still cleared
    let (ended, open): (Vec<&Run>, Vec<&Run>) = held
        .iter()
        .partition(|run| run.standing == Standing::Committed);
    let begun = open.iter().flat_map(|run| &run.steps);
    let begun = begun.filter_map(|step| match &step.resource {
        AnyResource::Cleared(cleared) => Some(cleared.path.clone()),
        _ => None,
    });
    let begun: Vec<PathBuf> = begun.collect();
    let (ended, open) = (changes(&ended), changes(&open));
    let without = |kept: usize| {
        let is_needed = |path: &Path| {
            let needed = ended.iter().take(kept).chain(&open).flatten();
            let mut needed = needed.chain(&links);
            needed.any(|needed| needed.starts_with(path))
        };
        let goes = made.iter().filter(|path| !is_needed(path));
        goes.chain(&begun).cloned().collect()
    };
    Ok(Clearing {
        unchanged: without(if open.is_empty() { KEPT } else { KEPT - 1 }),
        changed: without(KEPT - 1),
        links,
    })
}

/// The changes of the running code, newest first: for each, the targets of its links before and after.
fn changes(runs: &[&Run]) -> Vec<Vec<PathBuf>> {
    let targets = |step: &Step| {
        let states = [&step.before, &step.after].into_iter().flatten();
        let targets = states.filter_map(|state| state["target"].as_str());
        targets.map(PathBuf::from).collect::<Vec<_>>()
    };
    let is_link = |step: &&Step| matches!(step.resource, AnyResource::Link(_));
    let links = |run: &&Run| run.steps.iter().filter(is_link).flat_map(targets).collect();
    let all = runs.iter().rev().map(links);
    all.filter(|targets: &Vec<PathBuf>| !targets.is_empty())
        .collect()
}
