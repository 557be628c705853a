//! Any value in a site is either refused, or reaches its file unchanged and changes nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use odoo_deploy::resource::AnyResource;
use odoo_deploy::site::Site;
use serde_json::Value;
use support::counts;
use support::site::plan_of;

/// Texts with a meaning for one of the programs that read our files.
const PAYLOADS: [&str; 40] = [
    "\n",
    "\r",
    "\r\n",
    "\0",
    "%",
    "%%",
    "%(db_name)s",
    "%n",
    "$",
    "$HOME",
    "$(id)",
    "`id`",
    ";",
    "#",
    "&& id",
    "| id",
    "> /etc/passwd",
    "[options]",
    "\n[options]\nadmin_passwd = admin",
    "'",
    "\"",
    "'; drop database postgres; --",
    "\\",
    "\\\n",
    "-",
    "--upload-pack=id",
    " ",
    "\t",
    "../",
    "/etc/shadow",
    "\u{202e}",
    "\u{200b}",
    "\u{2028}",
    "\u{85}",
    "\u{1f4a5}",
    "e\u{301}",
    "{{ 7*7 }}",
    "{% raw %}",
    "ext::sh -c id",
    "\u{1b}[2J",
];

/// The fields that take text: section, key, and a valid value that occurs nowhere else.
const FIELDS: [(&str, &str, &str); 38] = [
    ("site", "name", "zqx"),
    ("site", "domain", "zqx.example.org"),
    ("odoo", "version", "19.0"),
    ("odoo", "repository", "https://zqx.example.org/a"),
    ("odoo", "branch", "zqx"),
    ("odoo", "commit", "0123456789012345678901234567890123456789"),
    ("odoo", "database", "zqx"),
    ("odoo", "modules", "zqx"),
    ("odoo", "language", "zqx_ZQ"),
    ("odoo", "languages", "zqx_ZQ"),
    ("odoo", "country", "ZQ"),
    ("odoo", "company", "zqx"),
    ("odoo", "log_handlers", "zqx:DEBUG"),
    ("addons", "name", "zqx"),
    ("addons", "repository", "https://zqx.example.org/a"),
    ("addons", "branch", "zqx"),
    (
        "addons",
        "commit",
        "0123456789012345678901234567890123456789",
    ),
    ("python", "installer", "pip"),
    ("python", "index", "https://zqx.example.org/simple"),
    ("python", "wheels", "/srv/zqx"),
    ("http", "interface", "127.0.0.1"),
    ("http", "workers", "auto"),
    ("proxy", "certificate", "/etc/zqx.crt"),
    ("proxy", "key", "/etc/zqx.key"),
    ("proxy", "email", "zqx@example.org"),
    ("postgres", "host", "zqx.example.org"),
    ("postgres", "user", "zqx"),
    ("postgres", "sslmode", "require"),
    ("postgres", "root_certificate", "/srv/zqx.pem"),
    ("ssh", "url", "ssh://git@zqx.example.org/a"),
    ("token", "file", "/srv/zqx"),
    ("token", "env", "zqx"),
    ("token", "credential", "zqx"),
    ("token", "user", "zqx"),
    ("key", "file", "/srv/zqx"),
    ("key", "known_hosts", "/srv/zqx"),
    ("wkhtmltopdf", "file", "/srv/zqx.deb"),
    ("wkhtmltopdf", "url", "https://zqx.example.org/w.deb"),
];

/// A site with `value` in one field.
fn site(section: &str, key: &str, value: &str) -> String {
    let quoted = toml::Value::String(value.to_owned()).to_string();
    if section == "token" || section == "key" {
        let repository = if section == "key" {
            "git@example.org:a"
        } else {
            "https://example.org/a"
        };
        let rest = match key {
            "user" => "env = \"T\", ",
            "known_hosts" => "file = \"/srv/k\", ",
            _ => "",
        };
        return format!(
            "[odoo]\nversion = \"19.0\"\n[[addons]]\nname = \"web\"\nrepository = \"{repository}\"\n\
             {section} = {{ {rest}{key} = {quoted} }}\n"
        );
    }
    let value = if ["modules", "languages", "log_handlers"].contains(&key) {
        format!("[{quoted}]")
    } else {
        quoted
    };
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    let mut add = |section, line: String| sections.entry(section).or_default().push_str(&line);
    let (section, key) = if section == "ssh" {
        ("odoo", "repository")
    } else {
        (section, key)
    };
    add(section, format!("{key} = {value}\n"));
    if (section, key) != ("odoo", "version") {
        add("odoo", "version = \"19.0\"\n".into());
    }
    if section == "proxy" {
        add("site", "domain = \"example.org\"\n".into());
        let more = match key {
            "email" => "tls = \"acme\"\n",
            "key" => "tls = \"files\"\ncertificate = \"/etc/a.crt\"\n",
            _ => "tls = \"files\"\nkey = \"/etc/a.key\"\n",
        };
        add("proxy", more.into());
    }
    if section == "postgres" {
        add("postgres", "password = { file = \"/run/p\" }\n".into());
        if key != "host" {
            add("postgres", "host = \"db\"\n".into());
        }
    }
    if section == "addons" && key != "name" {
        add("addons", "name = \"web\"\n".into());
    }
    if section == "addons" && key != "repository" {
        add(
            "addons",
            "repository = \"https://example.org/web\"\n".into(),
        );
    }
    let head = |section: &str| match section {
        "addons" => "[[addons]]".to_owned(),
        other => format!("[{other}]"),
    };
    let texts = sections
        .iter()
        .map(|(section, lines)| format!("{}\n{lines}", head(section)));
    texts.collect()
}

/// The resources of a site. `None` if the site is refused, which must be with a place.
fn things(text: &str) -> Option<Vec<AnyResource>> {
    let site = match Site::parse(Path::new("site.toml"), text) {
        Ok(site) => site,
        Err(errors) => {
            assert!(errors.to_string().starts_with("site.toml:"), "{errors}");
            return None;
        }
    };
    let steps = plan_of(site).steps.into_iter();
    Some(steps.map(|step| step.resource).collect())
}

/// Every text in a value, without digests, because a digest changes with its content.
fn texts_of(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(less_digests(text)),
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, all)),
        Value::Object(fields) => {
            for (key, item) in fields {
                all.push(less_digests(key));
                texts_of(item, all);
            }
        }
        other => all.push(other.to_string()),
    }
}

fn less_digests(text: &str) -> String {
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let mut kept = String::new();
    let mut run = String::new();
    for c in text.chars().chain(['\u{0}']) {
        if is_hex(c) {
            run.push(c);
            continue;
        }
        kept.push_str(if run.len() == 16 || run.len() == 64 {
            "(digest)"
        } else {
            &run
        });
        run.clear();
        kept.push(c);
    }
    kept.pop();
    kept
}

fn all_texts(things: &[AnyResource]) -> Vec<String> {
    let mut all = Vec::new();
    texts_of(&serde_json::to_value(things).unwrap(), &mut all);
    all
}

/// The paths and contents of the configuration and the unit.
fn files(things: &[AnyResource]) -> Vec<(&Path, &str)> {
    let files = things.iter().filter_map(|thing| match thing {
        AnyResource::File(file) => Some((file.path.as_path(), file.content.as_str())),
        _ => None,
    });
    files.collect()
}

/// The result of Python's `configparser`, which Odoo uses, for each text.
fn parsed(texts: &[String]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.json");
    fs::write(&path, serde_json::to_vec(texts).unwrap()).unwrap();
    let program = "import configparser, json, sys\n\
        def read(text):\n    p = configparser.RawConfigParser()\n    p.read_string(text)\n    \
        return {s: dict(p.items(s)) for s in p.sections()}\n\
        print(json.dumps([read(t) for t in json.load(open(sys.argv[1]))]))\n";
    let python = Command::new("python3")
        .args(["-c", program])
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        python.status.success(),
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    serde_json::from_slice(&python.stdout).unwrap()
}

/// A configuration with a valid value, and the same configuration with another value.
struct Reading {
    case: String,
    good: &'static str,
    value: String,
    texts: [String; 2],
}

#[test]
fn a_value_reaches_its_file_unchanged_or_is_refused() {
    let (mut refused, mut accepted) = (0, 0);
    let mut consumed: Vec<Reading> = Vec::new();
    let mut units = BTreeSet::new();
    for (section, key, good) in FIELDS {
        let base = things(&site(section, key, good)).unwrap();
        let middle = good.len() / 2;
        for payload in PAYLOADS {
            let typed = [
                payload.to_owned(),
                format!("{payload}{good}"),
                format!("{good}{payload}"),
                format!("{}{payload}{}", &good[..middle], &good[middle..]),
                payload.repeat(65_536 / payload.len()),
            ];
            for value in typed {
                let case = format!("{section}.{key} = {value:.80?}");
                let Some(found) = things(&site(section, key, &value)) else {
                    refused += 1;
                    continue;
                };
                accepted += 1;
                let expected = all_texts(&base)
                    .iter()
                    .map(|text| text.replace(good, &value))
                    .collect::<Vec<_>>();
                let found_texts = all_texts(&found);
                assert_eq!(
                    expected.len(),
                    found_texts.len(),
                    "{case}: more or less than it"
                );
                for (expected, found) in expected.iter().zip(&found_texts) {
                    assert_eq!(expected, found, "{case}");
                }
                for ((path, good_text), (_, text)) in files(&base).into_iter().zip(files(&found)) {
                    let is_conf = path.extension().is_some_and(|e| e == "conf");
                    if is_conf && path.parent() == Some(Path::new("/etc")) {
                        consumed.push(Reading {
                            case: case.clone(),
                            good,
                            value: value.clone(),
                            texts: [good_text.to_owned(), text.to_owned()],
                        });
                    } else if path.extension().is_some_and(|e| e == "service") {
                        units.insert(text.to_owned());
                    }
                }
            }
        }
    }
    let texts: Vec<String> = consumed
        .iter()
        .flat_map(|read| read.texts.clone())
        .collect();
    println!(
        "{refused} refused, {accepted} accepted, {} configurations, {} units",
        consumed.len(),
        units.len()
    );
    for (pair, read) in parsed(&texts).chunks(2).zip(&consumed) {
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        texts_of(&pair[0], &mut expected);
        texts_of(&pair[1], &mut found);
        let expected = expected
            .iter()
            .map(|text| text.replace(read.good, &read.value));
        assert_eq!(expected.collect::<Vec<_>>(), found, "{}", read.case);
    }
    counts::tell("injections", "injections", refused + accepted);
}
