//! The text output of every command at 80 columns, with and without colour. The commands run on the model machine,
//! through the same function as in the binary.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use odoo_deploy::event::FORMAT;
use odoo_deploy::report::{EVENTS_SCHEMA, Human, Json, Options, Report};
use support::machine::Machine;
use support::site::{SiteFile, SiteSpec};
use support::typed::{Paper, typed};

/// Runs a command line on the machine. Returns the exit code and both streams.
fn said(machine: &Machine, site: &SiteFile, line: &str, color: bool) -> String {
    let mut options = Options::plain();
    (options.stdout.color, options.stderr.color) = (color, color);
    let (out, err) = (Paper::default(), Paper::default());
    let human = Human::with_clock(out.clone(), err.clone(), options, || SystemTime::UNIX_EPOCH);
    let report = Report::Human(Rc::new(human));
    let config = site.path().display().to_string();
    let code = typed(
        machine.host(report.events()),
        line,
        ("SITE", &config),
        &report,
    );
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

/// Removes the durations.
fn steady(text: &str) -> String {
    let line = |line: &str| match line.rsplit_once("  ") {
        Some((step, _)) if uncoloured(step).ends_with("  done") => format!("{step}  … s"),
        _ => line.to_owned(),
    };
    let text: String = text.lines().map(|text| line(text) + "\n").collect();
    let begun = text.split(" of 20").nth(1);
    let begun = begun.and_then(|rest| rest.split(" UTC").next());
    begun.map_or(text.clone(), |begun| text.replace(begun, "26-01-01 00:00"))
}

/// Compares the output of a command with its snapshots, without and with colour. Both must have the same text, so that
/// colour never carries information alone.
fn hold(name: &str, machine: &Machine, site: &SiteFile, line: &str) {
    let twin = machine.twin();
    let plain = said(machine, site, line, false);
    let colour = said(&twin, site, line, true);
    // the journal contains paths of the machine on which it was written
    let colour = colour.replace(&machine.root().display().to_string(), "");
    assert_eq!(uncoloured(&colour), plain, "{line}");
    insta::assert_snapshot!(name, plain);
    insta::assert_snapshot!(format!("{name}_colour"), colour);
}

/// Removes the colours: `ESC [ … m`.
fn uncoloured(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
}

fn site() -> SiteFile {
    SiteFile::new(&SiteSpec {
        addons: false,
        workers: 2,
        ..SiteSpec::default()
    })
}

#[test]
fn a_bare_machine() {
    let (machine, site) = (Machine::bare(), site());
    hold(
        "bare_dry_run",
        &machine,
        &site,
        "install --config SITE --dry-run",
    );
    insta::assert_snapshot!(
        "bare_audit",
        said(&machine, &site, "audit --config SITE", false)
            .lines()
            .last()
            .unwrap()
    );
    hold("bare_status", &machine, &site, "status --config SITE");
    let drawn = said(&machine, &site, "graph --config SITE --pending", false);
    insta::assert_snapshot!("graph", drawn);
    let drawn = said(&machine, &site, "graph --config SITE --format svg", false);
    assert!(drawn.contains("exit: 0\n--- stdout\n<svg "), "{drawn}");
    hold(
        "bare_rollback",
        &machine,
        &site,
        "rollback --config SITE --yes",
    );
}

#[test]
fn the_road_of_a_site() {
    let (machine, site) = (Machine::bare(), site());
    hold("install", &machine, &site, "install --config SITE --yes");
    hold(
        "install_again",
        &machine,
        &site,
        "install --config SITE --yes",
    );
    hold("settled_audit", &machine, &site, "audit --config SITE");
    hold("settled_status", &machine, &site, "status --config SITE");
    hold("render", &machine, &site, "render --config SITE");
    drift(machine.root());
    hold("drift_audit", &machine, &site, "audit --config SITE");
    hold(
        "drift_install",
        &machine,
        &site,
        "install --config SITE --yes",
    );
    hold("rollback", &machine, &site, "rollback --config SITE --yes");
    hold(
        "rollback_of_the_first",
        &machine,
        &site,
        "rollback --config SITE --yes",
    );
}

/// Edits `odoo.conf` by hand, with a password that Odoo would take for the master password.
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
    // the service has been running for a long time
    let record = fs::File::open(root.join("run/odoo-deploy/odoo.started")).unwrap();
    record
        .set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .unwrap();
}

/// Runs a command line on the machine. Returns its events as `--json` prints them. Each event takes a second.
fn stream(machine: &Machine, site: &SiteFile, line: &str) -> String {
    let (paper, seconds) = (Paper::default(), Cell::new(0));
    let clock = move || {
        seconds.set(seconds.get() + 1);
        UNIX_EPOCH + Duration::from_secs(seconds.get())
    };
    let report = Report::Json(Rc::new(Json::new(paper.clone(), clock)));
    let config = site.path().display().to_string();
    typed(
        machine.host(report.events()),
        line,
        ("SITE", &config),
        &report,
    );
    let folder = site.path().parent().unwrap().display().to_string();
    let text = paper.text().replace(&folder, "/srv");
    text.replace(&machine.root().display().to_string(), "")
}

/// Every event of a real run matches the schema. `RECORD=1` writes the stream to the fixture of its format. The fixture
/// of a released format must not change: `src/report/tests.rs` checks that it can still be read.
#[test]
fn the_stream_of_a_site_fits_the_schema() {
    let (machine, site) = (Machine::bare(), site());
    let mut text = stream(&machine, &site, "install --config SITE --yes");
    drift(machine.root());
    for line in ["audit", "install --yes", "status", "rollback --yes"] {
        text += &stream(&machine, &site, &format!("{line} --config SITE"));
    }
    let schema = serde_json::from_str(EVENTS_SCHEMA).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for line in text.lines() {
        let event = serde_json::from_str(line).unwrap();
        let errors = schema.iter_errors(&event).map(|error| error.to_string());
        assert_eq!(errors.collect::<Vec<_>>(), [""; 0], "{line}");
    }
    if env::var_os("RECORD").is_some_and(|value| value == "1") {
        let name = format!("tests/fixtures/events-v{FORMAT}.jsonl");
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(name), text).unwrap();
    }
}

#[test]
fn a_first_install_that_fails() {
    let machine = Machine::bare();
    let site = SiteFile::new(&SiteSpec {
        addons: false,
        modules: vec!["no_such_module"],
        ..SiteSpec::default()
    });
    let text = said(&machine, &site, "install --config SITE --yes", false);
    assert!(text.contains("exit: 3"), "{text}");
    let story = text.split_once("--- stderr\n").unwrap().1;
    insta::assert_snapshot!("failed_install", story);
    hold("failed_status", &machine, &site, "status --config SITE");
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
        hold(name, &machine, &site, "install --config SITE --yes");
    }
}
