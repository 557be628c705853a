//! After any sequence of configurations, a server has the state of a fresh install of the last configuration.
//!
//! [`MAY_DIFFER`] lists the exceptions, each with its reason. A failing sequence prints its seed;
//! `PATH_SEED=12 cargo test --test model paths::` repeats it.

use std::fmt::Write as _;

use support::act::{Act, act};
use support::counts;
use support::dice::Dice;
use support::machine::Machine;
use support::share::shared;
use support::site::{SiteFile, SiteSpec};
use support::snapshot::{Snapshot, differences, snapshot};
use support::tier::one_of;

/// How many sequences are tried.
const SEQUENCES: usize = 60;

/// Places that an earlier configuration may leave, and why. In addition, the modules that it installed stay in the
/// database: uninstalling a module would delete its data.
const MAY_DIFFER: [(&str, &str); 3] = [
    (
        "/opt/odoo/releases/",
        "a rollback may need an earlier release",
    ),
    ("/opt/odoo/venvs/", "a rollback may need its environment"),
    (
        "/opt/odoo/addons/",
        "a rollback may need the link of an add-on, though no configuration names it now",
    ),
];

/// The modules of the database, which are never uninstalled.
fn modules(seen: &str) -> Vec<&str> {
    let list = seen.split_once("modules: Some({").unwrap_or_default().1;
    let list = list.split_once('}').unwrap_or_default().0;
    list.split(", ")
        .filter(|module| !module.is_empty())
        .collect()
}

/// The places where a machine with a past differs from a fresh one, without those in [`MAY_DIFFER`].
fn with_a_past(fresh: &Snapshot, found: &Snapshot) -> Vec<String> {
    let mut found = found.clone();
    found.retain(|place, _| {
        let left = MAY_DIFFER
            .iter()
            .any(|(folder, _)| place.starts_with(folder));
        !left || fresh.contains_key(place)
    });
    let database = "postgres database odoo";
    if let (Some(asked), Some(now)) = (fresh.get(database), found.get_mut(database))
        && modules(asked)
            .iter()
            .all(|module| modules(now).contains(module))
    {
        let list = modules(now).join(", ");
        *now = now.replace(&list, &modules(asked).join(", "));
    }
    differences(fresh, &found)
}

/// A random configuration. `proxy` is the same for a whole sequence, because the resources of a section stay when the
/// section is removed.
fn wish(dice: &mut Dice, proxy: bool) -> SiteSpec {
    SiteSpec {
        // with a proxy, Odoo needs worker processes
        workers: *dice.pick(if proxy { &[2, 4, 8] } else { &[0, 2, 4] }),
        modules: dice
            .pick(&[vec![], vec!["sale"], vec!["stock"], vec!["sale", "account"]])
            .clone(),
        addons: dice.below(2) == 0,
        installer: dice.pick::<&str>(&["uv", "pip"]),
        later: dice.below(3) == 0,
        own_steps: false,
        proxy,
        // translations stay, too
        languages: if proxy { vec!["de_DE"] } else { Vec::new() },
        name: "odoo",
        database: "odoo",
    }
}

/// Runs one sequence of installs and occasional rollbacks. Returns its description, its number of installs, and what
/// was wrong.
fn walk(seed: usize) -> (String, usize, Vec<String>) {
    let mut dice = Dice::new(seed as u64 + 77);
    let machine = Machine::bare();
    let mut story = format!("PATH_SEED={seed}");
    let steps = 2 + dice.below(4);
    let proxy = dice.below(3) == 0;
    let mut last = wish(&mut dice, proxy);
    for step in 0..steps {
        last = wish(&mut dice, proxy);
        write!(story, "\n  {last:?}").unwrap();
        let site = SiteFile::new(&last);
        let ended = act(&machine, &site, Act::Install).unwrap();
        if ended.code != 0 {
            return (story, step, vec![ended.error]);
        }
        if step + 1 < steps && dice.below(4) == 0 {
            story += ", and back";
            let ended = act(&machine, &site, Act::Rollback).unwrap();
            if ended.code != 0 {
                return (story, step, vec![ended.error]);
            }
        }
    }
    // the deployed commit stays, even if the site no longer names it: the database already belongs to that code
    let deployed = std::fs::read_link(machine.disk.at("/opt/odoo/current")).unwrap();
    let stays = deployed.ends_with("4".repeat(40));
    assert!(stays || !last.later);
    last.later = stays;
    let fresh = Machine::bare();
    let ended = act(&fresh, &SiteFile::new(&last), Act::Install).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.error);
    let wrong = with_a_past(&snapshot(&fresh), &snapshot(&machine));
    (story, steps, wrong)
}

#[test]
fn the_past_of_a_server_does_not_matter() {
    if support::skipped() {
        return;
    }
    let asked: Option<usize> = std::env::var("PATH_SEED")
        .ok()
        .map(|seed| seed.parse().unwrap());
    let counts = shared("paths::the_past_of_a_server_does_not_matter", |share| {
        for seed in one_of(3, "paths", 0..SEQUENCES, |_| "sequences".into()) {
            if asked.is_some_and(|asked| asked != seed) || !share.takes() {
                continue;
            }
            let (story, steps, wrong) = walk(seed);
            share.count("sequences", 1);
            share.count("installs", steps);
            share.judge(&story, &wrong);
        }
    });
    if asked.is_none() {
        let sequences = counts.of("sequences");
        println!(
            "paths: {sequences} sequences, {} installs",
            counts.of("installs")
        );
        counts::tell("sequences of configurations", "paths", sequences);
    }
}
