//! What `make test` does on the real machine: all, less what takes longest. `make prove` does all of it, and so
//! does who asks for a scenario by a part of its name.

use ::support::tier::{Tier, one_of};
use libtest_mimic::Trial;

use crate::{field, kills};

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
    // of each moment one of the two ways out
    let moment = |name: &String| name.split("_then_").take(1).collect();
    let drawn = one_of(2, "kills", kills::names(), moment);
    // of the field's cases all that share a machine, and one of two that have one of their own
    let alone = one_of(2, "field cases", field::alone(), |_| String::new());
    let is_left = |name: &str| {
        let is_drawn = drawn.iter().chain(&alone).any(|other| other == name);
        let mut parted = kills::names().chain(field::alone());
        PROVED.contains(&name) || (parted.any(|other| other == name) && !is_drawn)
    };
    let trials = trials.into_iter();
    trials
        .map(|trial| {
            let is_left = is_left(trial.name());
            if is_left {
                trial.with_ignored_flag(true)
            } else {
                trial
            }
        })
        .collect()
}
