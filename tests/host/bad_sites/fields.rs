//! Every field with everything that it must not be.

use super::counts;
use super::oracle::{GOOD, Mistake, mistake, refused};

/// A field: its section, its key, a good value, and whether its text is free of a form of its own.
struct Field {
    section: &'static str,
    key: &'static str,
    good: &'static str,
    takes: &'static [Kind],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Number,
    Float,
    Bool,
    Date,
    List,
    Table,
}

/// Values of every type of TOML; a text is wrong in type alone where no text is taken.
const VALUES: [(Kind, &str, &str); 10] = [
    (Kind::Text, "\"x\"", "found a string"),
    (Kind::Number, "7", "found the number `7`"),
    (Kind::Float, "7.5", "found the number `7.5`"),
    (Kind::Float, "nan", "found the number `nan`"),
    (Kind::Bool, "true", "found `true`"),
    (Kind::Date, "2026-01-01", "found a date or time"),
    (Kind::Date, "07:32:00", "found a date or time"),
    (Kind::List, "[]", "found a list"),
    (Kind::List, "[\"x\", [1]]", "found a list"),
    (Kind::Table, "{ a = 1 }", "found a table"),
];

const fn field(
    section: &'static str,
    key: &'static str,
    good: &'static str,
    takes: &'static [Kind],
) -> Field {
    Field {
        section,
        key,
        good,
        takes,
    }
}

const TEXT: &[Kind] = &[Kind::Text];
const URL: &str = "\"https://example.org/a\"";
const SECRET: &str = "password = { file = \"/run/p\" }";
const HEX: &str = "\"0123456789012345678901234567890123456789\"";

const FIELDS: [Field; 45] = [
    field("site", "name", "\"erp\"", TEXT),
    field("site", "domain", "\"erp.example.org\"", TEXT),
    field("odoo", "version", "\"19.0\"", TEXT),
    field("odoo", "repository", URL, TEXT),
    field("odoo", "branch", "\"b\"", TEXT),
    field("odoo", "commit", HEX, TEXT),
    field("odoo", "database", "\"erp\"", TEXT),
    field("odoo", "modules", "[\"sale\"]", &[Kind::List]),
    field("odoo", "demo", "true", &[Kind::Bool]),
    field("odoo", "language", "\"de_DE\"", TEXT),
    field(
        "odoo",
        "languages",
        "[\"fr_FR\"]",
        &[Kind::List, Kind::Text],
    ),
    field("odoo", "country", "\"DE\"", TEXT),
    field("odoo", "company", "\"Firma\"", TEXT),
    field("odoo", "log_handlers", "[\":DEBUG\"]", &[Kind::List]),
    field("addons", "name", "\"web\"", TEXT),
    field("addons", "repository", URL, TEXT),
    field("addons", "branch", "\"b\"", TEXT),
    field("addons", "commit", HEX, TEXT),
    field("addons", "folder", "\"addons\"", TEXT),
    field("addons", "token", "{ env = \"TOKEN\" }", &[Kind::Table]),
    field("wkhtmltopdf", "build", "\"patched\"", TEXT),
    field("wkhtmltopdf", "url", URL, TEXT),
    field("wkhtmltopdf", "file", "\"/srv/w.deb\"", TEXT),
    field("wkhtmltopdf", "fonts", "[\"cjk\"]", &[Kind::List]),
    field("firewall", "enabled", "true", &[Kind::Bool]),
    field("fail2ban", "enabled", "true", &[Kind::Bool]),
    field("fail2ban", "attempts", "5", &[Kind::Number]),
    field("fail2ban", "minutes", "15", &[Kind::Number]),
    field("python", "installer", "\"pip\"", TEXT),
    field("python", "index", URL, TEXT),
    field("python", "wheels", "\"/srv/wheels\"", TEXT),
    field("apt", "upgrade", "true", &[Kind::Bool]),
    field("http", "interface", "\"127.0.0.1\"", TEXT),
    field("http", "port", "8069", &[Kind::Number]),
    field("http", "gevent_port", "8072", &[Kind::Number]),
    field("http", "workers", "2", &[Kind::Number, Kind::Text]),
    field("http", "users", "25", &[Kind::Number]),
    field("http", "proxy_mode", "true", &[Kind::Bool]),
    field("postgres", "tuning", "true", &[Kind::Bool]),
    field("postgres", "host", "\"db.example.org\"", TEXT),
    field("postgres", "port", "5433", &[Kind::Number]),
    field("postgres", "user", "\"erp\"", TEXT),
    field("postgres", "sslmode", "\"require\"", TEXT),
    field("postgres", "root_certificate", "\"/etc/ca.pem\"", TEXT),
    field("logs", "file", "true", &[Kind::Bool]),
];

impl Field {
    /// A site that is good but for `lines` in the section of this field, and the line where they begin.
    fn site(&self, lines: &str) -> (String, usize) {
        let before = match (self.section, self.key) {
            ("odoo", "version") => "[odoo]\n".to_owned(),
            ("odoo", _) => GOOD.to_owned(),
            ("addons", "name") => format!("{GOOD}[[addons]]\nrepository = {URL}\n"),
            ("addons", "repository") => format!("{GOOD}[[addons]]\nname = \"web\"\n"),
            ("addons", _) => format!("{GOOD}[[addons]]\nname = \"web\"\nrepository = {URL}\n"),
            ("postgres", "host") => format!("{GOOD}[postgres]\n{SECRET}\n"),
            ("postgres", key) if key != "tuning" => {
                format!("{GOOD}[postgres]\nhost = \"db\"\n{SECRET}\n")
            }
            (section, _) => format!("{GOOD}[{section}]\n"),
        };
        let line = before.lines().count() + 1;
        (format!("{before}{lines}\n"), line)
    }

    /// The same as a table on one line at the top, which nothing else may follow.
    fn inline(&self, value: &str) -> String {
        let Self { section, key, .. } = self;
        let rest = match (*section, *key) {
            ("odoo", "version") => "",
            ("odoo", _) => "version = \"19.0\", ",
            ("addons", "name") => "repository = \"https://example.org/a\", ",
            ("addons", "repository") => "name = \"web\", ",
            ("addons", _) => "name = \"web\", repository = \"https://example.org/a\", ",
            ("postgres", "host") => "password = { file = \"/run/p\" }, ",
            ("postgres", key) if key != "tuning" => {
                "host = \"db\", password = { file = \"/run/p\" }, "
            }
            _ => "",
        };
        let table = format!("{{ {rest}{key} = {value} }}");
        match *section {
            "odoo" => format!("odoo = {table}\n"),
            "addons" => format!("addons = [{table}]\n{GOOD}"),
            _ => format!("{section} = {table}\n{GOOD}"),
        }
    }
}

fn accepted(source: &str) {
    let parsed = odoo_deploy::site::Site::parse(std::path::Path::new("site.toml"), source);
    assert!(parsed.is_ok(), "{source}{parsed:?}");
}

/// Without this what is refused below might be refused for something else.
#[test]
fn the_good_values_are_accepted() {
    for field in &FIELDS {
        accepted(&field.site(&format!("{} = {}", field.key, field.good)).0);
        accepted(&field.inline(field.good));
    }
}

#[test]
fn of_another_type() {
    let mut count = 0;
    for field in &FIELDS {
        for (kind, value, part) in VALUES {
            if field.takes.contains(&kind) {
                continue;
            }
            // as anything but a table it may be the secret itself
            let part = match (field.key, kind) {
                ("token", _) => "never written in this file",
                _ => part,
            };
            let line = format!("{} = {value}", field.key);
            let (source, at) = field.site(&line);
            let case = format!("[{}] {line}", field.section);
            refused(&case, &source, &[mistake(at, field.key, part)]);
            let source = field.inline(value);
            refused(&source, &source, &[mistake(1, field.key, part)]);
            count += 2;
        }
    }
    // Elements of the one list of values, each on a line of its own.
    for (kind, value, part) in VALUES {
        if kind != Kind::Text {
            let source = format!("{GOOD}modules = [\n  \"sale\",\n  {value},\n]\n");
            refused(value, &source, &[mistake(5, value, part)]);
            count += 1;
        }
    }
    // Sections.
    for section in [
        "site",
        "odoo",
        "addons",
        "python",
        "apt",
        "http",
        "postgres",
        "logs",
        "wkhtmltopdf",
        "firewall",
        "fail2ban",
    ] {
        for (kind, value, part) in VALUES {
            if kind == Kind::Table || (section == "addons" && kind == Kind::List) {
                continue;
            }
            let good = if section == "odoo" { "" } else { GOOD };
            let source = format!("{section} = {value}\n{good}");
            refused(&source, &source, &[mistake(1, section, part)]);
            count += 1;
        }
    }
    counts::tell("bad configurations", "bad_sites_types", count);
}

#[test]
fn texts_that_are_none() {
    let texts = [
        ("empty", String::new()),
        ("a blank", " ".to_owned()),
        ("blanks", "   ".to_owned()),
        ("a tab", "\\t".to_owned()),
        ("a line end", "\\n".to_owned()),
        ("NUL", "a\\u0000b".to_owned()),
        ("escape", "\\u001b[31m".to_owned()),
        ("right to left", "a\u{202e}b".to_owned()),
        ("no width", "a\u{200b}b".to_owned()),
        ("huge", "a".repeat(200_000)),
        ("a huge path", "/a".repeat(100_000)),
        (
            "a huge address",
            format!("https://example.org/{}", "a".repeat(200_000)),
        ),
    ];
    let mut count = 0;
    for field in &FIELDS {
        for (name, text) in &texts {
            if !field.takes.contains(&Kind::Text) {
                continue;
            }
            let (source, at) = field.site(&format!("{} = \"{text}\"", field.key));
            let case = format!("[{}] {}: {name}", field.section, field.key);
            refused(&case, &source, &[mistake(at, field.key, "")]);
            count += 1;
        }
    }
    for (name, text) in &texts {
        let source = format!("{GOOD}modules = [\"sale\", \"{text}\"]\n");
        refused(name, &source, &[mistake(3, "modules", "")]);
        count += 1;
    }
    counts::tell("bad configurations", "bad_sites_texts", count);
}

#[test]
fn keys() {
    let mut count = 0;
    let mut told = |case: &str, source: &str, mistakes: &[Mistake]| {
        refused(case, source, mistakes);
        count += 1;
    };
    for field in &FIELDS {
        let Field { key, good, .. } = field;
        let case = format!("[{}] {key}", field.section);
        let line = format!("{key} = {good}");

        let (source, at) = field.site(&format!("{line}\n{line}"));
        told(&case, &source, &[mistake(at + 1, key, "duplicate key")]);

        // Beside the right one, so that nothing is missing: two letters changed places.
        let at = usize::from(key[..1] == key[1..2]);
        let (head, tail) = key.split_at(at);
        let slip = format!("{head}{}{}{}", &tail[1..2], &tail[..1], &tail[2..]);
        let (source, at) = field.site(&format!("{line}\n{slip} = {good}"));
        let hint = format!("did you mean `{key}`?");
        told(&case, &source, &[mistake(at + 1, &slip, &hint)]);

        let (source, at) = field.site(&format!("{line}\nzzzzzzzz = {good}"));
        told(
            &case,
            &source,
            &[mistake(at + 1, "zzzzzzzz", "known keys: `")],
        );

        let (source, at) = field.site(&format!("{line}\n{key}.deeper = 1"));
        told(&case, &source, &[mistake(at + 1, key, "")]);

        for cut in [
            (*key).to_owned(),
            format!("{key} ="),
            format!("= {good}"),
            format!("{key} = {good} {good}"),
        ] {
            let (source, at) = field.site(&format!("{line}\n{cut}"));
            told(
                &format!("{case}: {cut}"),
                &source,
                &[mistake(at + 1, &cut, "")],
            );
        }
    }
    for section in [
        "site",
        "python",
        "apt",
        "http",
        "postgres",
        "logs",
        "wkhtmltopdf",
        "firewall",
        "fail2ban",
    ] {
        let twice = format!("{GOOD}[{section}]\n[{section}]\n");
        told(section, &twice, &[mistake(4, section, "duplicate key")]);
        let list = format!("{GOOD}[[{section}]]\n");
        told(section, &list, &[mistake(3, section, "expected a table")]);
    }
    told(
        "odoo",
        &format!("{GOOD}[odoo]\n"),
        &[mistake(3, "odoo", "duplicate key")],
    );
    for (case, source) in [
        ("none", "[odoo]\n"),
        ("site alone", "[odoo]\ndemo = true\n"),
    ] {
        told(
            case,
            source,
            &[mistake(1, "odoo", "`version` of `[odoo]` is missing")],
        );
    }
    for (key, line) in [
        ("name", format!("repository = {URL}")),
        ("repository", "name = \"a\"".to_owned()),
    ] {
        let source = format!("{GOOD}[[addons]]\n{line}\n");
        let part = format!("`{key}` of `[[addons]]` is missing");
        told(key, &source, &[mistake(3, key, &part)]);
    }
    counts::tell("bad configurations", "bad_sites_keys", count);
}
