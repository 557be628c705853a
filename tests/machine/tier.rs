//! What `make test` does on the real machine: all, less what takes longest, and of scenarios that are alike one.
//! `make prove` does all of it, and so does who asks for a scenario by a part of its name.

use ::support::tier::{Tier, one_of};
use libtest_mimic::Trial;

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

/// Scenarios that are alike: `make test` does one of each, drawn by `SAMPLE`.
const ALIKE: [[&str; 2]; 9] = [
    [
        "kill_in_packages_then_install",
        "kill_in_packages_then_rollback",
    ],
    [
        "kill_in_source_then_install",
        "kill_in_source_then_rollback",
    ],
    ["kill_in_venv_then_install", "kill_in_venv_then_rollback"],
    [
        "kill_in_database_then_install",
        "kill_in_database_then_rollback",
    ],
    [
        "kill_in_service_then_install",
        "kill_in_service_then_rollback",
    ],
    ["failure_repository_missing", "failure_module_missing"],
    ["failure_check_never_passes", "failure_service_never_starts"],
    ["signals_in_a_first_install", "signals_in_a_change"],
    ["a_repository_over_ssh", "a_language_comes_later"],
];

/// Leaves out what is not of the tier that is asked for.
pub(crate) fn chosen(trials: Vec<Trial>) -> Vec<Trial> {
    if Tier::asked() == Tier::Prove {
        return trials;
    }
    let left = left();
    let names: Vec<&str> = trials.iter().map(Trial::name).collect();
    let wrong = left.iter().find(|name| !names.contains(name));
    assert_eq!(wrong, None, "no scenario has that name");
    let leave = |trial: Trial| {
        let is_left = left.contains(&trial.name());
        let is_ignored = is_left || trial.has_ignored_flag();
        trial.with_ignored_flag(is_ignored)
    };
    trials.into_iter().map(leave).collect()
}

/// The names of what is left out.
fn left() -> Vec<&'static str> {
    let alike = ALIKE.iter().flatten().copied();
    let group = |name: &&str| format!("{:?}", ALIKE.iter().find(|group| group.contains(name)));
    let drawn = one_of(2, "scenarios", alike.clone(), group);
    let not_drawn = alike.filter(|name| !drawn.contains(name));
    PROVED.into_iter().chain(not_drawn).collect()
}
