//! Where links lead.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::host::files::is_absent;
use crate::host::safe_dir::{MOST_LINKS, names};
use crate::host::{Error, Host, Result};

impl Host {
    /// Resolves all links in `path`, including those of other users. The result serves to name a place, not to open
    /// it. An entry that does not exist is kept as it is.
    ///
    /// # Errors
    /// If a link cannot be read, or the links form a circle.
    pub fn resolved(&self, path: &Path) -> Result<PathBuf> {
        let (mut at, mut links) = (PathBuf::from("/"), 0);
        let mut ahead = names(path);
        while let Some(name) = ahead.pop() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = at.join(name);
            let target = match fs::read_link(self.path(&next)) {
                Ok(target) => target,
                Err(e) if is_absent(&e) || e.kind() == io::ErrorKind::InvalidInput => {
                    at = next;
                    continue;
                }
                Err(e) => return Err(Error::file("read the link", &next)(e)),
            };
            links += 1;
            if links > MOST_LINKS {
                let circle = io::Error::other("links lead round in a circle");
                return Err(Error::file("follow", path)(circle));
            }
            if target.is_absolute() {
                at = "/".into();
            }
            ahead.extend(names(&target));
        }
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn links_on_a_path_are_resolved() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("mnt/disk/opt/odoo/releases/1")).unwrap();
        symlink("/mnt/disk/opt", at("opt")).unwrap();
        symlink("disk", at("mnt/data")).unwrap();
        symlink("/opt/odoo/releases/1", at("mnt/disk/opt/odoo/current")).unwrap();
        symlink("../mnt/data/opt", at("srv")).unwrap();
        symlink("b", at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        for (path, place) in [
            ("/opt/odoo/current", "/mnt/disk/opt/odoo/releases/1"),
            ("/srv/odoo/releases/1", "/mnt/disk/opt/odoo/releases/1"),
            ("/opt/nothing/here", "/mnt/disk/opt/nothing/here"),
            ("/etc/odoo.conf", "/etc/odoo.conf"),
        ] {
            assert_eq!(host.resolved(Path::new(path)).unwrap(), Path::new(place));
        }
        assert!(host.resolved(Path::new("/a/x")).is_err());
    }
}
