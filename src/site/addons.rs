//! The sections `[[addons]]`.

use super::access::{self, Access};
use super::git::{Branch, Commit, Repository};
use super::name::{AddonsFolder, AddonsName};
use super::read::{Errors, unique};
use super::section::{Section, section};
use crate::odoo::release::Series;
use crate::text::diagnostic::Diagnostic;
use crate::text::reader::Table;

section! {
    /// A further repository of modules. There may be several; their order is the order of `addons_path`.
    pub struct Addons from Written in "[[addons]]" {
        /// The name of the folder for the repository. Each has a name of its own.
        name: AddonsName,
        /// The git repository: `https://`, `ssh://`, `git@host:path` or `file:///path`.
        repository: Repository,
        /// The branch to install. The first run resolves the branch to a commit and records the commit; later runs stay
        /// at it.
        branch: Branch => "the branch that is named after the `version` of `[odoo]`",
        /// The commit to install instead of the newest one of `branch`.
        commit: Option<Commit>,
        /// The folder in the repository that has the modules. Without it, that is the top of the repository.
        #[serde(skip_serializing_if = "Option::is_none")]
        folder: Option<AddonsFolder>,
        /// What opens the repository, if it is private.
        access: Option<Access>,
    }
}

impl Addons {
    /// Reads all sections. `version` is the version of Odoo.
    pub(super) fn read(
        root: &mut Table<'_, '_>,
        version: Option<Series>,
        errors: &mut Errors,
    ) -> Option<Vec<Self>> {
        let tables = root.tables(Self::key());
        let read = |table| {
            let mut written = Self::finish(table, errors);
            rules(&written, errors);
            written.branch.or(version.map(Branch::from));
            written
        };
        let all: Vec<_> = tables.into_iter().map(read).collect();
        let names: Vec<_> = all
            .iter()
            .filter_map(|one| one.name.right.clone())
            .collect();
        unique(&names, "folder of addons", errors);
        all.iter().map(Self::value).collect()
    }
}

fn rules(written: &Written, errors: &mut Errors) {
    let mut needed = |absent, key, hint| {
        if absent {
            let message = format!("`{key}` of `[[addons]]` is missing");
            errors.note(Diagnostic::absent(Addons::place(written), message).hint(hint));
        }
    };
    let hint = "write `name = \"…\"`, the name of its folder";
    needed(written.name.absent, "name", hint);
    let hint = "write `repository = \"https://…\"`";
    needed(written.repository.absent, "repository", hint);
    access::rules(&written.access, written.repository.get(), errors);
}
