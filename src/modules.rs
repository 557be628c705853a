//! Modules of Odoo as they lie in sources.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::diagnostic::did_you_mean;
use crate::host::{Error, Host, Result};

/// What makes a folder a module.
const MANIFEST: &str = "__manifest__.py";

/// Why modules cannot be installed from `folders`: those that are not there, and those that need one
/// that is not. A line for each.
///
/// # Errors
/// Where a source cannot be read.
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
        left.extend(needs.map(|need| (need.to_owned(), Some(name.clone()))));
    }
    Ok(reasons)
}

fn manifest(host: &Host, folders: &[PathBuf], name: &str) -> Result<Option<String>> {
    for folder in folders {
        match host.text(&folder.join(name).join(MANIFEST)) {
            // a link in a folder of the builder's, which root does not follow: Odoo will tell
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

/// The names in the list `depends` of a manifest, a Python literal. Where it is not written plainly it
/// is Odoo that will tell.
fn depends(manifest: &str) -> Vec<&str> {
    let key = ["'depends'", "\"depends\""];
    let list = key.iter().find_map(|key| {
        let (_, rest) = manifest.split_once(key)?;
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        rest.strip_prefix(['[', '('])?.split([']', ')']).next()
    });
    let lines = list.unwrap_or_default().lines();
    let names = lines.flat_map(|line| line.split('#').next().unwrap_or_default().split(','));
    names
        .map(|name| name.trim().trim_matches(['\'', '"']))
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dependencies_are_read_as_python_has_them() {
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
            ("{'depends': ['base'] + more}", vec!["base"]),
        ] {
            assert_eq!(depends(manifest), expected, "{manifest}");
        }
    }
}
