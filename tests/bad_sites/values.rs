//! Values of the right type that are refused all the same, and several mistakes at once.

use super::counts;
use super::oracle::{GOOD, mistake, refused};

/// A section, a key, and its wrong values, each refused on its own.
const RANGES: &[(&str, &str, &[&str])] = &[
    ("http", "port", PORTS),
    ("http", "gevent_port", PORTS),
    (
        "http",
        "workers",
        &[
            "1",
            "-1",
            "-2",
            "513",
            "65536",
            "65537",
            "0x201",
            "0o1001",
            "0b1000000001",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775809",
            "1e3",
            "inf",
            "\"0\"",
            "\"2\"",
            "\"-1\"",
            "\"\"",
            "\"AUTO\"",
            "\"two\"",
            "\"auto \"",
        ],
    ),
    (
        "http",
        "interface",
        &[
            "\"localhost\"",
            "\"*\"",
            "\"0\"",
            "\"127.1\"",
            "\"256.0.0.1\"",
            "\"127.0.0.01\"",
            "\"127.0.0.1:8069\"",
            "\"127.0.0.1/8\"",
            "\"[::]\"",
            "\"fe80::1%eth0\"",
            "\":::\"",
            "\"eth0\"",
        ],
    ),
    (
        "site",
        "name",
        &[
            "\"Erp\"",
            "\"1erp\"",
            "\"_erp\"",
            "\"-erp\"",
            "\"erp.test\"",
            "\"erp erp\"",
            "\"erp/..\"",
            "\"..\"",
            "\"é\"",
            "\"abcdefghijklmnopqrstuvwxy\"",
            "\"root\"",
            "\"postgres\"",
            "\"www-data\"",
            "\"systemd-x\"",
            "\"erp;id\"",
            "\"erp\\\\n\"",
            "\"$(id)\"",
            "\"%n\"",
        ],
    ),
    (
        "site",
        "domain",
        &[
            "\"a..b\"",
            "\".a.b\"",
            "\"a.b.\"",
            "\"a_b.c\"",
            "\"-a.b\"",
            "\"a-.b\"",
            "\"a.b/c\"",
            "\"a.b:80\"",
            "\"a b.c\"",
            "\"10.0.0.1\"",
            "\"::1\"",
            "\"*.a.b\"",
            "\"ä.b\"",
            "\"a.7\"",
            "\"http://a.b\"",
            "\"me@a.b\"",
            "\"a.b;c\"",
            "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b\"",
        ],
    ),
    ("odoo", "database", NAMES),
    (
        "addons",
        "name",
        &[
            "\".\"", "\"..\"", "\"a/b\"", "\"/a\"", "\"-a\"", "\"_a\"", "\"a b\"", "\"a,b\"",
            "\"é\"", "\"a:b\"",
        ],
    ),
    ("odoo", "branch", BRANCHES),
    ("addons", "branch", BRANCHES),
    ("odoo", "commit", COMMITS),
    ("addons", "commit", COMMITS),
    ("odoo", "repository", REPOSITORIES),
    ("addons", "repository", REPOSITORIES),
    (
        "python",
        "installer",
        &["\"UV\"", "\"pip3\"", "\"poetry\"", "\"uv \"", "\"uv,pip\""],
    ),
    (
        "python",
        "index",
        &[
            "\"pypi.example.org\"",
            "\"//example.org\"",
            "\"https://\"",
            "\"https:///simple\"",
            "\"https://a b/c\"",
            "\"https://-a/b\"",
            "\"https://a:0/b\"",
            "\"https://a:65536/b\"",
            "\"https://a:x/b\"",
            "\"https://[::1/b\"",
            "\"https://ä/b\"",
            "\"file://a\"",
            "\"file:///\"",
            "\"ssh://a/b\"",
            "\"https://me@a/b\"",
            "\"--pre\"",
        ],
    ),
    (
        "python",
        "wheels",
        &[
            "\"a\"",
            "\"./a\"",
            "\"../a\"",
            "\"~/a\"",
            "\"~\"",
            "\"/a/..\"",
            "\"/../a\"",
            "\"file:///a\"",
            "\"$HOME\"",
        ],
    ),
    (
        "odoo",
        "modules",
        &[
            "[\"Sale\"]",
            "[\"sale-x\"]",
            "[\"sale x\"]",
            "[\"sale,stock\"]",
            "[\"all\"]",
            "[\"a\", \"a\"]",
            "[\"a.b\"]",
            "[\"../a\"]",
            "[\"-a\"]",
            "[\"a=b\"]",
        ],
    ),
    (
        "odoo",
        "version",
        &[
            "\"16.0\"",
            "\"8.0\"",
            "\"21.0\"",
            "\"19.1\"",
            "\"19.0.1\"",
            "\" 19.0\"",
            "\"19,0\"",
            "\"saas-18.4\"",
            "\"latest\"",
            "\"-19.0\"",
            "\"１９.0\"",
        ],
    ),
];

const PORTS: &[&str] = &[
    "0",
    "-1",
    "1",
    "22",
    "80",
    "443",
    "1023",
    "65536",
    "65537",
    "100000",
    "-8069",
    "0x50",
    "0xFFFFF",
    "0o17",
    "0b1",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "8069.0",
    "\"8069\"",
    "\"0\"",
    "8_0",
];
const NAMES: &[&str] = &[
    "\"postgres\"",
    "\"template0\"",
    "\"template1\"",
    "\".a\"",
    "\"_a\"",
    "\"a b\"",
    "\"a/b\"",
    "\"a'b\"",
    "\"a;b\"",
    "\"é\"",
    "\"a=b\"",
    "\"..\"",
    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
];
const BRANCHES: &[&str] = &[
    "\"-a\"",
    "\"a..b\"",
    "\"a b\"",
    "\"a~b\"",
    "\"a^b\"",
    "\"a:b\"",
    "\"a?b\"",
    "\"a*b\"",
    "\"a[b\"",
    "\"a\\\\b\"",
    "\"@\"",
    "\"a@{b\"",
    "\"/a\"",
    "\"a/\"",
    "\"a//b\"",
    "\"a.\"",
    "\".a\"",
    "\"a/.b\"",
    "\"a.lock\"",
    "\"a.lock/b\"",
];
const COMMITS: &[&str] = &[
    "\"HEAD\"",
    "\"abc\"",
    "\"abcd\"",
    "\"v19\"",
    "\"012345678901234567890123456789012345678\"",
    "\"01234567890123456789012345678901234567890\"",
    "\"g123456789012345678901234567890123456789\"",
    "\"--all\"",
];
const REPOSITORIES: &[&str] = &[
    "\"odoo\"",
    "\"./odoo\"",
    "\"/srv/odoo\"",
    "\"host:odoo\"",
    "\"ext::sh -c id\"",
    "\"fd::7\"",
    "\"-u\"",
    "\"http://a/b\"",
    "\"git://a/b\"",
    "\"ftp://a/b\"",
    "\"https://a\"",
    "\"https:///b\"",
    "\"https://a b/c\"",
    "\"https://a:x/b\"",
    "\"https://me:x@a/b\"",
    "\"ssh://a\"",
    "\"ssh://-a/b\"",
    "\"ssh://-a@b/c\"",
    "\"ssh://a:b@c/d\"",
    "\"git@a:\"",
    "\"git@a:-b\"",
    "\"-a@b:c\"",
    "\"git@-b:c\"",
    "\"file://a\"",
    "\"file:///\"",
    "\"HTTPS://a/b c\"",
];

#[test]
fn out_of_range() {
    let mut count = 0;
    for (section, key, values) in RANGES {
        let (before, line) = match (*section, *key) {
            ("odoo", "version") => ("[odoo]\n".to_owned(), 2),
            ("odoo", _) => (GOOD.to_owned(), 3),
            ("addons", "name") => (
                format!("{GOOD}[[addons]]\nrepository = \"https://a/b\"\n"),
                5,
            ),
            ("addons", "repository") => (format!("{GOOD}[[addons]]\nname = \"a\"\n"), 5),
            ("addons", _) => (
                format!("{GOOD}[[addons]]\nrepository = \"https://a/b\"\nname = \"a\"\n"),
                6,
            ),
            (section, _) => (format!("{GOOD}[{section}]\n"), 4),
        };
        for value in *values {
            let source = format!("{before}{key} = {value}\n");
            refused(
                &format!("[{section}] {key} = {value}"),
                &source,
                &[mistake(line, key, "")],
            );
            count += 1;
        }
    }
    counts::tell("bad configurations", "bad_sites_ranges", count);
}

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
