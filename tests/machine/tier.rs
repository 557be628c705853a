//! The scenarios that `make test` runs: all except the longest. `make prove` runs all; a filter on the command
//! line runs every scenario that it matches.

use std::collections::BTreeSet;

use ::support::tier::{Tier, one_of};
use libtest_mimic::Trial;

use crate::{failures, field, kills};

/// The scenarios that only `make prove` runs. Each takes minutes, and a shorter scenario tests the same code.
const PROVED: [&str; 4] = [
    // compiles what Debian 12 has as wheels; otherwise the same as `bare_debian_12`
    "bare_debian_13",
    // both need a full Odoo, which every fresh host must build first; the unit is the same as in all other
    // scenarios
    "production_twelve_modules",
    "full_odoo_under_the_hardened_unit",
    // four whole installs; the model's `environment` tests check umask, variables and descriptors too
    "an_install_with_nothing_around_it",
];

/// Marks the scenarios that are not in the chosen tier as ignored.
pub(crate) fn chosen(trials: Vec<Trial>) -> Vec<Trial> {
    if Tier::asked() == Tier::Prove {
        return trials;
    }
    let names: Vec<&str> = trials.iter().map(Trial::name).collect();
    let wrong = PROVED.iter().find(|name| !names.contains(name));
    assert_eq!(wrong, None, "no scenario has that name");
    // of similar scenarios, run a sample: kills, failing steps, and field cases with a machine for themselves
    let alike: [(usize, &str, Vec<String>); 3] = [
        (4, "kills", kills::names().collect()),
        (2, "failures", failures::names()),
        (3, "field cases", field::alone().collect()),
    ];
    let mut left: BTreeSet<String> = PROVED.map(str::to_owned).into();
    for (so_many, of, all) in alike {
        let drawn = one_of(so_many, of, all.clone(), |_| String::new());
        left.extend(all.into_iter().filter(|name| !drawn.contains(name)));
    }
    let trials = trials.into_iter();
    trials
        .map(|trial| {
            if left.contains(trial.name()) {
                trial.with_ignored_flag(true)
            } else {
                trial
            }
        })
        .collect()
}
