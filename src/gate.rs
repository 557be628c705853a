//! The gate: everything that removes or replaces something that others may need goes through this module.
//!
//! Each function looks for evidence that the thing is ours. Without evidence the thing stays, or is moved aside, and
//! the user is told. Only this module can make [`Evidence`], and each removal is announced to the disk's watch first.

mod account;
mod database;
mod file;
mod filestore;
mod folder;
mod tree;

use std::path::{Path, PathBuf};

pub use account::{drop_cluster, drop_role, remove_packages, remove_user};
pub use database::{BEGUN, Mark, Subject, WHOLE, drop_database, empty_database};
pub use file::{
    lineage_key, make_room, remove_lineage, remove_link, remove_made, remove_own, remove_record,
    remove_server_file, replaces,
};
pub use filestore::{Filestore, remove_filestore};
pub use folder::remove_data;
pub use tree::{
    begin_tree, change_tree, clear_partial, note_tree, put_tree, remove_tools, remove_translations,
    take_tree_away,
};

use crate::event::Event;
use crate::host::disk::Call;
use crate::host::{Error, Host, Result};

/// Why something may be removed. It has no public constructor, so that only the checks of this module can make it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Evidence(String);

/// `Ok` if the thing may be removed; otherwise the reason why it stays.
pub type Verdict<T> = std::result::Result<T, String>;

impl Evidence {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    /// Announces to the disk's watch what is about to be removed, and why.
    fn tell(&self, host: &Host, what: &str) -> Result<()> {
        let told = host.disk().about_to(Call::Destroys {
            what,
            evidence: &self.0,
        });
        told.map_err(Error::file("remove", what.as_ref()))
    }
}

/// Renames `path` to a free name beside it, and tells the user.
fn move_aside(host: &Host, path: &Path, why: &str) -> Result<()> {
    let aside = aside(host, path)?;
    host.rename(path, &aside)?;
    tell_aside(host, path, &aside, why);
    Ok(())
}

fn tell_aside(host: &Host, path: &Path, aside: &Path, why: &str) {
    let text = format!(
        "`{}` {why}: it is now `{}`",
        path.display(),
        aside.display()
    );
    host.events().tell(Event::Note { text });
}

/// A free name beside `path`.
fn aside(host: &Host, path: &Path) -> Result<PathBuf> {
    let mut number = 1;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".kept-{number}"));
        let name = PathBuf::from(name);
        if host.meta(&name)?.is_none() {
            return Ok(name);
        }
        number += 1;
    }
}
