//! Reads the output of `cargo bench -p benches --bench steps`.

use std::fs;

use serde::{Deserialize, Serialize};

use super::world::World;

/// One line of it: a verb, the number of steps, and times in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Micro {
    pub(crate) what: String,
    pub(crate) steps: u32,
    pub(crate) fastest: f64,
    pub(crate) slowest: f64,
    pub(crate) median: f64,
    pub(crate) mean: f64,
    pub(crate) samples: u32,
}

/// Reads it from the file that `make bench` wrote.
pub(crate) fn read(world: &World) -> Vec<Micro> {
    parse(&fs::read_to_string(world.work.join("steps.txt")).expect("what the steps took"))
}

/// The output is a tree: one line for each verb, and below it one for each number of steps, with columns.
fn parse(told: &str) -> Vec<Micro> {
    let mut what = String::new();
    let mut all = Vec::new();
    for line in told.lines() {
        let bare = line.replace(['├', '╰', '─', '│'], " ");
        let words: Vec<&str> = bare.split_whitespace().collect();
        match words.as_slice() {
            [name] => (*name).clone_into(&mut what),
            [steps, times @ ..] if times.len() >= 9 => {
                let time = |column: usize| milliseconds(times[2 * column], times[2 * column + 1]);
                let read = || {
                    Some(Micro {
                        what: what.clone(),
                        steps: steps.parse().ok()?,
                        fastest: time(0)?,
                        slowest: time(1)?,
                        median: time(2)?,
                        mean: time(3)?,
                        samples: times[8].parse().ok()?,
                    })
                };
                all.extend(read());
            }
            _ => (),
        }
    }
    all
}

fn milliseconds(number: &str, unit: &str) -> Option<f64> {
    let scale = match unit {
        "ns" => 1e-6,
        "µs" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * scale)
}
