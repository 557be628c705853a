//! A folder by its place, which a link of root's may name.

use std::path::{Path, PathBuf};

use crate::host::files::Meta;
use crate::host::safe_dir::open_folder;
use crate::host::{Error, Host, Kind, Result};

/// A folder, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its path without links.
    pub path: PathBuf,
    /// What can be seen of it.
    pub meta: Meta,
}

impl Host {
    /// The folder at `path`, which may be a link of root's to one: `/opt/odoo` is where its owner has moved it to
    /// a larger disk. `None` where there is nothing.
    ///
    /// # Errors
    /// If something else is there, or a link that others than root could change.
    pub fn folder(&self, path: &Path) -> Result<Option<Place>> {
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
                return Ok(Some(Place { path, meta }));
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
            Some(meta) if meta.kind == Kind::Folder => Ok(Some(Place { path: place, meta })),
            _ => Err(unsafe_(format!(
                "it is a link to `{}`, which is not a folder; make one there, or remove the link",
                place.display()
            ))),
        }
    }
}
