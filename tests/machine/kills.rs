//! After a kill at any moment, the install can be continued or rolled back.

use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;
use rehearse::Base;

use super::support::allowed::{Allowance, EVERY_RUN, PACKAGES};
use super::support::server::Server;
use super::support::start::Start;
use super::support::tally::{arrived, show};
use super::support::{bases, scenario, web};
use crate::random_kills;
use ::support::dice::Dice;

/// A moment to kill at: a step, the longest time in milliseconds to let the step work (short enough that the
/// run is not over on a fast host), and the base that the run starts from.
#[derive(Clone, Copy)]
struct KillPoint {
    step: &'static str,
    lasts: u16,
    base: fn() -> Base,
    leaves: &'static [&'static [Allowance]],
}

const MOMENTS: [KillPoint; 5] = [
    KillPoint {
        step: "packages",
        lasts: 12_000,
        base: bases::fetched,
        leaves: &[EVERY_RUN, PACKAGES],
    },
    KillPoint {
        step: "source",
        lasts: 1500,
        base: bases::packed,
        leaves: &[EVERY_RUN],
    },
    KillPoint {
        step: "venv",
        lasts: 6000,
        base: bases::packed,
        leaves: &[EVERY_RUN],
    },
    KillPoint {
        step: "database",
        lasts: 8_000,
        base: bases::packed,
        leaves: &[EVERY_RUN],
    },
    KillPoint {
        step: "service",
        lasts: 600,
        base: bases::packed,
        leaves: &[EVERY_RUN],
    },
];

/// The two recoveries tried after each kill.
const WAYS: [&str; 2] = ["install", "rollback"];

pub(crate) fn trials() -> Vec<Trial> {
    let both = |moment: KillPoint| {
        let [on, back] = WAYS.map(|way| name(&moment, way));
        [
            scenario(on, move || goes_on(moment)),
            scenario(back, move || goes_back(moment)),
        ]
    };
    MOMENTS.into_iter().flat_map(both).collect()
}

fn name(moment: &KillPoint, way: &str) -> String {
    format!("kill_in_{}_then_{way}", moment.step)
}

/// The names of all scenarios.
pub(crate) fn names() -> impl Iterator<Item = String> {
    let both = |moment: &KillPoint| WAYS.map(|way| name(moment, way));
    MOMENTS.iter().flat_map(both)
}

/// Starts an install and kills it at a moment within a step. The moment differs between the two recoveries, and
/// depends on `KILL_SEED`.
fn killed(server: &Server, moment: KillPoint, way: usize) -> Duration {
    let mut running = server.start(&["install", "--yes"]);
    running.await_step(moment.step);
    let number = MOMENTS.iter().position(|other| other.step == moment.step);
    let seed = random_kills::seed() * 16 + 2 * number.expect("one of them") as u64 + way as u64;
    let delay = Dice::new(seed).below(usize::from(moment.lasts));
    let delay = Duration::from_millis(delay as u64);
    println!(
        "machine: {}: killing {} ms into it",
        moment.step,
        delay.as_millis()
    );
    sleep(delay);
    server.kill_lock_holder();
    let run = running.finish();
    assert!(run.of("ended").is_empty(), "killed before its end");
    delay
}

fn goes_on(moment: KillPoint) {
    let server = Server::ready(&format!("on-{}", moment.step), (moment.base)());
    let delay = killed(&server, moment, 0);
    let run = server.json(&["install", "--yes"]);
    run.expect_code(0);
    assert_eq!(run.outcome(), "changed");
    web::expect_alive(&server);
    server.json(&["audit"]).expect_code(0);
    arrived();
    show(
        7,
        format!(
            "killed {:>5} ms into {}: install goes on to the end in {:.0} s, audit exits 0",
            delay.as_millis(),
            moment.step,
            run.seconds
        ),
    );
}

fn goes_back(moment: KillPoint) {
    let server = Server::ready(&format!("back-{}", moment.step), (moment.base)());
    let start = Start::of(&server);
    let delay = killed(&server, moment, 1);
    let run = server.json(&["rollback", "--yes"]);
    run.expect_code(0);
    assert_eq!(run.outcome(), "rolled_back");
    let left = start.expect_again(&server, moment.leaves);
    arrived();
    show(
        7,
        format!(
            "killed {:>5} ms into {}: rolled back in {:.0} s, {} files as before, {left} left as named residue",
            delay.as_millis(),
            moment.step,
            run.seconds,
            start.files()
        ),
    );
}
