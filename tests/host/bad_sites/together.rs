//! Settings that contradict each other, and several mistakes at once.

use super::counts;
use super::oracle::{GOOD, mistake, refused};

/// Each is fine without the other.
#[test]
fn contradictions() {
    let cases = [
        ("[http]\nport = 9000\ngevent_port = 9000", 3, "both `9000`"),
        ("[http]\ngevent_port = 9000\nport = 9000", 2, "both `9000`"),
        ("[http]\nport = 8072", 2, "both `8072`"),
        ("[http]\ngevent_port = 8069", 2, "both `8069`"),
        (
            "[http]\nworkers = 0\nproxy_mode = true",
            2,
            "`/websocket` dead",
        ),
        (
            "[http]\nproxy_mode = true\nworkers = 0",
            3,
            "`/websocket` dead",
        ),
        ("modules = [\"a\",\n\"b\",\n\"a\"]", 3, "named twice"),
        ("log_handlers = [\":INFO\",\n\":INFO\"]", 2, "named twice"),
        ("[postgres]\nport = 5433", 2, "`host` is missing"),
        ("[postgres]\nuser = \"erp\"", 2, "`host` is missing"),
        (
            "[postgres]\npassword = { file = \"/run/p\" }",
            2,
            "`host` is missing",
        ),
        ("[postgres]\nhost = \"db\"", 1, "`password` of `[postgres]`"),
        (
            "[postgres]\ntuning = true\nhost = \"db\"\npassword = { file = \"/run/p\" }",
            2,
            "`host` names another",
        ),
        (
            "[[addons]]\nname = \"a\"\nrepository = \"https://a/b\"\n[[addons]]\nname = \"a\"\nrepository = \"https://a/c\"",
            5,
            "named twice",
        ),
    ];
    for (added, line, part) in cases {
        refused(
            added,
            &format!("{GOOD}{added}\n"),
            &[mistake(line + 2, part, part)],
        );
    }
    counts::tell(
        "bad configurations",
        "bad_sites_contradictions",
        cases.len(),
    );
}

/// Mistakes that stand on lines of their own, by their section.
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

/// Every choice of sections with all of their mistakes: each one is told, and nothing else.
#[test]
fn many_at_once() {
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
