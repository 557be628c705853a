//! What every command prints for people, at 80 columns, with and without colour; on the model
//! machine, through the same door as the binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on falls over")]

mod support;

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::time::SystemTime;

use clap::Parser as _;
use odoo_deploy::cli::Cli;
use odoo_deploy::command::on;
use odoo_deploy::report::{Human, Options, Report};
use support::machine::Machine;
use support::site::{SiteFile, Wish};

/// What is written to one stream.
#[derive(Clone, Default)]
struct Paper(Rc<RefCell<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

/// Runs a command line on the machine; answers exit code and both streams.
fn said(machine: &Machine, site: &SiteFile, line: &str, color: bool) -> String {
    let mut options = Options::plain();
    (options.stdout.color, options.stderr.color) = (color, color);
    let (out, err) = (Paper::default(), Paper::default());
    let human = Human::with_clock(out.clone(), err.clone(), options, || SystemTime::UNIX_EPOCH);
    let report = Report::Human(Rc::new(human));
    let config = site.path().display().to_string();
    let words = line
        .split_whitespace()
        .map(|word| word.replace("SITE", &config));
    let cli = Cli::try_parse_from(std::iter::once("odoo-deploy".to_owned()).chain(words)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let code = runtime.block_on(on(machine.host(report.events()), cli.command, &report));
    let text = format!(
        "$ odoo-deploy {line}\nexit: {code}\n--- stdout\n{}--- stderr\n{}",
        out.text(),
        err.text()
    );
    let folder = site.path().parent().unwrap().display().to_string();
    let text = text
        .replace(&config, "site.toml")
        .replace(&format!("{folder}/"), "");
    steady(&text.replace(&machine.root().display().to_string(), ""))
}

/// Takes the durations out.
fn steady(text: &str) -> String {
    let line = |line: &str| match line.split_once("  done  ") {
        Some((step, _)) => format!("{step}  done  … s"),
        None => line.to_owned(),
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

fn site() -> SiteFile {
    SiteFile::new(&Wish {
        addons: false,
        workers: 2,
        ..Wish::default()
    })
}

#[test]
fn a_bare_machine() {
    let (machine, site) = (Machine::bare(), site());
    insta::assert_snapshot!(
        "bare_dry_run",
        said(&machine, &site, "install --config SITE --dry-run", false)
    );
    insta::assert_snapshot!(
        "bare_dry_run_colour",
        said(&machine, &site, "install --config SITE --dry-run", true)
    );
    insta::assert_snapshot!(
        "bare_audit",
        said(&machine, &site, "audit --config SITE", false)
            .lines()
            .last()
            .unwrap()
    );
    insta::assert_snapshot!(
        "bare_status",
        said(&machine, &site, "status --config SITE", false)
    );
    insta::assert_snapshot!(
        "bare_rollback",
        said(&machine, &site, "rollback --config SITE --yes", false)
    );
}

#[test]
fn the_road_of_a_site() {
    let (machine, site) = (Machine::bare(), site());
    insta::assert_snapshot!(
        "install",
        said(&machine, &site, "install --config SITE --yes", false)
    );
    insta::assert_snapshot!(
        "install_again",
        said(&machine, &site, "install --config SITE --yes", false)
    );
    insta::assert_snapshot!(
        "settled_audit",
        said(&machine, &site, "audit --config SITE", false)
    );
    insta::assert_snapshot!(
        "settled_status",
        said(&machine, &site, "status --config SITE", false)
    );
    insta::assert_snapshot!(
        "render",
        said(&machine, &site, "render --config SITE", false)
    );
    drift(machine.root());
    insta::assert_snapshot!(
        "drift_audit",
        said(&machine, &site, "audit --config SITE", false)
    );
    insta::assert_snapshot!(
        "drift_audit_colour",
        said(&machine, &site, "audit --config SITE", true)
    );
    insta::assert_snapshot!(
        "drift_install",
        said(&machine, &site, "install --config SITE --yes", false)
    );
    insta::assert_snapshot!(
        "rollback",
        said(&machine, &site, "rollback --config SITE --yes", false)
    );
    insta::assert_snapshot!(
        "rollback_of_the_first",
        said(&machine, &site, "rollback --config SITE --yes", true)
    );
}

/// An edit by hand, and a password that Odoo would take for the master password.
fn drift(root: &Path) {
    let path = root.join("etc/odoo.conf");
    let text = fs::read_to_string(&path).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("admin_passwd"))
        .unwrap();
    fs::write(
        &path,
        text.replace(line, "admin_passwd = hunter2-by-hand") + "log_level = debug\n",
    )
    .unwrap();
}

#[test]
fn a_first_install_that_fails() {
    let machine = Machine::bare();
    let site = SiteFile::new(&Wish {
        addons: false,
        modules: vec!["no_such_module"],
        ..Wish::default()
    });
    let text = said(&machine, &site, "install --config SITE --yes", false);
    assert!(text.contains("exit: 3"), "{text}");
    let story = text.split_once("--- stderr\n").unwrap().1;
    insta::assert_snapshot!("failed_install", story);
    insta::assert_snapshot!(
        "failed_status",
        said(&machine, &site, "status --config SITE", false)
    );
}

#[test]
fn a_playbook_that_is_wrong() {
    let (machine, site) = (Machine::bare(), site());
    let playbook = site.path().with_file_name("odoo.toml");
    for (name, text) in [
        (
            "wrong_step",
            "[[step]]\nid = \"one\"\nneeds = [\"three\"]\nfile = {}\n",
        ),
        (
            "wrong_reference",
            "[[step]]\nid = \"one\"\ndirectory = { path = \"{{ site.nmae }}\", mode = \"{{ x }}\" }\n",
        ),
        (
            "wrong_field",
            "[[step]]\nid = \"one\"\nlink = { path = \"/a\", goal = \"/b\" }\n",
        ),
        (
            "wrong_kind",
            "[[step]]\nid = \"one\"\nlnik = { path = \"/a\" }\n",
        ),
    ] {
        fs::write(&playbook, text).unwrap();
        insta::assert_snapshot!(
            name,
            said(&machine, &site, "install --config SITE --yes", false)
        );
    }
}
