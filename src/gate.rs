//! The one gate for destruction: what removes or replaces what somebody else may need goes through here.
//!
//! Each act asks for evidence that the thing is ours. Where there is none, it stays, or is moved aside, and that
//! is said. Nobody else can make [`Evidence`], and every act tells of it before it is done.

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

/// Why something may go. It has no public constructor: it comes of looking alone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Evidence(String);

/// What becomes of something: it may go, or it stays for this reason.
pub type Verdict<T> = std::result::Result<T, String>;

impl Evidence {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    /// Says what goes, and why, before it does.
    fn tell(&self, host: &Host, what: &str) -> Result<()> {
        let told = host.disk().about_to(Call::Destroys {
            what,
            evidence: &self.0,
        });
        told.map_err(Error::file("remove", what.as_ref()))
    }
}

/// Moves what is at `path` to a name beside it that nothing has, and says so.
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

/// A name beside `path` that nothing has.
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
