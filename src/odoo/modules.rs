//! Odoo modules in the folders of sources.

mod data;
mod literal;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use self::data::changed as data_changed;
use self::literal::Literal;
use crate::host::{Error, Host, Kind, Result};
use crate::text::diagnostic::did_you_mean;

/// The file that makes a folder a module.
const MANIFEST: &str = "__manifest__.py";

/// Reasons why modules cannot be installed from `folders`, a line each: modules that do not exist, and modules that
/// depend on one that does not exist.
///
/// # Errors
/// If a source cannot be read.
pub fn missing(host: &Host, folders: &[PathBuf], asked: &[&str]) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    let mut seen = BTreeSet::new();
    let mut left: Vec<(String, Option<String>)> = asked
        .iter()
        .rev()
        .map(|name| ((*name).to_owned(), None))
        .collect();
    while let Some((name, by)) = left.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(manifest) = manifest(host, folders, &name)? else {
            reasons.push(unknown(host, folders, &name, by.as_deref())?);
            continue;
        };
        let needs = depends(&manifest).into_iter();
        left.extend(needs.map(|need| (need, Some(name.clone()))));
    }
    Ok(reasons)
}

fn manifest(host: &Host, folders: &[PathBuf], name: &str) -> Result<Option<String>> {
    for folder in folders {
        match host.text(&folder.join(name).join(MANIFEST)) {
            // a link in a folder of the builder: root does not follow it, so Odoo itself must report a problem
            Err(Error::Unsafe { .. }) => return Ok(Some(String::new())),
            Ok(None) => (),
            read => return read,
        }
    }
    Ok(None)
}

fn unknown(host: &Host, folders: &[PathBuf], name: &str, by: Option<&str>) -> Result<String> {
    if let Some(by) = by {
        return Ok(format!(
            "the module `{by}` depends on `{name}`, which is neither in this release nor in the add-ons; \
             add its repository as `[[addons]]`"
        ));
    }
    let mut known = Vec::new();
    for folder in folders {
        known.extend(host.list(folder)?);
    }
    let hint = match did_you_mean(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "add its repository as `[[addons]]`".to_owned(),
    };
    Ok(format!(
        "there is no module `{name}` in this release and its add-ons; {hint}"
    ))
}

/// The names in the list `depends` of a manifest. Empty if the list is no literal; Odoo itself must report problems
/// then.
fn depends(manifest: &str) -> Vec<String> {
    let read = Literal::read(manifest);
    let list = read.as_ref().and_then(|read| read.value("depends"));
    let names = list.map(Literal::texts).unwrap_or_default();
    names.into_iter().map(str::to_owned).collect()
}

/// The version in the manifest of a module. `None` if the manifest has no version, or does not exist.
///
/// # Errors
/// If a source cannot be read.
pub fn version(host: &Host, folders: &[PathBuf], name: &str) -> Result<Option<String>> {
    let manifest = manifest(host, folders, name)?;
    let read = manifest.and_then(|manifest| Literal::read(&manifest));
    let version = read.as_ref().and_then(|read| read.value("version")?.text());
    Ok(version.map(str::to_owned))
}

/// Splits `names` into modules that exist, with the folder of each, and modules that are in none of `folders`.
///
/// # Errors
/// If a source cannot be read.
pub fn parted(
    host: &Host,
    folders: &[PathBuf],
    names: &BTreeSet<&str>,
) -> Result<(BTreeMap<String, PathBuf>, Vec<String>)> {
    let mut there = BTreeMap::new();
    for folder in folders {
        for name in host.list(folder)? {
            let inside = folder.join(&name);
            if names.contains(name.as_str())
                && !there.contains_key(&name)
                && host.meta(&inside.join(MANIFEST))?.is_some()
            {
                there.insert(name, inside);
            }
        }
    }
    let gone = names.iter().filter(|name| !there.contains_key(**name));
    let gone = gone.map(|name| (*name).to_owned()).collect();
    Ok((there, gone))
}

/// Modules that depend on one that is not in `installed`, each with its first such dependency.
///
/// # Errors
/// If a source cannot be read.
pub fn unmet(
    host: &Host,
    there: &BTreeMap<String, PathBuf>,
    installed: &BTreeSet<&str>,
) -> Result<Vec<(String, String)>> {
    let mut unmet = Vec::new();
    for (name, folder) in there {
        let manifest = match host.text(&folder.join(MANIFEST)) {
            Err(Error::Unsafe { .. }) => continue,
            read => read?.unwrap_or_default(),
        };
        let needs = depends(&manifest).into_iter();
        let mut missing = needs.filter(|need| !installed.contains(need.as_str()));
        if let Some(need) = missing.next() {
            unmet.push((name.clone(), need));
        }
    }
    Ok(unmet)
}

/// The modules in a folder: the folders in it that have a manifest.
///
/// # Errors
/// If the folder cannot be read.
pub fn within(host: &Host, folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for name in host.list(folder)? {
        if host.meta(&folder.join(&name).join(MANIFEST))?.is_some() {
            found.push(name);
        }
    }
    Ok(found)
}

/// How deep, and in how many folders, modules are searched for below a folder that has none.
const DEEP: usize = 3;
const MANY: usize = 2_000;

/// Explains why Odoo finds no module in `folder` of the repository at `top`, and what to write instead. `None` if
/// Odoo finds some.
///
/// # Errors
/// If the repository cannot be read.
pub fn why_none(host: &Host, top: &Path, folder: Option<&str>) -> Result<Option<String>> {
    if !within(
        host,
        &folder.map_or_else(|| top.to_owned(), |folder| top.join(folder)),
    )?
    .is_empty()
    {
        return Ok(None);
    }
    let place = folder.map_or_else(
        || "at its top".to_owned(),
        |folder| format!("in its folder `{folder}`"),
    );
    let folder = top;
    if host.meta(&folder.join(MANIFEST))?.is_some() {
        return Ok(Some(
            "the repository is itself one module, and Odoo takes a folder that has modules in it; take a repository \
             that has it in a folder, named as the module"
                .to_owned(),
        ));
    }
    let mut places = BTreeSet::new();
    let mut left = vec![(PathBuf::new(), 0)];
    let mut looked = 0;
    while let Some((place, depth)) = left.pop() {
        looked += 1;
        if looked > MANY {
            break;
        }
        for name in host.list(&folder.join(&place))? {
            let inside = place.join(&name);
            let is_folder = host
                .meta(&folder.join(&inside))?
                .is_some_and(|meta| meta.kind == Kind::Folder);
            if !is_folder || name.starts_with('.') {
                continue;
            }
            if host.meta(&folder.join(&inside).join(MANIFEST))?.is_some() {
                places.insert(place.display().to_string());
            } else if depth < DEEP {
                left.push((inside, depth + 1));
            }
        }
    }
    let modules = host.text(&folder.join(".gitmodules")).ok().flatten();
    Ok(Some(match (places.first(), modules) {
        (Some(first), _) if first.is_empty() => {
            format!("there is no module {place}, but there are some at its top; take `folder` out")
        }
        (Some(first), _) => {
            let all: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
            format!(
                "there is no module {place}, where Odoo would look; there are some in {}: write \
                 `folder = \"{first}\"` below its `[[addons]]`{}",
                all.join(", "),
                if all.len() > 1 {
                    ", and for each further one an `[[addons]]` of its own"
                } else {
                    ""
                }
            )
        }
        (None, Some(text)) => {
            let urls: Vec<&str> = text
                .lines()
                .filter_map(|line| {
                    line.trim()
                        .strip_prefix("url")?
                        .trim_start()
                        .strip_prefix('=')
                })
                .map(str::trim)
                .collect();
            format!(
                "there is no module in it, but submodules of git's, which are not fetched; give each an \
                 `[[addons]]` of its own: `{}`",
                urls.join("`, `")
            )
        }
        (None, None) => {
            "there is no module in it, not in any folder; see whether its branch is the right one"
                .to_owned()
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    /// A machine with these files, given as path and text.
    fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        (root, host)
    }

    #[test]
    fn a_repository_with_modules_in_the_wrong_folder_says_where_they_are() {
        let module = |place: &str| format!("r/{place}__manifest__.py");
        let (top, deep, own) = (module("one/"), module("addons/one/"), module(""));
        let others = module("x/y/two/");
        let submodule = (
            "r/.gitmodules",
            "[submodule \"a\"]\n\turl = https://a/b.git\n",
        );
        for (files, folder, expected) in [
            (vec![(top.as_str(), "{}")], None, None),
            (
                vec![(top.as_str(), "{}")],
                Some("addons"),
                Some("take `folder` out"),
            ),
            (vec![(deep.as_str(), "{}")], Some("addons"), None),
            (
                vec![(deep.as_str(), "{}")],
                None,
                Some("`folder = \"addons\"`"),
            ),
            (
                vec![(deep.as_str(), "{}"), (others.as_str(), "{}")],
                None,
                Some("some in `addons`, `x/y`: write"),
            ),
            (vec![(own.as_str(), "{}")], None, Some("itself one module")),
            (vec![submodule], None, Some("of its own: `https://a/b.git`")),
            (vec![("r/README.md", "")], None, Some("no module in it")),
        ] {
            let (_root, host) = host(&files);
            let why = why_none(&host, Path::new("/r"), folder).expect("looked at");
            match expected {
                None => assert_eq!(why, None, "{files:?}"),
                Some(words) => assert!(why.is_some_and(|why| why.contains(words)), "{words}"),
            }
        }
    }

    #[test]
    fn modules_without_code_and_modules_that_depend_on_them_are_separated() {
        let (_root, host) = host(&[
            ("a/one/__manifest__.py", "{'depends': ['base', 'new']}"),
            ("b/base/__manifest__.py", "{'version': '1.3'}"),
            ("b/two/README", ""),
        ]);
        let folders = [PathBuf::from("/a"), PathBuf::from("/b")];
        let names = BTreeSet::from(["base", "one", "two"]);
        let (there, gone) = parted(&host, &folders, &names).expect("looked at");
        assert_eq!(gone, ["two"]);
        let unmet = unmet(&host, &there, &names).expect("looked at");
        assert_eq!(unmet, [("one".to_owned(), "new".to_owned())]);
        let version = version(&host, &folders, "base").expect("looked at");
        assert_eq!(version.as_deref(), Some("1.3"));
    }

    #[test]
    fn dependencies_are_read_as_python_reads_them() {
        for (manifest, expected) in [
            (
                "{'name': 'x', 'depends': ['base', \"web\"]}",
                vec!["base", "web"],
            ),
            (
                "{\n  \"depends\" : [\n    'sale', # of course\n    # 'mrp',\n    'stock',\n  ],\n}",
                vec!["sale", "stock"],
            ),
            ("{'depends': ('base',)}", vec!["base"]),
            ("{'name': 'x'}", vec![]),
            ("{'depends': []}", vec![]),
            (
                "# 'depends': ['gone'],\n{'depends': ['base']}",
                vec!["base"],
            ),
            ("{'depends': ['base'] + more}", vec![]),
        ] {
            assert_eq!(depends(manifest), expected, "{manifest}");
        }
    }
}
