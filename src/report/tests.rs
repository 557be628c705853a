//! What people and programs read, as a whole, at 80 columns.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;
use crate::event::change::{Change, Text};
use crate::event::{Event, Outcome, SiteEnd, Timing, Totals};

/// Something to write to that can be read later.
#[derive(Clone, Default)]
struct Paper(Rc<RefCell<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone())
            .unwrap()
            .replace('\x1b', "␛")
    }
}

/// A pipe whose reader has gone.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_772_366_400)
}

/// A clock on which a second passes with every look.
fn ticking() -> impl Fn() -> SystemTime {
    let seconds = Cell::new(0);
    move || {
        seconds.set(seconds.get() + 1);
        noon() + Duration::from_secs(seconds.get())
    }
}

fn colored() -> Options {
    let terminal = Terminal {
        width: 80,
        color: true,
    };
    Options {
        stdout: terminal,
        stderr: terminal,
        ..Options::plain()
    }
}

fn shown(options: Options, events: &[Event]) -> String {
    let (out, err) = (Paper::default(), Paper::default());
    let human = Human::with_clock(out.clone(), err.clone(), options, ticking());
    for event in events {
        human.event(event);
    }
    format!("-- stdout\n{}-- stderr\n{}", out.text(), err.text())
}

fn step(step: &str, kind: &str, subject: &str, before: Value, after: Value) -> Change {
    let some = |state: Value| (!state.is_null()).then_some(state);
    Change {
        step: step.into(),
        kind: kind.into(),
        subject: subject.into(),
        summary: String::new(),
        before: some(before),
        after: some(after),
        forecast: false,
        causes: Vec::new(),
        text: None,
        leaves: None,
    }
}

fn plan(changes: Vec<Change>) -> Vec<Event> {
    use crate::event::change::Action;
    let mut totals = Totals::default();
    for change in &changes {
        match change.action() {
            Action::Create => totals.create += 1,
            Action::Change => totals.change += 1,
            Action::Remove => totals.remove += 1,
            Action::Nothing => totals.unchanged += 1,
        }
        totals.leaves.extend(change.leaves.clone());
    }
    let mut events: Vec<_> = changes.into_iter().map(Event::Planned).collect();
    events.push(Event::Plan(totals));
    events
}

const CONF: &str = "[options]\ndb_user = odoo\ndb_name = odoo\naddons_path = /opt/odoo/current/addons,/opt/odoo/current/odoo/addons,/opt/odoo/addons/oca-web\nhttp_interface = 127.0.0.1\nhttp_port = 8069\nworkers = 4\nproxy_mode = True\nlist_db = False\n";

const UNIT: &str = "[Unit]
After=postgresql.service

[Service]
User=odoo
ExecStart=/opt/odoo/current/venv/bin/odoo --config /etc/odoo.conf
";

fn digest(letter: char) -> String {
    letter.to_string().repeat(64)
}

fn forecast(change: Change) -> Change {
    Change {
        forecast: true,
        ..change
    }
}

fn bare_machine() -> Vec<Event> {
    let mut changes = ground();
    changes.extend(odoo());
    plan(changes)
}

fn ground() -> Vec<Change> {
    vec![
        Change {
            summary: "git, postgresql, python3-venv and 82 more (61 MB to download)".into(),
            leaves: Some("downloaded packages in apt's cache".into()),
            ..step(
                "packages",
                "packages",
                "",
                Value::Null,
                json!({"git": "1:2.43.0", "postgresql": "16", "python3-venv": "3.12"}),
            )
        },
        step(
            "locale",
            "file",
            "/etc/locale.gen",
            json!({"mode": "0644"}),
            json!({"mode": "0644"}),
        ),
        step(
            "user",
            "user",
            "odoo",
            Value::Null,
            json!({"uid": null, "home": "/var/lib/odoo", "shell": "/usr/sbin/nologin", "groups": []}),
        ),
        forecast(step(
            "data",
            "directory",
            "/var/lib/odoo",
            Value::Null,
            json!({"owner": "odoo", "group": "odoo", "mode": "0750"}),
        )),
        forecast(step(
            "role",
            "role",
            "odoo",
            Value::Null,
            json!({"login": true, "createdb": true, "superuser": false}),
        )),
    ]
}

fn odoo() -> Vec<Change> {
    vec![
        forecast(Change {
            summary: "branch 19.0 of https://github.com/odoo/odoo.git at 0123456789ab, shallow"
                .into(),
            ..step(
                "odoo",
                "checkout",
                "/opt/odoo/releases/0123456789ab",
                Value::Null,
                json!({"commit": "0123456789abcdef0123456789abcdef01234567"}),
            )
        }),
        forecast(step(
            "venv",
            "venv",
            "/opt/odoo/venvs/aaaaaaaaaaaa",
            Value::Null,
            json!({"digest": digest('a'), "python": "3.12"}),
        )),
        forecast(step(
            "current",
            "link",
            "/opt/odoo/current",
            Value::Null,
            json!("/opt/odoo/releases/0123456789ab"),
        )),
        forecast(Change {
            text: Some(Text {
                before: String::new(),
                after: CONF.into(),
            }),
            ..step(
                "conf",
                "file",
                "/etc/odoo.conf",
                Value::Null,
                json!({"owner": "root", "group": "odoo", "mode": "0640", "digest": digest('c')}),
            )
        }),
        Change {
            summary: "root:root 0644".into(),
            text: Some(Text {
                before: String::new(),
                after: UNIT.into(),
            }),
            ..step(
                "unit",
                "file",
                "/etc/systemd/system/odoo.service",
                Value::Null,
                json!({"owner": "root", "digest": digest('d')}),
            )
        },
        forecast(Change {
            leaves: Some("the roles' statistics.".into()),
            ..step(
                "database",
                "database",
                "odoo",
                Value::Null,
                json!({"modules": ["base", "sale_management", "stock", "account", "web", "mail", "crm", "contacts", "project", "hr", "website"]}),
            )
        }),
        forecast(step(
            "service",
            "service",
            "odoo.service",
            Value::Null,
            json!({"enabled": true, "active": true, "stale": null}),
        )),
    ]
}

fn settled() -> Vec<Event> {
    plan(
        ["packages", "user", "conf"]
            .into_iter()
            .map(|id| step(id, "x", id, json!({"a": 1}), json!({"a": 1})))
            .collect(),
    )
}

fn drift() -> Vec<Event> {
    let same = |id: &str| step(id, "x", id, json!({}), json!({}));
    let mut steps: Vec<Change> = [
        "user",
        "data",
        "cache",
        "sessions",
        "odoo",
        "addons-oca-web",
        "addons-oca-server-tools",
    ]
    .map(same)
    .into();
    let installed = |names: &[&str]| -> Value {
        names
            .iter()
            .map(|name| ((*name).to_owned(), json!("1.0")))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    steps.extend([
        step(
            "packages",
            "packages",
            "2 packages",
            installed(&["git", "libpq-dev"]),
            installed(&["git", "python3-venv", "libpq-dev", "fonts-noto-cjk"]),
        ),
        step(
            "role",
            "role",
            "odoo",
            json!({"login": true, "createdb": true, "superuser": true}),
            json!({"login": true, "createdb": true, "superuser": false}),
        ),
        Change {
            text: Some(Text {
                before: CONF
                    .replace("workers = 4", "workers = 2")
                    .replace("list_db = False\n", ""),
                after: CONF.into(),
            }),
            ..step(
                "conf",
                "file",
                "/etc/odoo.conf",
                json!({"mode": "0644", "owner": "root", "digest": digest('b')}),
                json!({"mode": "0640", "owner": "root", "digest": digest('c')}),
            )
        },
        step(
            "venv",
            "venv",
            "/opt/odoo/venvs/current",
            json!({"digest": digest('a')}),
            json!({"digest": digest('b')}),
        ),
        Change {
            causes: vec!["conf".into(), "venv".into()],
            forecast: true,
            ..step(
                "service",
                "service",
                "odoo.service",
                json!({"active": true, "stale": "conf"}),
                json!({"active": true, "stale": null}),
            )
        },
        step(
            "old-site",
            "link",
            "/etc/nginx/sites-enabled/default",
            json!("/etc/nginx/sites-available/default"),
            Value::Null,
        ),
    ]);
    plan(steps)
}

fn began(step: &str, subject: &str, number: usize, causes: &[&str]) -> Event {
    let causes = causes.iter().map(|cause| (*cause).to_owned()).collect();
    Event::StepBegan {
        step: step.into(),
        subject: subject.into(),
        number,
        total: 18,
        causes,
    }
}

fn done(step: &str, subject: &str, seconds: f64) -> Event {
    Event::StepDone {
        step: step.into(),
        subject: subject.into(),
        seconds,
    }
}

fn ended(outcome: Outcome, exit_code: u8, error: Option<&str>, next: Option<&str>) -> Event {
    Event::Ended {
        outcome,
        exit_code,
        error: error.map(Into::into),
        next: next.map(Into::into),
    }
}

fn kept() -> Event {
    Event::Kept {
        step: "data".into(),
        subject: "/var/lib/odoo".into(),
        reason: "it is not empty: 3 files were put there after the run began".into(),
    }
}

const UV: &str = "building /opt/odoo/venvs/aaaaaaaaaaaa: `uv pip install` ended with exit code 1\n  × Failed to build `python-ldap==3.4.4`\n  ╰─▶ lber.h: No such file or directory";

fn run_that_fails(ending: Event) -> Vec<Event> {
    let mut events = vec![
        Event::Began {
            command: "install".into(),
            site: "odoo".into(),
            run: Some(7),
        },
        began(
            "packages",
            "git, postgresql, python3-venv and 82 more",
            1,
            &[],
        ),
        done(
            "packages",
            "git, postgresql, python3-venv and 82 more",
            74.25,
        ),
        began("conf", "/etc/odoo.conf", 9, &[]),
        began("venv", "/opt/odoo/venvs/aaaaaaaaaaaa", 8, &[]),
        Event::Waiting {
            what: "another program to let go of apt's lock (pid 812, unattended-upgr)".into(),
            at_most: 600,
        },
        done("conf", "/etc/odoo.conf", 0.04),
        Event::Note {
            text: "the index answers slowly".into(),
        },
        Event::StepFailed {
            step: "venv".into(),
            error: UV.into(),
        },
        Event::Undone {
            step: "conf".into(),
            subject: "/etc/odoo.conf".into(),
        },
        kept(),
    ];
    if matches!(
        ending,
        Event::Ended {
            outcome: Outcome::RollbackIncomplete,
            ..
        }
    ) {
        events.push(Event::UndoFailed {
            step: "packages".into(),
            error: "`apt-get remove` ended with exit code 100\nE: dpkg was interrupted".into(),
        });
    } else {
        events.push(Event::Undone {
            step: "packages".into(),
            subject: "85 packages".into(),
        });
    }
    events.push(ending);
    events
}

fn rolled_back() -> Event {
    ended(
        Outcome::RolledBack,
        3,
        Some(&format!("step `venv`: {UV}")),
        Some("odoo-deploy install --config site.toml"),
    )
}

fn status() -> Vec<Event> {
    vec![
        Event::Status {
            facts: json!({
                "site": "odoo", "version": "19.0", "healthy": true, "workers": 4, "last failure": null,
                "modules": ["account", "sale_management", "stock", "website", "crm", "project", "hr", "mail", "web"],
                "service": {"active": true, "since": "2026-03-01 12:00:00 UTC", "memory": "612 MB"},
                "runs": [{"run": 1, "outcome": "rolled back"}, {"run": 2, "outcome": "committed"}],
            }),
        },
        ended(Outcome::Unchanged, 0, None, None),
    ]
}

macro_rules! assert_page {
    ($name:literal, $events:expr) => {{
        let (plain, colors) = (shown(Options::plain(), &$events[..]), shown(colored(), &$events[..]));
        let mut uncolored = String::new();
        for piece in colors.split('␛') {
            uncolored.push_str(if uncolored.is_empty() { piece } else { piece.split_once('m').unwrap().1 });
        }
        assert_eq!(uncolored, plain, "colours change nothing but colours");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, plain);
            insta::assert_snapshot!(concat!($name, "-colors"), colors);
        });
    }};
}

#[test]
fn plans() {
    assert_page!("bare-machine", bare_machine());
    assert_page!("settled", settled());
    assert_page!("drift", drift());
}

#[test]
fn long_texts_are_cut() {
    let after = "line\n".repeat(61);
    let text = Some(Text {
        before: String::new(),
        after,
    });
    let change = Change {
        text,
        ..step("unit", "file", "/x", Value::Null, json!({"digest": "x"}))
    };
    let shown = shown(Options::plain(), &plan(vec![change]));
    assert_eq!(shown.matches("      + line\n").count(), 60);
    assert!(
        shown.contains("      … and 1 more line\nPlan: 1 to create"),
        "{shown}"
    );
}

#[test]
fn runs() {
    assert_page!("rolled-back", run_that_fails(rolled_back()));
    assert_page!(
        "rollback-incomplete",
        run_that_fails(ended(
            Outcome::RollbackIncomplete,
            4,
            None,
            Some("odoo-deploy rollback --run 7")
        ))
    );
    assert_page!(
        "changed",
        [
            Event::Began {
                command: "install".into(),
                site: "odoo".into(),
                run: Some(8)
            },
            began("service", "odoo.service", 18, &["conf"]),
            Event::Waiting {
                what: "http://127.0.0.1:8069/web/health".into(),
                at_most: 120
            },
            done("service", "odoo.service", 3.44),
            Event::Checked {
                check: "http://127.0.0.1:8069/web/health answers 200".into(),
                passed: true,
                detail: None
            },
            ended(
                Outcome::Changed,
                0,
                None,
                Some("open https://erp.example.org")
            ),
        ]
    );
}

fn timings() -> Event {
    let step = |step: &str, waiting, running, path| Timing {
        step: step.into(),
        waiting,
        running,
        path,
    };
    Event::Timings {
        steps: vec![
            step("lists", 0.0, 3.25, 3.25),
            step("packages", 12.5, 71.0, 80.25),
            step(
                "source-a-name-as-long-as-names-may-well-become",
                12.5,
                40.0,
                0.0,
            ),
            step("database", 100.0, 3600.0, 3616.5),
        ],
    }
}

#[test]
fn where_the_time_went_is_told_to_those_who_ask() {
    assert_eq!(
        shown(Options::plain(), &[timings()]),
        "-- stdout\n-- stderr\n"
    );
    let options = Options {
        timings: true,
        ..Options::plain()
    };
    insta::assert_snapshot!(shown(options, &[timings()]));
}

#[test]
fn refusals() {
    assert_page!(
        "refused",
        [
            Event::Began {
                command: "install".into(),
                site: "odoo".into(),
                run: None
            },
            ended(
                Outcome::Refused,
                1,
                Some(
                    "Odoo 19.0 needs PostgreSQL 13 or later, and Debian 10 brings 11: such a pair has never worked"
                ),
                Some("upgrade the server to Debian 12, or name another server under `[postgres]`")
            ),
        ]
    );
    assert_page!(
        "bad-configuration",
        [ended(
            Outcome::Refused,
            78,
            Some(
                "error: unknown key `verison`\n --> site.toml:2:1\n  |\n2 | verison = \"19.0\"\n  | ^^^^^^^ did you mean `version`?\n"
            ),
            None
        )]
    );
    assert_page!(
        "locked",
        [ended(
            Outcome::Locked,
            6,
            Some("`odoo` is being changed by process 812 since 12:00:00 UTC"),
            None
        )]
    );
    assert_page!(
        "unhealthy",
        [
            Event::Checked {
                check: "http://127.0.0.1:8069/web/health answers 200".into(),
                passed: false,
                detail: Some("it answers 502".into())
            },
            ended(
                Outcome::Unhealthy,
                5,
                None,
                Some("journalctl -u odoo.service -n 50")
            ),
        ]
    );
    assert_page!(
        "interrupted",
        [
            began("packages", "85 packages", 1, &[]),
            ended(Outcome::Interrupted, 130, None, Some("odoo-deploy install"))
        ]
    );
}

#[test]
fn standing() {
    assert_page!("status", status());
}

#[test]
fn what_is_wrong_beside_the_plan() {
    use crate::event::{Found, Weight};
    let finding = |what: &str, weight, found| Event::Finding {
        what: what.into(),
        hint: "type this, which is so long that it goes on in the next line".into(),
        weight,
        found,
    };
    assert_page!(
        "findings",
        [
            finding("`a` is not loaded", Weight::Site, Found::Now),
            finding("`b` is full", Weight::Host, Found::Before),
            finding("`c` ends on 1 May", Weight::Soon, Found::Still),
            finding("`d` is not loaded", Weight::Site, Found::New),
        ]
    );
}

#[test]
fn one_site_after_the_other() {
    assert_page!("sites", several());
}

#[test]
fn the_terminal_shows_what_is_under_way() {
    let options = Options {
        live: true,
        stderr: Terminal {
            width: 40,
            color: false,
        },
        ..Options::plain()
    };
    let err = Paper::default();
    let human = Human::with_clock(Paper::default(), err.clone(), options, ticking());
    human.event(&began("venv", "/opt/odoo/venvs/aaaaaaaaaaaa", 3, &[]));
    human.tick();
    human.event(&began("odoo", "/opt/odoo/releases/0123456789ab", 4, &[]));
    human.event(&done("odoo", "/opt/odoo", 2.0));
    human.event(&Event::Waiting {
        what: "the index".into(),
        at_most: 60,
    });
    human.pause();
    human.event(&done("venv", "/opt/odoo/venvs", 3.4));
    human.event(&ended(Outcome::Changed, 0, None, None));
    let lines = err.text().replace("\r␛[2K", "\n⏎");
    insta::assert_snapshot!(lines, @r"

    ⏎[ 3/18] venv  0 s  /opt/odoo/venvs/aaa…
    ⏎[ 3/18] venv  1 s  /opt/odoo/venvs/aaa…
    ⏎
    ⏎[ 3/18] venv  2 s, odoo  0 s
    ⏎[ 4/18] odoo  /opt/odoo  2 s

    ⏎[ 3/18] venv  3 s  /opt/odoo/venvs/aaa…
    ⏎
    ⏎waiting 0 s of 1 min  the index
    ⏎[ 3/18] venv  /opt/odoo/venvs  3.4 s
    ");
}

#[test]
fn narrow_and_poor_terminals_are_respected() {
    for width in [1, 10, 20, 40, 60, 79] {
        let terminal = Terminal {
            width,
            color: false,
        };
        let options = Options {
            stdout: terminal,
            stderr: terminal,
            unicode: false,
            live: false,
            timings: true,
        };
        for mut events in [
            bare_machine(),
            drift(),
            status(),
            several(),
            vec![timings()],
            run_that_fails(ended(Outcome::Failed, 1, None, None)),
        ] {
            for event in &mut events {
                if let Event::Ended { next, .. } = event {
                    *next = None;
                }
            }
            for line in shown(options, &events)
                .lines()
                .filter(|line| !line.starts_with("  | ") && !line.starts_with("-- "))
            {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
        let text = shown(options, &drift());
        assert!(text.is_ascii(), "{text}");
    }
}

#[test]
fn a_reader_that_has_gone_stops_nothing() {
    let human = Human::new(
        Broken,
        Broken,
        Options {
            live: true,
            ..colored()
        },
    );
    let json = Json::new(Broken, noon);
    for event in [bare_machine(), run_that_fails(rolled_back()), status()].concat() {
        human.event(&event);
        human.tick();
        json.event(&event);
    }
}

/// Two of three sites that end, and a third that was not begun.
fn several() -> Vec<Event> {
    let configs = [
        "/srv/sites/one.toml",
        "/srv/sites/two.toml",
        "/srv/sites/three.toml",
    ];
    let begin = |number: usize| Event::SiteBegan {
        config: configs[number - 1].into(),
        number,
        total: 3,
    };
    let end = |number: usize, outcome, exit_code| SiteEnd {
        config: configs[number - 1].into(),
        outcome,
        exit_code,
    };
    let mut events = vec![begin(1)];
    events.extend(run_that_fails(rolled_back()));
    events.push(begin(2));
    events.push(ended(
        Outcome::Refused,
        78,
        Some("`two.toml` is empty"),
        None,
    ));
    events.push(Event::SitesEnded {
        sites: vec![
            end(1, Outcome::RolledBack, 3),
            end(2, Outcome::Refused, 78),
            end(3, Outcome::Interrupted, 130),
        ],
        exit_code: 130,
    });
    events
}

/// One event of every variant; a new one does not compile until it is here.
fn one_of_each() -> Vec<Event> {
    let all: Vec<Event> = [
        bare_machine(),
        run_that_fails(ended(Outcome::RollbackIncomplete, 4, Some("x"), None)),
        status(),
    ]
    .concat();
    let checked = Event::Checked {
        check: "port 8069".into(),
        passed: false,
        detail: Some("closed".into()),
    };
    let found = Event::Finding {
        what: "the disk of `/` is full".into(),
        hint: "make room".into(),
        weight: crate::event::Weight::Host,
        found: crate::event::Found::Now,
    };
    let mut seen = [false; 18];
    let all = all
        .into_iter()
        .chain(several())
        .chain([timings(), found, checked]);
    let chosen = all.filter(|event| {
        let place = match event {
            Event::Began { .. } => 0,
            Event::Planned(_) => 1,
            Event::Plan(_) => 2,
            Event::StepBegan { .. } => 3,
            Event::StepDone { .. } => 4,
            Event::StepFailed { .. } => 5,
            Event::Waiting { .. } => 6,
            Event::Note { .. } => 7,
            Event::Checked { .. } => 8,
            Event::Undone { .. } => 9,
            Event::Kept { .. } => 10,
            Event::UndoFailed { .. } => 11,
            Event::Status { .. } => 12,
            Event::Ended { .. } => 13,
            Event::SiteBegan { .. } => 14,
            Event::SitesEnded { .. } => 15,
            Event::Timings { .. } => 16,
            Event::Finding { .. } => 17,
        };
        !std::mem::replace(&mut seen[place], true)
    });
    let chosen = chosen.collect();
    assert_eq!(seen, [true; 18]);
    chosen
}

#[test]
fn programs_read_one_object_per_line() {
    let paper = Paper::default();
    let json = Rc::new(Json::new(paper.clone(), noon));
    let events = json.events();
    for event in one_of_each() {
        events.tell(event);
    }
    let schema: Value = serde_json::from_str(EVENTS_SCHEMA).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let text = paper.text();
    assert_eq!(text.lines().count(), 18);
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<_> = schema
            .iter_errors(&line)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{line}: {errors:?}");
        for key in line.as_object().unwrap().keys() {
            let mut without = line.clone();
            without.as_object_mut().unwrap().remove(key);
            assert!(
                !schema.is_valid(&without),
                "{line} is as valid without `{key}`"
            );
        }
    }
    insta::assert_snapshot!(text.lines().last().unwrap(), @r#"{"format":1,"time":"2026-03-01T12:00:00.000Z","event":"checked","check":"port 8069","passed":false,"detail":"closed"}"#);
}
