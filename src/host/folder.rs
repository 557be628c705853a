//! A folder that a path names, directly or by a link of root's.

use std::path::{Path, PathBuf};

use crate::host::files::Meta;
use crate::host::safe_dir::open_folder;
use crate::host::{Error, Host, Kind, Result};

/// A folder and its real path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFolder {
    /// The path without links.
    pub path: PathBuf,
    /// Its metadata.
    pub meta: Meta,
}

impl Host {
    /// The folder at `path`. `path` may also be a link of root's to a folder: an administrator may have moved
    /// `/opt/odoo` to a larger disk. Returns `None` if `path` does not exist.
    ///
    /// # Errors
    /// If `path` is something else than a folder, or a link that others than root can change.
    pub fn folder(&self, path: &Path) -> Result<Option<FoundFolder>> {
        let unsafe_ = |reason: String| Error::Unsafe {
            path: path.to_owned(),
            reason,
        };
        let Some(meta) = self.meta(path)? else {
            return Ok(None);
        };
        match meta.kind {
            Kind::Folder => {
                let path = path.to_owned();
                return Ok(Some(FoundFolder { path, meta }));
            }
            Kind::Link => (),
            _ => {
                return Err(unsafe_(
                    "it is there and is not a folder; move it away".into(),
                ));
            }
        }
        let place = self.resolved(path)?;
        open_folder(&self.path(path)).map_err(Error::file("follow", path))?;
        match self.meta(&place)? {
            Some(meta) if meta.kind == Kind::Folder => Ok(Some(FoundFolder { path: place, meta })),
            _ => Err(unsafe_(format!(
                "it is a link to `{}`, which is not a folder; make one there, or remove the link",
                place.display()
            ))),
        }
    }
}
