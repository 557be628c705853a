//! What `make test` does on the real machine: all, less what takes longest. `make prove` does all of it, and so
//! does who asks for a scenario by a part of its name.

use std::collections::BTreeSet;

use ::support::tier::{Tier, one_of};
use libtest_mimic::Trial;

use crate::{failures, field, kills};

/// What `make prove` alone does: each takes minutes, and something shorter would fail with it.
const PROVED: [&str; 4] = [
    // compiles what Debian 12 has as wheels; the way is that of `bare_debian_12`
    "bare_debian_13",
    // both need a full Odoo, which is made anew on every fresh host; the unit is that of all other scenarios
    "production_twelve_modules",
    "full_odoo_under_the_hardened_unit",
    // four whole installs; umask, variables and descriptors are the model's `environment` too
    "an_install_with_nothing_around_it",
];

/// Leaves out what is not of the tier that is asked for.
pub(crate) fn chosen(trials: Vec<Trial>) -> Vec<Trial> {
    if Tier::asked() == Tier::Prove {
        return trials;
    }
    let names: Vec<&str> = trials.iter().map(Trial::name).collect();
    let wrong = PROVED.iter().find(|name| !names.contains(name));
    assert_eq!(wrong, None, "no scenario has that name");
    // of what is alike a part: of the kills, of the failing steps, of the field's cases with a machine of their own
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
