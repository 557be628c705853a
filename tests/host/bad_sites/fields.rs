//! Wrong values and wrong names of every key, computed from `good_values.txt`.

use super::counts;
use super::oracle::{GOOD, Mistake, mistake, refused};
use super::values::{self, Setting};

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

/// Values of every type of TOML, and what is said if a key does not take that type.
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

/// Reads the keys, each with a good value.
fn fields() -> Vec<Setting> {
    values::read("good_values.txt")
}

impl Kind {
    fn of(value: &str) -> Self {
        match &value[..1] {
            "\"" => Self::Text,
            "[" => Self::List,
            "{" => Self::Table,
            "t" | "f" => Self::Bool,
            _ => Self::Number,
        }
    }
}

impl Setting {
    /// Whether this key takes a value of that type.
    fn takes(&self, kind: Kind) -> bool {
        let two_types = ["languages", "workers"].contains(&self.key.as_str());
        kind == Kind::of(&self.value) || (two_types && kind == Kind::Text)
    }

    /// Returns a site with this key in a table on one line at the top; no other key may follow in that table.
    fn inline(&self, value: &str) -> String {
        let (section, key) = (self.section.as_str(), self.key.as_str());
        let rest = match (section, key) {
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
        match section {
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

/// Otherwise the tests below might see a refusal for another reason.
#[test]
fn good_values_are_accepted() {
    for field in &fields() {
        accepted(&field.site(&field.line()).0);
        accepted(&field.inline(&field.value));
    }
}

#[test]
fn values_of_another_type_are_refused() {
    let mut count = 0;
    for field in &fields() {
        for (kind, value, part) in VALUES {
            if field.takes(kind) {
                continue;
            }
            // a value of another type than a table may be the secret itself
            let part = match (field.key.as_str(), kind) {
                ("token", _) => "never written in this file",
                _ => part,
            };
            let line = format!("{} = {value}", field.key);
            let (source, at) = field.site(&line);
            let case = format!("[{}] {line}", field.section);
            refused(&case, &source, &[mistake(at, &field.key, part)]);
            let source = field.inline(value);
            refused(&source, &source, &[mistake(1, &field.key, part)]);
            count += 2;
        }
    }
    // elements of a list, each on its own line
    for (kind, value, part) in VALUES {
        if kind != Kind::Text {
            let source = format!("{GOOD}modules = [\n  \"sale\",\n  {value},\n]\n");
            refused(value, &source, &[mistake(5, value, part)]);
            count += 1;
        }
    }
    // sections
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
fn empty_and_strange_texts_are_refused() {
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
    for field in &fields() {
        for (name, text) in &texts {
            if !field.takes(Kind::Text) {
                continue;
            }
            let (source, at) = field.site(&format!("{} = \"{text}\"", field.key));
            let case = format!("[{}] {}: {name}", field.section, field.key);
            refused(&case, &source, &[mistake(at, &field.key, "")]);
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
fn wrong_keys_are_refused() {
    let mut count = 0;
    let mut told = |case: &str, source: &str, mistakes: &[Mistake]| {
        refused(case, source, mistakes);
        count += 1;
    };
    for field in &fields() {
        let (key, good, line) = (&field.key, &field.value, field.line());
        let case = format!("[{}] {key}", field.section);

        let (source, at) = field.site(&format!("{line}\n{line}"));
        told(&case, &source, &[mistake(at + 1, key, "duplicate key")]);

        // a misspelt key next to the right one, so that no key is missing: two letters are swapped
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
            key.clone(),
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
        ("name", "repository = \"https://example.org/a\""),
        ("repository", "name = \"a\""),
    ] {
        let source = format!("{GOOD}[[addons]]\n{line}\n");
        let part = format!("`{key}` of `[[addons]]` is missing");
        told(key, &source, &[mistake(3, key, &part)]);
    }
    counts::tell("bad configurations", "bad_sites_keys", count);
}
