//! The section `[odoo]`.

use super::access::{self, Access};
use super::company::{Company, Country, Language, Languages};
use super::git::{Branch, Commit, Repository};
use super::logs::LogHandler;
use super::name::{DatabaseName, ModuleName, SiteName};
use super::read::{Errors, unique};
use super::section::{Section, section};
use crate::odoo::release::Series;
use crate::text::diagnostic::Diagnostic;
use crate::text::reader::Table;

section! {
    /// Odoo and its database.
    pub struct Odoo from Written in "[odoo]" {
        /// The release of Odoo.
        version: Series,
        /// The git repository of Odoo's source: `https://`, `ssh://`, `git@host:path` or `file:///path`.
        repository: Repository = Repository::odoo(),
        /// The branch to install. The first run resolves the branch to a commit and records the commit; later runs stay
        /// at it.
        branch: Branch => "the branch that is named after `version`",
        /// The commit to install instead of the newest one of `branch`. To move to a newer commit, name that commit
        /// here.
        commit: Option<Commit>,
        /// What opens the repository, if it is private.
        access: Option<Access>,
        /// The name of the database.
        database: DatabaseName => "the `name` of `[site]`",
        /// The modules to install. A module that is taken out of the list later stays installed, and the plan names it.
        modules: Vec<ModuleName>,
        /// Whether a new database is filled with demonstration data.
        demo: bool = false,
        /// The language of a new database, such as `"de_DE"`. Later the language is changed in Odoo.
        language: Option<Language>,
        /// The languages whose translations are on the server, beside English and `language`. Name a language here
        /// before it is activated in Odoo. The translations of a language that is taken out of the list stay.
        languages: Languages,
        /// The country of a new database's company, such as `"DE"`. It decides on the currency and the accounts. Later
        /// the country is changed in Odoo.
        country: Option<Country>,
        /// The name of a new database's company. Later the name is changed in Odoo.
        company: Option<Company>,
        /// Loggers that tell more or less than usual, such as `"odoo.sql_db:DEBUG"`. Without a logger before the colon
        /// the level is that of all loggers.
        log_handlers: Vec<LogHandler>,
    }
}

impl Odoo {
    /// Reads the section of the site that is named `site`.
    pub(super) fn read(
        root: &mut Table<'_, '_>,
        site: Option<&SiteName>,
        errors: &mut Errors,
    ) -> Option<Self> {
        let mut table = root.table(Self::key());
        // The credentials stand beside `repository` in messages, although playbooks have them after the commit.
        table.knows(&["version", "repository", "key", "token"]);
        let mut written = Self::finish(table, errors);
        if written.version.absent {
            let newest = Series::NEWEST;
            let message = "`version` of `[odoo]` is missing";
            let error = Diagnostic::absent(Self::place(&written), message).label("which Odoo?");
            errors.note(error.hint(format!("write `version = \"{newest}\"` below `[odoo]`")));
        }
        access::rules(&written.access, written.repository.get(), errors);
        unique(&written.modules, "module", errors);
        unique(&written.log_handlers, "log handler", errors);
        if let Some(languages) = &mut written.languages {
            unique(languages, "language", errors);
            languages.extend(written.language.right.clone());
        }
        let version = written.version.get();
        written.branch.or(version.copied().map(Branch::from));
        let name = site.and_then(|name| name.as_str().parse().ok());
        written.database.or(name);
        Self::value(&written)
    }
}
