//! Several mistakes in one file.

use super::counts;
use super::oracle::{GOOD, mistake, refused};

/// Sections, and mistakes of one line each.
const LINES: [(&str, &[(&str, &str)]); 5] = [
    (
        "[site]",
        &[
            ("name = \"Erp\"", "name for a site"),
            ("domain = 7", "found the number"),
            ("domian = \"a.b\"", "did you mean"),
        ],
    ),
    (
        "[python]",
        &[
            ("installer = \"pipx\"", "did you mean"),
            ("index = \"x\"", "package index"),
            ("wheels = []", "found a list"),
        ],
    ),
    (
        "[apt]",
        &[
            ("upgrade = \"yes\"", "found a string"),
            ("update = true", "unknown key"),
            ("colour = 1", "unknown key"),
        ],
    ),
    (
        "[http]",
        &[
            ("interface = \"x\"", "IP address"),
            ("port = 80", "privilege"),
            ("workers = 1", "PDF"),
            ("proxy_mode = 1", "found the number"),
        ],
    ),
    (
        "[[addons]]",
        &[
            ("name = \"..\"", "folder of addons"),
            ("repository = \"x\"", "not a repository"),
            ("branch = \"-x\"", "not a branch"),
            ("commit = \"x\"", "not a commit"),
        ],
    ),
];

/// Every choice of sections with all of their mistakes: each mistake is told, and nothing else.
#[test]
fn all_mistakes_are_told_at_once() {
    let mut count = 0;
    for chosen in 1_usize..1 << LINES.len() {
        let mut source = GOOD.to_owned();
        let mut mistakes = Vec::new();
        for (at, (section, lines)) in LINES.iter().enumerate() {
            if chosen & (1 << at) == 0 {
                continue;
            }
            source.push_str(section);
            source.push('\n');
            for (line, part) in *lines {
                source.push_str(line);
                source.push('\n');
                mistakes.push(mistake(source.lines().count(), line, part));
            }
        }
        refused(&format!("sections {chosen:05b}"), &source, &mistakes);
        count += 1;
    }
    counts::tell("bad configurations", "bad_sites_many", count);
}
