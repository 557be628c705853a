//! The override files beside `site.toml`: each is used instead of the built-in file of the same name.

use std::path::{Path, PathBuf};

use super::built_in::EMBEDDED;
use super::{EXTRA, Error, PLAYBOOK, own};
use crate::text::source;

/// The words in the first line of files that odoo-deploy writes, and of their templates.
const WRITTEN: &str = "Written by odoo-deploy";

/// Returns the file `name` beside `site.toml` in `folder`, or else the built-in one. `target` is the path of the file
/// that the plan writes: if it is the file in `folder`, it is no override.
pub(super) fn file(
    folder: &Path,
    name: &str,
    target: Option<&str>,
) -> Result<(PathBuf, String), Error> {
    let is_target = target.is_some_and(|target| Path::new(target) == folder.join(name));
    if !is_target && let Some((path, text)) = source::read_beside(folder, name)? {
        own::check(name, &path, &text)?;
        if other_use(name, &text).is_none() {
            return Ok((path, text));
        }
    }
    let built_in = EMBEDDED.iter().find(|(embedded, _)| *embedded == name);
    let (name, text) = built_in.ok_or_else(|| Error::NoTemplate(name.to_owned()))?;
    Ok((
        PathBuf::from(format!("(built in) {name}")),
        (*text).to_owned(),
    ))
}

/// Returns the file in `folder` with the administrator's own steps, if it exists.
pub(super) fn extra(folder: &Path) -> Result<Option<(PathBuf, String)>, Error> {
    let found = source::read_beside(folder, EXTRA)?;
    Ok(found.filter(|(_, text)| !is_site(text)))
}

/// Notes for the user about the files in `folder`. `targets` are the files that a plan writes.
pub(super) fn notes(folder: &Path, targets: &[&Path]) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    if let Some((path, _)) = extra(folder)? {
        notes.push(format!("`{}` adds its own steps", path.display()));
    }
    for (name, _) in EMBEDDED {
        let Some((path, text)) = source::read_beside(folder, name)? else {
            continue;
        };
        let shown = path.display();
        let other = if targets.contains(&path.as_path()) {
            Some("it is what this site is given, and not taken for its template")
        } else {
            other_use(name, &text)
        };
        notes.push(match other {
            Some(why) => format!("`{shown}`: {why}"),
            None => format!("`{shown}` is used in place of the built-in file"),
        });
    }
    Ok(notes)
}

/// Says what a file is that has the name of a playbook or a template and is neither.
fn other_use(name: &str, text: &str) -> Option<&'static str> {
    if name == PLAYBOOK {
        return is_site(text)
            .then_some("it is the configuration of a site, and not taken for a playbook");
    }
    let head = text.lines().next().unwrap_or_default();
    let is_template = text.contains("{{") || text.contains("{%");
    (head.contains(WRITTEN) && !is_template)
        .then_some("odoo-deploy has written it, and does not take it for a template")
}

/// Whether a file in a folder of sites is not a site, but a playbook or a file that adds steps to it.
#[must_use]
pub fn holds_steps(path: &Path) -> bool {
    let is = |name: &str| path.file_name().is_some_and(|found| found == name);
    // a site may have had the name `extra.toml` before the name had a meaning
    is(PLAYBOOK) || (is(EXTRA) && source::read(path).is_ok_and(|text| !is_site(&text)))
}

/// Whether a text is the configuration of a site.
pub(super) fn is_site(text: &str) -> bool {
    let mut lines = text.lines();
    lines.any(|line| line.trim_start().starts_with("[odoo"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_written_file_is_not_a_template_and_a_site_is_not_a_playbook() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let is_own = |name: &str, target: Option<&str>| {
            let (path, _) = file(folder.path(), name, target).unwrap();
            path.starts_with(folder.path())
        };
        put("odoo.conf", "[options]\n");
        put("odoo.toml", "[[step]]\n");
        put(
            "nginx.conf",
            "# Written by odoo-deploy from {{ site.name }}.\n",
        );
        for name in ["odoo.conf", "odoo.toml", "nginx.conf"] {
            assert!(is_own(name, Some("/etc/odoo.conf")), "{name}");
        }
        let conf = folder.path().join("odoo.conf").display().to_string();
        assert!(!is_own("odoo.conf", Some(&conf)));
        assert_eq!(notes(folder.path(), &[]).unwrap().len(), 3);
        put(
            "odoo.conf",
            "; Written by odoo-deploy from the site's configuration.\n[options]\n",
        );
        put("odoo.toml", "# mine\n [odoo]\nversion = \"19.0\"\n");
        assert!(!is_own("odoo.conf", None) && !is_own("odoo.toml", None));
        let said = notes(folder.path(), &[]).unwrap().join("\n");
        assert!(said.contains("not taken for a playbook"), "{said}");
        assert!(said.contains("does not take it for a template"), "{said}");
    }
}
