//! An install does what the dry run showed, whatever happened to the machine before. Every step that the install sets
//! was in the plan. Every known change of the plan is made; a change that was not needed was marked as a forecast.
//! Afterwards nothing is left to do.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use odoo_deploy::event::Event;
use support::act::{Act, Ended, act, still_to_do};
use support::counts;
use support::dice::Dice;
use support::drift::{self, Drift};
use support::machine::Machine;
use support::scenario::installed;
use support::share::shared;
use support::site::{SiteFile, SiteSpec};
use support::tier::one_of;

/// How many pairs of a machine's state and a site are tried.
const PAIRS: usize = 240;

fn set(ended: &Ended) -> BTreeSet<String> {
    let done = ended.events.iter().filter_map(|event| match event {
        Event::StepDone { step, .. } => Some(step.clone()),
        _ => None,
    });
    done.collect()
}

/// The result for one pair.
struct Compared {
    done: BTreeSet<String>,
    /// How many forecasts were not needed.
    idle: usize,
    wrong: Vec<String>,
}

/// Runs a dry run, an install, and two more dry runs.
fn compare(machine: &Machine, site: &SiteFile) -> Compared {
    let shown = act(machine, site, Act::DryRun).unwrap();
    let installed = act(machine, site, Act::Install).unwrap();
    let (plan, done) = (shown.pending(), set(&installed));
    let mut wrong = Vec::new();
    if shown.code != 0 || installed.code != 0 {
        wrong.push(format!("{} {}", shown.error, installed.error));
    }
    let unseen: Vec<_> = done.iter().filter(|s| !plan.contains_key(*s)).collect();
    if !unseen.is_empty() {
        wrong.push(format!("done, but never shown: {unseen:?}"));
    }
    let idle = plan.iter().filter(|(step, _)| !done.contains(*step));
    let (idle, false_ones): (Vec<_>, Vec<_>) = idle.partition(|(_, forecast)| **forecast);
    if !false_ones.is_empty() {
        wrong.push(format!("shown as known, but not done: {false_ones:?}"));
    }
    for _ in 0..2 {
        wrong.extend(still_to_do(machine, site));
    }
    let idle = idle.len();
    Compared { done, idle, wrong }
}

fn wishes() -> Vec<SiteSpec> {
    let mut all = Vec::new();
    for workers in [0, 2, 4] {
        for addons in [true, false] {
            for modules in [vec![], vec!["sale"], vec!["sale", "stock"]] {
                let installer = if addons { "uv" } else { "pip" };
                all.push(SiteSpec {
                    workers,
                    modules,
                    addons,
                    installer,
                    ..SiteSpec::default()
                });
            }
        }
    }
    all
}

#[test]
fn an_install_does_what_the_dry_run_showed() {
    if support::skipped() {
        return;
    }
    let test = "plan_equals_apply::an_install_does_what_the_dry_run_showed";
    let counts = shared(test, |share| {
        let base = installed(&SiteSpec::default()).still();
        let wishes = wishes();
        let mut drifts = drift::all();
        drifts.retain(Drift::is_mended);
        for pair in one_of(3, "plans", 0..PAIRS, |_| "pairs".into()) {
            if !share.takes() {
                continue;
            }
            let mut dice = Dice::new(pair as u64);
            let machine = match dice.below(8) {
                0 => Machine::bare(),
                _ => base.twin(),
            };
            let mut name = format!("pair {pair}:");
            let mut happened: Vec<&Drift> = Vec::new();
            for _ in 0..dice.below(4) {
                let one = dice.pick(&drifts);
                if machine.state.borrow().units.is_empty() {
                    break;
                }
                if happened.iter().any(|other| other.meets(one)) {
                    continue;
                }
                happened.push(one);
                write!(name, " {},", one.name).unwrap();
                one.happen(&machine);
            }
            let wish = dice.pick(&wishes);
            let compared = compare(&machine, &SiteFile::new(wish));
            share.count("pairs", 1);
            share.count("steps", compared.done.len());
            share.count("idle", compared.idle);
            share.judge(&format!("{name} {wish:?}"), &compared.wrong);
        }
    });
    let pairs = counts.of("pairs");
    println!(
        "plan = apply: {pairs} pairs, {} steps shown and done, {} forecasts without need, 0 surprises",
        counts.of("steps"),
        counts.of("idle")
    );
    counts::tell("pairs of state and site", "plan_equals_apply", pairs);
}
