//! Finds pairs of requirements that no version can satisfy, before anything is downloaded.

use super::version::{Version, holds};
use super::{Published, lines, marker, name};

/// One requirement, and its place.
struct Asked<'a> {
    by: &'a Published,
    line: usize,
    text: String,
    name: String,
    /// Its version specifiers, each as operator and version.
    versions: Vec<(String, String)>,
}

/// The pairs of requirements from different sources that no version can satisfy, on version `python` of Python.
/// Requirements in `overridden` are ignored. Pairs that cannot be judged are left to the installer.
#[must_use]
pub fn conflicts(sources: &[Published], overridden: &[String], python: &str) -> Vec<String> {
    let overridden: Vec<String> = overridden.iter().filter_map(|line| name(line)).collect();
    let mut all: Vec<Asked<'_>> = Vec::new();
    for by in sources {
        for (line, text) in lines(&by.text) {
            all.extend(
                asked(by, line, &text, python).filter(|asked| !overridden.contains(&asked.name)),
            );
        }
    }
    let mut found = Vec::new();
    for (place, later) in all.iter().enumerate() {
        let meets = |earlier: &&Asked<'_>| {
            earlier.by.of != later.by.of && earlier.name == later.name && clash(earlier, later)
        };
        if let Some(earlier) = all[..place].iter().find(meets) {
            found.push(format!(
                "{} and {} cannot both be met; take a commit of {} that goes with this Odoo, or have that line changed",
                told(later),
                told(earlier),
                later.by.of
            ));
        }
    }
    found
}

fn told(asked: &Asked<'_>) -> String {
    format!(
        "`{}` of {} (`{}`, line {})",
        asked.text,
        asked.by.of,
        asked.by.path.display(),
        asked.line
    )
}

/// Parses a requirement. `None` if it does not apply on this Python, or cannot be judged.
fn asked<'a>(by: &'a Published, line: usize, text: &str, python: &str) -> Option<Asked<'a>> {
    let (requirement, marker) = match text.split_once(';') {
        Some((requirement, marker)) => (requirement.trim(), Some(marker)),
        None => (text.trim(), None),
    };
    if marker.is_some_and(|marker| marker::applies(marker, python) != Some(true)) {
        return None;
    }
    let name = name(requirement)?;
    let start = requirement.find(['=', '<', '>', '!', '~'])?;
    let said = requirement[start..].trim_end_matches([' ', ')']);
    if requirement.contains('@') {
        return None;
    }
    let versions = said.split(',').map(|said| {
        let said = said.trim();
        let end = said.find(|c| !"=<>!~".contains(c)).unwrap_or(said.len());
        (said[..end].to_owned(), said[end..].trim().to_owned())
    });
    let (versions, text) = (versions.collect(), requirement.to_owned());
    Some(Asked {
        by,
        line,
        text,
        name,
        versions,
    })
}

/// Whether one requirement pins a version that the other does not allow.
fn clash(one: &Asked<'_>, other: &Asked<'_>) -> bool {
    let refuses = |pinned: &Asked<'_>, by: &Asked<'_>| {
        let [(sign, version)] = pinned.versions.as_slice() else {
            return false;
        };
        let version = Version::read(version).filter(|_| sign == "==");
        version.is_some_and(|version| {
            let mut said = by.versions.iter();
            said.any(|(sign, text)| holds(&version, sign, text) == Some(false))
        })
    };
    refuses(one, other) || refuses(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(of: &str, text: &str) -> Published {
        Published {
            of: of.to_owned(),
            path: "requirements.txt".into(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn requirements_that_contradict_each_other_are_named() {
        let odoo = "# pins\nlxml==4.8.0 ; python_version <= '3.10'\nlxml==4.9.2 ; python_version > '3.10'\nBabel==2.9.1\n";
        for (addon, clashes) in [
            ("lxml==4.9.1", true),
            ("LXML<4.9", true),
            ("lxml [html] (>= 5)", true),
            ("lxml==4.8.0 ; python_version < '3.11'", false),
            ("lxml>=4,<5", false),
            ("lxml", false),
            ("lxml @ https://a/b==4", false),
            ("lxml==5rc1", false),
            ("babel==2.10", false),
        ] {
            let sources = [
                of("Odoo", odoo),
                of("the add-on `web`", &format!("x\n{addon}\n")),
            ];
            let found = conflicts(&sources, &["Babel==2.10".to_owned()], "3.11");
            assert_eq!(!found.is_empty(), clashes, "{addon}: {found:?}");
        }
        let sources = [of("Odoo", odoo), of("the add-on `web`", "\nlxml==4.9.1\n")];
        assert_eq!(
            conflicts(&sources, &[], "3.11"),
            [
                "`lxml==4.9.1` of the add-on `web` (`requirements.txt`, line 2) and `lxml==4.9.2` of Odoo \
                 (`requirements.txt`, line 3) cannot both be met; take a commit of the add-on `web` that goes with \
                 this Odoo, or have that line changed"
            ]
        );
    }
}
