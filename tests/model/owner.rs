//! The law of the owner, on random servers with random commands: everything that was there before is there after, byte
//! for byte, unless a plan, a refusal or a note named it. Commands that only read change nothing. Every ending has a
//! command that leads on.
//!
//! A world that breaks the law is reduced and printed. `OWNER_SEED=17 cargo test --test model owner::` repeats it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use support::counts;
use support::owner::{Ground, Played, World};
use support::share::shared;
use support::tier::Tier;

/// How many worlds are tried in `make test`, and how many in `make prove`.
const WORLDS: [u64; 2] = [400, 5000];

/// How many failing worlds each process reduces: each takes seconds.
const SHRUNK: usize = 6;

/// Plays a world. A panic of the model machine counts as wrong, too.
fn play(ground: &Ground, world: &World) -> Played {
    let played = catch_unwind(AssertUnwindSafe(|| ground.play(world)));
    played.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        Played {
            wrong: vec![format!("the model: {}", words.unwrap_or_default())],
            ..Played::default()
        }
    })
}

/// Reduces a world as long as it still breaks the law.
fn least(ground: &Ground, mut world: World) -> World {
    while let Some(smaller) = world
        .smaller()
        .into_iter()
        .find(|smaller| !play(ground, smaller).wrong.is_empty())
    {
        world = smaller;
    }
    world
}

#[test]
fn whatever_is_on_a_server_stays_there() {
    if support::skipped() {
        return;
    }
    let asked: Option<u64> = std::env::var("OWNER_SEED")
        .ok()
        .map(|seed| seed.parse().unwrap());
    let worlds = std::env::var("OWNER_WORLDS")
        .map_or(WORLDS[usize::from(Tier::asked() == Tier::Prove)], |count| {
            count.parse().unwrap()
        });
    let counts = shared("owner::whatever_is_on_a_server_stays_there", |share| {
        let ground = Ground::new();
        let mut shrunk = BTreeSet::new();
        for seed in 0..worlds {
            if asked.is_some_and(|asked| asked != seed) || !share.takes() {
                continue;
            }
            let world = World::draw(seed);
            let played = play(&ground, &world);
            share.count("worlds", 1);
            share.count("commands", played.commands);
            share.count("cut", played.cut);
            share.count("well", played.well);
            share.count("looked", played.looked);
            for (evidence, times) in &played.destroyed {
                share.count(&format!("went: {evidence}"), *times);
                share.count("destructions", *times);
            }
            for kind in &played.refused {
                share.count(&format!("refused: {kind}"), 1);
            }
            let wrong = played.wrong;
            if wrong.is_empty() {
                continue;
            }
            let mut case = format!("OWNER_SEED={seed}");
            let kind: String = wrong[0].chars().take(24).collect();
            if shrunk.len() < SHRUNK && shrunk.insert(kind) || asked.is_some() {
                let least = least(&ground, world);
                let wrong = play(&ground, &least).wrong.join("\n  ");
                write!(case, "\n  least: {least:?}\n  where: {wrong}").unwrap();
            }
            share.judge(&case, &wrong);
        }
    });
    if asked.is_none() {
        for (what, count) in counts.all() {
            println!("{what}: {count}");
        }
        counts::tell("owner worlds", "owner", counts.of("worlds"));
        counts::tell("destructions", "owner", counts.of("destructions"));
    }
}
