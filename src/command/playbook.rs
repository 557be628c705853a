//! `playbook`.

use clap::Args;

use crate::command::ending::{Refused, misused};
use crate::plan::blueprint::{PLAYBOOK, built_in};

/// `playbook`.
#[derive(Clone, Debug, Args)]
pub struct Playbook {
    /// One of the built-in files: the playbook, or a template that it names.
    #[arg(value_name = "NAME", default_value = PLAYBOOK)]
    pub name: String,
}

/// Returns a built-in file.
pub(super) fn playbook(asked: &Playbook) -> Result<String, Refused> {
    built_in(&asked.name).map(str::to_owned).map_err(misused)
}
