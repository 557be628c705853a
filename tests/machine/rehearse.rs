//! A whole install in a throwaway machine, by the command `rehearse` on this host.

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;

use super::support::run::Run;
use super::support::tally::show;
use super::support::world::world;
use super::support::{bases, scenario};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("rehearse_leaves_nothing", rehearse)]
}

/// The bed of these tests.
fn bed() -> &'static Path {
    world().kept.parent().expect("a folder in the bed")
}

fn rehearse() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("site.toml");
    let text = format!(
        "[site]\nname = \"e2e\"\n[odoo]\nversion = \"19.0\"\nrepository = \"file://{}\"\n[python]\nwheels = \"{}\"\n",
        world().repository().display(),
        bases::wheels().display()
    );
    fs::write(&site, text).expect("a site");
    let rehearse = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_odoo-deploy"));
        command
            .args(["rehearse", "--config"])
            .arg(&site)
            .arg("--bed")
            .arg(bed())
            .args(more);
        Run::to_end(command)
    };
    let up = || {
        let machines = world().bed.machines().expect("machines");
        machines
            .iter()
            .any(|machine| machine.name == "rehearse-e2e")
    };
    let kept = rehearse(&["--keep", "--suite", "bookworm"]);
    kept.expect_code(0)
        .expect_told("Rehearsed: the host is untouched.");
    kept.expect_told("GET http://127.0.0.1:8069/web/login answers 200");
    kept.expect_told("`rehearse-e2e` stays up");
    assert!(up(), "a kept machine is gone");
    rehearse(&["--stop"]).expect_code(0);
    assert!(!up(), "the machine was not taken down");
    show(
        11,
        format!(
            "rehearse: from nothing to the login page in {:.0} s, kept, taken down",
            kept.seconds
        ),
    );
}
