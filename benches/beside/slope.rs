//! How the time of a run that changes nothing grows with the number of steps: the built-in playbook with
//! additional folders, on a real server.

use std::fs;
use std::process::Stdio;

use super::contender::Contender;
use super::measure::measure;
use super::ours::unchecked;
use super::report::Results;
use super::sample::{Sample, median, slopes};
use super::server::{SITE, Server};
use super::world::{World, say};

/// How many steps are added, and how many times each playbook is run.
pub(crate) const MORE: [u32; 3] = [10, 100, 1000];
const RUNS: usize = 10;

pub(crate) fn grow(world: &World, server: &Server, results: &mut Results) {
    let site = fs::read_to_string(server.path(SITE)).expect("the site");
    let mut points = Vec::new();
    for more in MORE {
        let folder = format!("/srv/steps-{more}");
        let config = format!("{folder}/site.toml");
        server.write(&config, &site);
        server.write(&format!("{folder}/odoo.toml"), &playbook(more));
        let command = server.ours(&["install", "--yes", "--config", &config]);
        let mut once = server.ours(&["install", "--yes", "--config", &config]);
        once.stdout(Stdio::null()).stderr(Stdio::null());
        let made = once.status().expect("it starts");
        assert!(made.success(), "{more} more steps: {made}");
        let log = world.work.join(format!("steps-{more}.log"));
        let mut walls = Vec::new();
        for round in 1..=RUNS {
            let (cost, _) = measure(&command, &log);
            walls.push(cost.wall);
            results.samples.push(Sample {
                who: Contender::Ours.name().into(),
                what: format!("steps-{more}"),
                round,
                cost,
            });
        }
        let middle = median(&walls).expect("runs");
        say(format!("no-op with {more} more steps: {middle:.3} s"));
        points.push((f64::from(more), middle));
    }
    let steepest = slopes(&points).into_iter().max_by(f64::total_cmp);
    results.slope = steepest.map(|seconds| seconds * 1e3);
}

/// The built-in playbook with `more` further steps.
fn playbook(more: u32) -> String {
    let step = |number: u32| {
        format!(
            "\n[[step]]\nid = \"more-{number}\"\nneeds = []\n\
             directory = {{ path = \"/srv/more-{number}\", owner = \"root\", group = \"root\", mode = \"0755\" }}\n"
        )
    };
    unchecked() + &(1..=more).map(step).collect::<String>()
}
