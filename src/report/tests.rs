//! Tests of whole reports, as people and programs read them, at 80 columns.
//!
//! Each file in `fixtures/` is a story: a list of events as `--json` prints them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use serde_json::Value;

use super::*;
use crate::event::change::Text;
use crate::event::{Event, Totals};

/// A stream that keeps what is written to it.
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

/// A pipe that its reader has closed.
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

/// A clock that advances by one second whenever it is read.
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

/// Parses the output of `--json`.
fn events(stream: &str) -> Vec<Event> {
    let event = |line| serde_json::from_str(line).unwrap();
    stream.lines().map(event).collect()
}

fn stream(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/fixtures");
    fs::read_to_string(folder.join(name).with_extension("jsonl")).unwrap()
}

fn story(name: &str) -> Vec<Event> {
    events(&stream(name))
}

/// The names of all stories.
fn stories() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/fixtures");
    let files = fs::read_dir(folder).unwrap();
    let name = |file: fs::DirEntry| file.path().file_stem().unwrap().display().to_string();
    files.map(|file| name(file.unwrap())).collect()
}

/// Compares the report of a story with its snapshots, with and without colours.
macro_rules! assert_page {
    ($name:literal) => {{
        let events = story($name);
        let (plain, colors) = (shown(Options::plain(), &events), shown(colored(), &events));
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
    assert_page!("bare-machine");
    assert_page!("settled");
    assert_page!("drift");
}

#[test]
fn long_texts_are_cut() {
    let new_file = |event| match event {
        Event::Planned(change) if change.step == "unit" => Some(change),
        _ => None,
    };
    let mut change = story("bare-machine")
        .into_iter()
        .find_map(new_file)
        .unwrap();
    let text = Text {
        before: String::new(),
        after: "line\n".repeat(61),
    };
    change.text = Some(text);
    let mut totals = Totals::default();
    totals.count(&change);
    let events = [Event::Planned(change), Event::Plan(totals)];
    let shown = shown(Options::plain(), &events);
    assert_eq!(shown.matches("      + line\n").count(), 60);
    assert!(
        shown.contains("      … and 1 more line\nPlan: 1 to create"),
        "{shown}"
    );
}

#[test]
fn runs() {
    assert_page!("rolled-back");
    assert_page!("rollback-incomplete");
    assert_page!("changed");
}

#[test]
fn where_the_time_went_is_told_to_those_who_ask() {
    let events = story("timings");
    assert_eq!(shown(Options::plain(), &events), "-- stdout\n-- stderr\n");
    let options = Options {
        timings: true,
        ..Options::plain()
    };
    insta::assert_snapshot!(shown(options, &events));
}

#[test]
fn refusals() {
    assert_page!("refused");
    assert_page!("bad-configuration");
    assert_page!("locked");
    assert_page!("unhealthy");
    assert_page!("interrupted");
}

#[test]
fn status() {
    assert_page!("status");
}

#[test]
fn findings() {
    assert_page!("findings");
}

#[test]
fn several_sites() {
    assert_page!("sites");
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
    for (number, event) in story("under-way").iter().enumerate() {
        // one second passes after the first event; before the fifth event the user is asked something
        match number {
            1 => human.tick(),
            4 => human.pause(),
            _ => {}
        }
        human.event(event);
    }
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
        for name in [
            "bare-machine",
            "drift",
            "status",
            "sites",
            "timings",
            "rolled-back",
        ] {
            let mut events = story(name);
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
        let text = shown(options, &story("drift"));
        assert!(text.is_ascii(), "{text}");
    }
}

#[test]
fn a_closed_pipe_does_not_stop_a_run() {
    let human = Human::new(
        Broken,
        Broken,
        Options {
            live: true,
            ..colored()
        },
    );
    let json = Json::new(Broken, noon);
    for event in stories().iter().flat_map(|name| story(name)) {
        human.event(&event);
        human.tick();
        json.event(&event);
    }
}

fn schema() -> Value {
    serde_json::from_str(EVENTS_SCHEMA).unwrap()
}

#[test]
fn every_line_matches_the_schema_and_needs_all_of_its_keys() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for name in stories() {
        for line in stream(&name).lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let errors = schema.iter_errors(&line).map(|error| error.to_string());
            assert_eq!(errors.collect::<Vec<_>>(), [""; 0], "{name}: {line}");
            for key in line.as_object().unwrap().keys() {
                let mut without = line.clone();
                without.as_object_mut().unwrap().remove(key);
                assert!(
                    !schema.is_valid(&without),
                    "{name}: {line} is valid without `{key}`"
                );
            }
        }
    }
}

/// Every kind of event needs a story.
#[test]
fn the_stories_have_every_event_of_the_schema() {
    let lines: String = stories().iter().map(|name| stream(name)).collect();
    let variants = schema()["oneOf"].clone();
    for variant in variants.as_array().unwrap() {
        let event = variant["properties"]["event"]["const"].to_string();
        assert!(lines.contains(&format!("\"event\":{event}")), "{event}");
    }
}

#[test]
fn parsed_events_are_printed_unchanged() {
    for name in stories() {
        let paper = Paper::default();
        let json = Json::new(paper.clone(), ticking());
        for event in story(&name) {
            json.event(&event);
        }
        assert_eq!(paper.text(), stream(&name), "{name}");
    }
}

/// The output of earlier versions must stay readable. Version 1 of the format printed this stream on the model
/// machine (`tests/model/commands.rs`).
#[test]
fn a_stream_of_the_first_version_is_read() {
    let stream = include_str!("../../tests/fixtures/events-v1.jsonl");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("events-v1", shown(Options::plain(), &events(stream)));
    });
}
