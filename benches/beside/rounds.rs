//! The rounds: every contender runs in each, in rotating order, so that other load on the host affects all of
//! them.

use super::contender::Contender;
use super::report::Results;
use super::server::Server;
use super::world::{World, say};

/// First installs, each on a new machine. The machines of the last round stay up.
pub(crate) fn first(world: &World, results: &mut Results) -> Vec<Server> {
    let mut kept = Vec::new();
    for round in 1..=world.first {
        for contender in turned(world, round) {
            let server = Server::boot(world, contender, world.storage);
            let (sample, told) = server.job(world, "first", round);
            server.expect_alive();
            say(format!(
                "first install {round}/{}: {} {:.1} s",
                world.first,
                contender.name(),
                sample.cost.wall
            ));
            if contender == Contender::Ours {
                results.steps.push(steps(&told));
            }
            results.samples.push(sample);
            if round == world.first && contender != Contender::ShortScript {
                kept.push(server);
            } else {
                server.stop();
            }
        }
    }
    let place = |server: &Server| Contender::ALL.iter().position(|c| *c == server.contender);
    kept.sort_by_key(place);
    kept
}

/// Repeats the job on the installed servers.
pub(crate) fn again(world: &World, servers: &[Server], results: &mut Results) {
    for round in 1..=world.again {
        for contender in turned(world, round) {
            let same = |server: &&Server| server.contender == contender;
            let Some(server) = servers.iter().find(same) else {
                continue;
            };
            let (sample, told) = server.job(world, "again", round);
            expect_unchanged(contender, &told);
            say(format!(
                "no-op {round}/{}: {} {:.2} s",
                world.again,
                contender.name(),
                sample.cost.wall
            ));
            results.samples.push(sample);
        }
    }
}

/// The contenders, each round starting with another one. The second script runs only in the first round: it
/// only shows how much of the script's time its packages take.
fn turned(world: &World, round: usize) -> Vec<Contender> {
    let mut all = Contender::ALL.to_vec();
    all.retain(|contender| round == 1 || *contender != Contender::ShortScript);
    if !world.only.is_empty() {
        all.retain(|contender| world.only.iter().any(|name| name == contender.name()));
    }
    let count = all.len().max(1);
    all.rotate_left((round - 1) % count);
    all
}

/// Asserts that a contender changed nothing, if it reports changes.
fn expect_unchanged(contender: Contender, told: &str) {
    let words = match contender {
        Contender::Ours => "Nothing to do",
        Contender::Ansible => "changed=0 ",
        // their commands run each time, and they do not report changes
        Contender::Pyinfra | Contender::Script | Contender::ShortScript => return,
    };
    assert!(told.contains(words), "no `{words}` in\n{told}");
}

/// The step times that odoo-deploy printed: `[21/22] database  done  9.6 s`, or `1 min 5 s`.
fn steps(told: &str) -> Vec<(String, f64)> {
    let step = |line: &str| {
        let line = line.strip_prefix('[')?.split_once("] ")?.1;
        let (name, time) = line.split_once("  done  ")?;
        let time = time.strip_suffix(" s")?.trim();
        let (minutes, seconds) = time.split_once(" min ").unwrap_or(("0", time));
        let minutes: f64 = minutes.parse().ok()?;
        let seconds: f64 = seconds.parse().ok()?;
        Some((name.trim().to_owned(), minutes * 60.0 + seconds))
    };
    told.lines().filter_map(step).collect()
}
