//! The data files of a module: views, menus, rights, reports and migration scripts.
//!
//! Odoo loads them into the database when it installs or updates the module, not when it starts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::host::{Error, Host, Kind, Result};

/// The extensions of files that manifests list as data.
const DATA: &[&str] = &["csv", "sql", "xml"];

/// Folders without data: web assets, tests, documentation and translations.
const ASIDE: &[&str] = &[
    "demo",
    "doc",
    "i18n",
    "i18n_extra",
    "readme",
    "static",
    "tests",
];

/// Folders with migration scripts, which an update runs.
const SCRIPTS: &[&str] = &["migrations", "upgrades"];

/// Returns the path, in the module, of a data file that differs between two versions of it.
///
/// # Errors
/// If a file cannot be read.
pub fn changed(host: &Host, was: &Path, now: &Path) -> Result<Option<PathBuf>> {
    let mut files = BTreeSet::new();
    for module in [was, now] {
        collect(host, module, Path::new(""), false, &mut files)?;
    }
    for file in files {
        // a link is not followed and does not count as a data file
        let read = |module: &Path| match host.read(&module.join(&file)) {
            Err(Error::Unsafe { .. }) => Ok(None),
            read => read,
        };
        if read(was)? != read(now)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn collect(
    host: &Host,
    module: &Path,
    folder: &Path,
    is_script: bool,
    files: &mut BTreeSet<PathBuf>,
) -> Result<()> {
    for name in host.list(&module.join(folder))? {
        let path = folder.join(&name);
        let kind = host.meta(&module.join(&path))?.map(|meta| meta.kind);
        match kind {
            Some(Kind::Folder) if !ASIDE.contains(&name.as_str()) && name != "__pycache__" => {
                let is_script = is_script || SCRIPTS.contains(&name.as_str());
                collect(host, module, &path, is_script, files)?;
            }
            Some(Kind::File) => {
                let extension = path.extension().and_then(|extension| extension.to_str());
                if is_script || extension.is_some_and(|extension| DATA.contains(&extension)) {
                    files.insert(path);
                }
            }
            _ => (),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn files_that_need_an_update_are_told_from_files_that_need_only_a_restart() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let (was, now) = (Path::new("/was/sale"), Path::new("/now/sale"));
        for version in ["was", "now"] {
            write(&format!("{version}/sale/__manifest__.py"), version);
            write(&format!("{version}/sale/models/order.py"), version);
            write(&format!("{version}/sale/i18n/de.po"), version);
            write(&format!("{version}/sale/static/src/order.xml"), version);
            write(&format!("{version}/sale/tests/data.xml"), version);
            write(&format!("{version}/sale/views/order.xml"), "<odoo/>");
        }
        assert_eq!(changed(&host, was, now).unwrap(), None);
        write("now/sale/migrations/19.0.1.1/post.py", "");
        let script = Some(PathBuf::from("migrations/19.0.1.1/post.py"));
        assert_eq!(changed(&host, was, now).unwrap(), script);
        write("was/sale/data/cron.csv", "id");
        let gone = Some(PathBuf::from("data/cron.csv"));
        assert_eq!(changed(&host, was, now).unwrap(), gone);
        assert_eq!(changed(&host, now, was).unwrap(), gone);
    }
}
