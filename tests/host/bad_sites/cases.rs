//! The cases in `cases/`: wrong configurations, each with the whole text of its errors.
//!
//! Each file has a topic. A case begins with a line `====`, which may have a title. After it come a whole
//! `site.toml`, the line `----`, and what the command prints. `<U+200B>` stands for an invisible character.
//! `<end>` marks the end of a text without a final line end. `UPDATE=1` rewrites the printed texts; read `git
//! diff` then.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use odoo_deploy::site::Site;
use odoo_deploy::text::diagnostic::is_deceptive;

use super::counts;
use super::files::{audit, is_refused};
use super::oracle;

/// Marks the end of a text without a final line end.
const END: &str = "<end>";

/// The expected text of a site without errors.
const ACCEPTED: &str = "accepted\n";

/// A `site.toml` and its expected text.
struct Case {
    /// The file and the line in which the case begins.
    place: String,
    /// The rest of the line `====`.
    title: String,
    /// The `site.toml`, in the form of the file of cases.
    written: String,
    /// What the command must print, in the form of the file of cases.
    expected: String,
}

/// A file of cases.
struct Topic {
    path: PathBuf,
    /// What comes before the first case.
    head: String,
    cases: Vec<Case>,
}

impl Topic {
    fn read(path: PathBuf) -> Self {
        let name = path.file_name().unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let (mut head, mut cases, mut in_site) = (String::new(), Vec::<Case>::new(), false);
        for (number, line) in text.lines().enumerate() {
            if line == "====" || line.starts_with("==== ") {
                cases.push(Case {
                    place: format!("{name}:{}", number + 1),
                    title: line[4..].to_owned(),
                    written: String::new(),
                    expected: String::new(),
                });
                in_site = true;
            } else if line == "----" {
                in_site = false;
            } else {
                let part = match cases.last_mut() {
                    None => &mut head,
                    Some(case) if in_site => &mut case.written,
                    Some(case) => &mut case.expected,
                };
                *part += line;
                part.push('\n');
            }
        }
        Self { path, head, cases }
    }

    /// Rewrites the file with the texts that are printed now.
    fn update(&self) {
        let mut text = self.head.trim_end().to_owned() + "\n";
        for case in &self.cases {
            let Case { title, written, .. } = case;
            let said = case.said();
            write!(text, "\n===={title}\n{written}----\n{said}").unwrap();
        }
        fs::write(&self.path, text).unwrap();
    }
}

impl Case {
    fn site(&self) -> String {
        let text = &self.written;
        let text = text
            .strip_suffix(&format!("{END}\n"))
            .unwrap_or(text.as_str());
        visible_to_real(text)
    }

    /// The errors of the site as printed, in the form of the file of cases.
    fn said(&self) -> String {
        let said = match Site::parse(Path::new("site.toml"), &self.site()) {
            Ok(_) => ACCEPTED.to_owned(),
            Err(errors) => errors.render(80, false),
        };
        in_a_file(&said)
    }
}

/// Replaces each `<U+200B>` by its character.
fn visible_to_real(text: &str) -> String {
    let mut parts = text.split("<U+");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        let (digits, rest) = part.split_once('>').unwrap();
        let number = u32::from_str_radix(digits, 16).unwrap();
        text + &char::from_u32(number).unwrap().to_string() + rest
    })
}

/// Returns `text` with `<U+200B>` for invisible characters, and without blanks at the ends of lines.
fn in_a_file(text: &str) -> String {
    let unseen = |letter: char| is_deceptive(letter) || letter == '\u{a0}';
    let mut written = String::new();
    for line in text.lines() {
        for letter in line.trim_end_matches(' ').chars() {
            if unseen(letter) {
                write!(written, "<U+{:04X}>", u32::from(letter)).unwrap();
            } else {
                written.push(letter);
            }
        }
        written.push('\n');
    }
    written
}

fn topics() -> Vec<Topic> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/bad_sites/cases");
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(Topic::read).collect()
}

/// The command prints the expected text of each case, and exits with the code of a wrong configuration.
#[test]
fn the_errors_of_each_case_are_as_expected() {
    if env::var_os("UPDATE").is_some_and(|value| value == "1") {
        topics().iter().for_each(Topic::update);
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut wrong, mut refused) = (String::new(), 0);
    for case in topics().iter().flat_map(|topic| &topic.cases) {
        let (place, said) = (&case.place, case.said());
        if said.trim_end() != case.expected.trim_end() {
            let expected = &case.expected;
            write!(wrong, "{place}: expected\n{expected}but got\n{said}\n").unwrap();
        } else if said != ACCEPTED {
            oracle::is_sound(place, &case.site());
            fs::write(folder.path().join("site.toml"), case.site()).unwrap();
            let output = audit(folder.path(), "site.toml");
            is_refused(place, &output, "");
            let printed = in_a_file(&String::from_utf8_lossy(&output.stderr));
            assert_eq!(printed, said + "  host  untouched\n", "{place}");
            refused += 1;
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong}`UPDATE=1 cargo test --test host bad_sites::cases` writes the files anew"
    );
    counts::tell("bad configurations", "bad_sites_cases", refused);
}
