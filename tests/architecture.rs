//! Tests of the architecture: which top-level module may use which, and where printing, deleting and panics are
//! allowed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fall over"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules that each top-level module ("room") may use. Imports have one direction; a new edge needs a decision.
const EDGES: &[(&str, &[&str])] = &[
    ("check", &["event", "host", "odoo", "text"]),
    (
        "command",
        &[
            "check", "engine", "event", "host", "inspect", "odoo", "plan", "report", "resource",
            "site", "text",
        ],
    ),
    (
        "engine",
        &["check", "event", "host", "plan", "resource", "text"],
    ),
    ("event", &[]),
    ("gate", &["event", "host", "text"]),
    ("host", &["event"]),
    (
        "inspect",
        &[
            "engine", "event", "host", "odoo", "plan", "resource", "secret", "site", "text",
        ],
    ),
    ("odoo", &["host", "text"]),
    (
        "plan",
        &[
            "check", "host", "odoo", "resource", "secret", "site", "text",
        ],
    ),
    ("report", &["event", "text"]),
    ("resource", &["event", "gate", "host", "secret", "text"]),
    ("secret", &["gate", "host"]),
    ("site", &["host", "odoo", "secret", "text"]),
    ("text", &[]),
];

/// One source file: its top-level module, its path, and its code without comments and tests.
struct Source {
    room: String,
    path: PathBuf,
    code: String,
}

/// The source files below `folder`, without those that are compiled only for tests.
fn sources_in(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
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
    let tests = [
        "tests.rs",
        "report/schema.rs",
        "blueprint/reference.rs",
        "lib.rs",
        "main.rs",
    ];
    paths
        .into_iter()
        .filter(|path| !tests.iter().any(|name| path.ends_with(name)))
        .map(source)
        .collect()
}

fn sources() -> Vec<Source> {
    sources_in("src")
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

/// The identifiers that follow `prefix` in some code, also those in a group in braces.
fn words_after(prefix: &str, code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        let letters = text.trim_start().chars();
        letters
            .take_while(|c| c.is_ascii_lowercase() || *c == '_')
            .collect()
    };
    let mut used = BTreeSet::new();
    for rest in code.split(prefix).skip(1) {
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
        let mut used = words_after("crate::", &source.code);
        used.remove(&source.room);
        edges.entry(source.room).or_default().extend(used);
    }
    edges
}

#[test]
fn a_module_uses_only_modules_that_it_may_use() {
    let mut wrong = Vec::new();
    for (room, used) in edges() {
        let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == room) else {
            wrong.push(format!(
                "`{room}` is a new module: add it to EDGES with what it may use"
            ));
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
fn no_module_uses_command_and_only_command_uses_report() {
    for (room, used) in EDGES {
        assert!(!used.contains(&"command"), "{room}");
        let may = *room == "command";
        assert!(may || !used.contains(&"report"), "{room}");
    }
}

#[test]
fn top_level_modules_have_no_cycle() {
    let edges = EDGES.iter().map(|(room, used)| {
        let used = used.iter().map(|other| (*other).to_owned());
        ((*room).to_owned(), used.collect())
    });
    assert_eq!(circle_in(edges.collect()), [""; 0]);
}

/// The top-level modules that only group other modules: those must not have a cycle either.
const GROUPS: [&str; 6] = ["engine", "inspect", "odoo", "plan", "secret", "text"];

#[test]
fn modules_of_a_group_have_no_cycle() {
    for group in GROUPS {
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for source in sources().iter().filter(|source| source.room == group) {
            let path = source.path.to_str().unwrap();
            let Some((_, inside)) = path.split_once(&format!("/src/{group}/")) else {
                continue;
            };
            let module = inside.split('/').next().unwrap().trim_end_matches(".rs");
            let inner = source.code.replace(&format!("crate::{group}::"), "inner::");
            let mut used = words_after("inner::", &inner);
            used.remove(module);
            edges.entry(module.to_owned()).or_default().extend(used);
        }
        assert!(edges.len() > 1, "{group}");
        assert_eq!(circle_in(edges), [""; 0], "in {group}");
    }
}

/// Removes modules that use no remaining module until there are none. Returns the rest, which contains a cycle.
fn circle_in(mut edges: BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let free = |edges: &BTreeMap<String, BTreeSet<String>>| {
        let leaf = |used: &BTreeSet<String>| used.iter().all(|other| !edges.contains_key(other));
        let found = edges.iter().find(|(_, used)| leaf(used));
        found.map(|(room, _)| room.clone())
    };
    while let Some(leaf) = free(&edges) {
        edges.remove(&leaf);
    }
    edges.into_keys().collect()
}

/// Fails if a file has one of `words` and is not in `rooms`, which are top-level modules or ends of paths.
fn only_in(rooms: &[&str], words: &[&str]) {
    only_among(sources(), rooms, words);
}

fn only_among(sources: Vec<Source>, rooms: &[&str], words: &[&str]) {
    let mut wrong = Vec::new();
    for source in sources {
        let is_allowed = |room: &&str| source.room == *room || source.path.ends_with(room);
        if rooms.iter().any(is_allowed) {
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
    let words = ["print!(", "println!(", "stdout()", "stderr()"];
    only_in(&["report"], &words);
    only_among(sources_in("rehearse/src"), &[], &words);
}

/// Only the gate may delete or replace things for good. `host` has the primitives, which only the gate calls, and
/// `command/args.rs` has words that people type.
#[test]
fn only_the_gate_destroys() {
    only_in(
        &["command/args.rs", "gate", "host"],
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
fn only_the_command_line_knows_a_dry_run() {
    only_in(&["command"], &["dry_run"]);
}

#[test]
fn the_program_does_not_panic() {
    let words = [
        ".unwrap()",
        ".expect(",
        "panic!(",
        "todo!(",
        "unimplemented!(",
    ];
    only_in(&[], &words);
    only_among(sources_in("rehearse/src"), &[], &words);
}

/// The program's own folders have one definition.
#[test]
fn the_folders_of_the_program_are_named_once() {
    only_in(
        &["host/layout.rs"],
        &["\"/run/odoo-deploy", "\"/var/lib/odoo-deploy"],
    );
}
