//! The house stays as it was drawn: which room may use which, who prints, who may fall over.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fall over"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms each room may use. Imports point one way; a new edge is a decision.
const EDGES: &[(&str, &[&str])] = &[
    ("access", &["gate", "host"]),
    (
        "apply",
        &[
            "blueprint",
            "check",
            "error",
            "event",
            "host",
            "journal",
            "observe",
            "plan",
            "resource",
            "stop",
        ],
    ),
    (
        "blueprint",
        &[
            "access",
            "check",
            "diagnostic",
            "distribution",
            "facts",
            "host",
            "modules",
            "pairing",
            "plan",
            "playbook",
            "release",
            "requirements",
            "resolve",
            "resource",
            "site",
            "sizing",
            "source",
            "template",
            "wkhtmltopdf",
        ],
    ),
    ("change", &[]),
    ("check", &["error", "event", "host", "modules"]),
    ("cli", &["report"]),
    (
        "command",
        &[
            "apply",
            "blueprint",
            "change",
            "check",
            "cli",
            "error",
            "event",
            "facts",
            "finding",
            "graph",
            "host",
            "journal",
            "observe",
            "plan",
            "preflight",
            "rehearse",
            "report",
            "resource",
            "rollback",
            "site",
            "source",
            "stop",
        ],
    ),
    ("diagnostic", &[]),
    ("diff", &[]),
    ("distribution", &["diagnostic", "reader", "release"]),
    ("error", &[]),
    ("event", &["change"]),
    ("facts", &["distribution", "host"]),
    (
        "finding",
        &[
            "error", "event", "facts", "host", "modules", "plan", "resource", "site", "sql",
        ],
    ),
    ("gate", &["event", "host", "sql"]),
    ("graph", &["change"]),
    ("host", &["event", "stop"]),
    ("journal", &["host", "resource"]),
    ("modules", &["diagnostic", "host"]),
    ("observe", &["change", "event", "host", "plan", "resource"]),
    ("pairing", &["distribution", "release"]),
    ("password", &["host"]),
    ("plan", &["check", "resource"]),
    ("playbook", &["diagnostic", "reader", "template"]),
    (
        "preflight",
        &[
            "access",
            "change",
            "error",
            "facts",
            "finding",
            "host",
            "modules",
            "observe",
            "pairing",
            "plan",
            "release",
            "resource",
            "site",
            "sql",
            "wkhtmltopdf",
        ],
    ),
    ("reader", &["diagnostic"]),
    ("rehearse", &[]),
    ("release", &["diagnostic", "reader"]),
    ("report", &["change", "diff", "event"]),
    ("requirements", &[]),
    ("resolve", &["access", "host"]),
    (
        "resource",
        &[
            "access", "change", "diff", "event", "gate", "host", "password", "sql",
        ],
    ),
    (
        "rollback",
        &[
            "change", "error", "event", "host", "journal", "resource", "stop",
        ],
    ),
    (
        "site",
        &[
            "access",
            "diagnostic",
            "password",
            "reader",
            "release",
            "source",
        ],
    ),
    ("sizing", &[]),
    ("source", &[]),
    ("sql", &[]),
    ("stop", &[]),
    ("template", &["diagnostic"]),
    ("wkhtmltopdf", &["release", "site"]),
];

/// One file of the program: its room, its path, and its code without comments and tests.
struct Source {
    room: String,
    path: PathBuf,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    let source = |path: PathBuf| {
        let inside = path.strip_prefix(&root).unwrap();
        let first = inside.components().next().unwrap().as_os_str();
        let room = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let code = lines.collect::<Vec<_>>().join("\n");
        Source { room, path, code }
    };
    // rooms of their own, or compiled for tests alone
    let tests = ["tests.rs", "report/schema.rs", "lib.rs", "main.rs"];
    paths
        .into_iter()
        .filter(|path| !tests.iter().any(|name| path.ends_with(name)))
        .map(source)
        .collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|e| e == "rs") {
            paths.push(path);
        }
    }
}

/// The rooms that are named after `crate::` in some code.
fn rooms_used(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        let letters = text.trim_start().chars();
        letters
            .take_while(|c| c.is_ascii_lowercase() || *c == '_')
            .collect()
    };
    let mut used = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            used.insert(word(rest));
            continue;
        };
        let (mut depth, mut part) = (1, String::new());
        for letter in group.chars() {
            depth += i32::from(letter == '{') - i32::from(letter == '}');
            if depth == 0 || (depth == 1 && letter == ',') {
                used.insert(word(&part));
                part.clear();
            } else {
                part.push(letter);
            }
            if depth == 0 {
                break;
            }
        }
    }
    used.remove("");
    used
}

fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let mut used = rooms_used(&source.code);
        used.remove(&source.room);
        edges.entry(source.room).or_default().extend(used);
    }
    edges
}

#[test]
fn no_room_uses_another_that_it_may_not() {
    let mut wrong = Vec::new();
    for (room, used) in edges() {
        let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == room) else {
            wrong.push(format!("`{room}` is a new room: say what it may use"));
            continue;
        };
        let forbidden = used
            .iter()
            .filter(|other| !allowed.contains(&other.as_str()));
        wrong.extend(forbidden.map(|other| format!("`{room}` uses `{other}`")));
    }
    assert!(wrong.is_empty(), "new edges:\n{}", wrong.join("\n"));
}

#[test]
fn nobody_uses_the_commands_and_only_these_use_the_report() {
    for (room, used) in EDGES {
        assert!(!used.contains(&"command"), "{room}");
        let may = ["command", "cli"].contains(room);
        assert!(may || !used.contains(&"report"), "{room}");
    }
}

#[test]
fn there_is_no_way_round_in_a_circle() {
    let mut left: BTreeMap<&str, BTreeSet<&str>> = EDGES
        .iter()
        .map(|(room, used)| (*room, used.iter().copied().collect()))
        .collect();
    while let Some(leaf) = left
        .iter()
        .find(|(_, used)| used.iter().all(|other| !left.contains_key(other)))
        .map(|(room, _)| *room)
    {
        left.remove(leaf);
    }
    assert!(left.is_empty(), "a circle among {:?}", left.keys());
}

/// Fails where a file outside `rooms` has one of `words`.
fn only_in(rooms: &[&str], words: &[&str]) {
    let mut wrong = Vec::new();
    for source in sources() {
        if rooms.contains(&source.room.as_str()) {
            continue;
        }
        for line in source.code.lines() {
            let code = line.split(" //").next().unwrap();
            wrong.extend(
                words
                    .iter()
                    .filter(|word| code.contains(**word))
                    .map(|word| format!("{}: `{word}` in {}", source.path.display(), line.trim())),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_report_prints() {
    only_in(
        &["report"],
        &["print!(", "println!(", "stdout()", "stderr()"],
    );
}

/// What takes something away for good. The host has the primitives, which the gate alone calls; a rehearsal's machines
/// are its own. The command line knows words alone.
#[test]
fn only_the_gate_destroys() {
    only_in(
        &["cli", "gate", "host", "rehearse"],
        &[
            "remove_tree(",
            "remove_file(",
            "remove_dir",
            ".rename(",
            "fs::rename",
            "drop database",
            "drop role",
            "drop owned",
            "drop schema",
            "\"rm\"",
            "\"rmdir\"",
            "\"unlink\"",
            "\"userdel\"",
            "\"groupdel\"",
            "\"--no-auto-remove\"",
            "\"purge\"",
            "\"autoremove\"",
            "\"pg_dropcluster\"",
            "-delete",
            "\"delete\"",
        ],
    );
}

#[test]
fn a_dry_run_is_a_matter_of_the_command_line() {
    only_in(&["command", "cli"], &["dry_run"]);
}

#[test]
fn the_program_does_not_fall_over() {
    only_in(
        &[],
        &[
            ".unwrap()",
            ".expect(",
            "panic!(",
            "todo!(",
            "unimplemented!(",
        ],
    );
}
