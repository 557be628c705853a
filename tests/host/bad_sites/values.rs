//! Values of keys, as lists: `good_values.txt` and `wrong_values.txt`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use super::counts;
use super::oracle::{self, GOOD, mistake, refused};

/// A line `key = value` of a list, and the section that it is in.
pub struct Setting {
    pub section: String,
    pub key: String,
    pub value: String,
    /// The expected error text, which follows `#` in the list.
    pub expected: String,
}

impl Setting {
    fn read(section: &str, line: &str) -> Self {
        let (line, expected) = line.split_once("  # ").unwrap_or((line, ""));
        let (key, value) = line.split_once(" = ").unwrap();
        Self {
            section: section.to_owned(),
            key: key.to_owned(),
            value: value.trim_end().to_owned(),
            expected: expected.to_owned(),
        }
    }

    /// The lines that a site needs before this key.
    fn before(&self) -> String {
        let more = match (self.section.as_str(), self.key.as_str()) {
            ("odoo", "version") => return "[odoo]\n".to_owned(),
            ("odoo", _) => "",
            ("addons", "name") => "[[addons]]\nrepository = \"https://example.org/a\"\n",
            ("addons", "repository") => "[[addons]]\nname = \"web\"\n",
            ("addons", _) => "[[addons]]\nname = \"web\"\nrepository = \"https://example.org/a\"\n",
            ("postgres", "host") => "[postgres]\npassword = { file = \"/run/p\" }\n",
            ("postgres", key) if key != "tuning" => {
                "[postgres]\nhost = \"db\"\npassword = { file = \"/run/p\" }\n"
            }
            ("proxy", _) => "[site]\ndomain = \"erp.example.org\"\n[proxy]\n",
            (section, _) => return format!("{GOOD}[{section}]\n"),
        };
        format!("{GOOD}{more}")
    }

    /// Returns a good site with `lines` added in the section of this key, and the number of the first of them.
    pub fn site(&self, lines: &str) -> (String, usize) {
        let before = self.before();
        let line = before.lines().count() + 1;
        (format!("{before}{lines}\n"), line)
    }

    pub fn line(&self) -> String {
        format!("{} = {}", self.key, self.value)
    }

    /// Returns message, label and help of each error in a site with this value.
    fn said(&self) -> String {
        let (site, _) = self.site(&self.line());
        let errors = oracle::is_sound(&self.line(), &site);
        let mut said = String::new();
        for item in errors.items() {
            for part in [Some(&item.message), Some(&item.label), item.hint.as_ref()] {
                let part = part.map_or("", String::as_str);
                let between = if said.is_empty() || part.is_empty() {
                    ""
                } else {
                    "; "
                };
                write!(said, "{between}{part}").unwrap();
            }
        }
        said
    }
}

fn path(name: &str) -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.join("tests/host/bad_sites").join(name)
}

/// Calls `of` for each line of a list, with its value if it has one.
fn each_line(name: &str, mut of: impl FnMut(&str, Option<Setting>)) {
    let mut section = String::new();
    for line in fs::read_to_string(path(name)).unwrap().lines() {
        let is_value = !line.is_empty() && !line.starts_with(['#', '[']);
        if line.starts_with('[') {
            line.trim_matches(['[', ']']).clone_into(&mut section);
        }
        of(line, is_value.then(|| Setting::read(&section, line)));
    }
}

/// Reads the values of a list.
pub fn read(name: &str) -> Vec<Setting> {
    let mut values = Vec::new();
    each_line(name, |_, value| values.extend(value));
    values
}

const WRONG: &str = "wrong_values.txt";

#[test]
fn wrong_values_are_refused_with_the_words_of_the_list() {
    if env::var_os("UPDATE").is_some_and(|value| value == "1") {
        let mut text = String::new();
        each_line(WRONG, |line, value| {
            let line = value.map_or(line.to_owned(), |value| {
                format!("{:<32}  # {}", value.line(), value.said())
            });
            writeln!(text, "{line}").unwrap();
        });
        fs::write(path(WRONG), text).unwrap();
    }
    let values = read(WRONG);
    for value in &values {
        let (site, at) = value.site(&value.line());
        refused(&value.line(), &site, &[mistake(at, &value.key, "")]);
        assert_eq!(value.said(), value.expected, "{}", value.line());
    }
    counts::tell("bad configurations", "bad_sites_values", values.len());
}
