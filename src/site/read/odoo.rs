//! The sections `[odoo]` and `[[addons]]`.

use std::collections::BTreeMap;

use toml::Spanned;

use super::Errors;
use crate::odoo::release::Series;
use crate::site::company::Every;
use crate::site::{
    Addons, AddonsName, Branch, DatabaseName, Language, Languages, LogHandler, ModuleName, Odoo,
    Repository, SiteName,
};
use crate::text::diagnostic::Diagnostic;
use crate::text::reader::{FromToml, Table};

pub(super) fn odoo(
    mut table: Table<'_, '_>,
    site: Option<&SiteName>,
    errors: &mut Errors,
) -> Option<Odoo> {
    let version = if table.has("version") {
        table.take::<Series>("version")
    } else {
        // Asked for all the same, so that a misspelt key is compared with it.
        let _ = table.take::<Series>("version");
        let newest = Series::NEWEST;
        let span = table.span();
        table.error(
            Diagnostic::absent(span, "`version` of `[odoo]` is missing")
                .label("which Odoo?")
                .hint(format!("write `version = \"{newest}\"` below `[odoo]`")),
        );
        None
    };
    let repository = table.take::<Repository>("repository");
    let access = super::access::access(&mut table, repository.as_ref());
    let repository = repository.map_or_else(Repository::odoo, Spanned::into_inner);
    let branch = table.take::<Branch>("branch").map(Spanned::into_inner);
    let commit = table.take("commit").map(Spanned::into_inner);
    let database = match (
        table.has("database"),
        table.take::<DatabaseName>("database"),
    ) {
        (false, _) => site.and_then(|name| name.as_str().parse().ok()),
        (true, database) => database.map(Spanned::into_inner),
    };
    let listed = table.list::<ModuleName>("modules").unwrap_or_default();
    let demo = table.take("demo").is_some_and(Spanned::into_inner);
    let language = table.take("language").map(Spanned::into_inner);
    let languages = languages(&mut table, language.as_ref(), errors);
    let country = table.take("country").map(Spanned::into_inner);
    let company = table.take("company").map(Spanned::into_inner);
    let handlers = table.list::<LogHandler>("log_handlers").unwrap_or_default();
    unique(&listed, "module", errors);
    unique(&handlers, "log handler", errors);
    errors.items.extend(table.finish());
    let version = version?.into_inner();
    Some(Odoo {
        version,
        repository,
        branch: branch.unwrap_or_else(|| version.into()),
        commit,
        access,
        database: database?,
        modules: listed.into_iter().map(Spanned::into_inner).collect(),
        demo,
        language,
        languages,
        country,
        company,
        log_handlers: handlers.into_iter().map(Spanned::into_inner).collect(),
    })
}

/// Whose translations are wanted: those that are listed, and the one of a new database.
fn languages(
    table: &mut Table<'_, '_>,
    first: Option<&Language>,
    errors: &mut Errors,
) -> Languages {
    const KEY: &str = "languages";
    if table.has(KEY) && !table.has_list(KEY) {
        let _ = table.take::<Every>(KEY);
        return Languages::All;
    }
    let listed = table.list::<Language>(KEY).unwrap_or_default();
    unique(&listed, "language", errors);
    let listed = listed.into_iter().map(Spanned::into_inner);
    Languages::these(listed.chain(first.cloned()))
}

/// Notes every value that was there before.
pub(super) fn unique<T: Ord + std::fmt::Display>(
    values: &[Spanned<T>],
    what: &str,
    errors: &mut Errors,
) {
    let mut first: BTreeMap<&T, &Spanned<T>> = BTreeMap::new();
    for value in values {
        if let Some(before) = first.get(value.get_ref()) {
            let message = format!("{what} `{}` is named twice", value.get_ref());
            let label = format!("first on line {}", errors.line(before));
            let error = Diagnostic::new(value.span(), message).label(label);
            errors.items.push(error.hint("name it once"));
        } else {
            first.insert(value.get_ref(), value);
        }
    }
}

pub(super) fn addons(
    tables: Vec<Table<'_, '_>>,
    version: Option<Series>,
    errors: &mut Errors,
) -> Option<Vec<Addons>> {
    let mut names = Vec::new();
    let mut all = Some(Vec::new());
    for mut table in tables {
        let name = required::<AddonsName>(
            &mut table,
            "name",
            "write `name = \"…\"`, the name of its folder",
        );
        let repository = required::<Repository>(
            &mut table,
            "repository",
            "write `repository = \"https://…\"`",
        );
        let branch = table.take::<Branch>("branch").map(Spanned::into_inner);
        let commit = table.take("commit").map(Spanned::into_inner);
        let folder = table.take("folder").map(Spanned::into_inner);
        let access = super::access::access(&mut table, repository.as_ref());
        errors.items.extend(table.finish());
        names.extend(name.clone());
        let one = || {
            Some(Addons {
                name: name?.into_inner(),
                repository: repository?.into_inner(),
                branch: branch.or_else(|| version.map(Branch::from))?,
                commit,
                folder,
                access,
            })
        };
        all = all.zip(one()).map(|(mut all, one)| {
            all.push(one);
            all
        });
    }
    unique(&names, "folder of addons", errors);
    all
}

fn required<T: FromToml>(
    table: &mut Table<'_, '_>,
    key: &'static str,
    hint: &str,
) -> Option<Spanned<T>> {
    let absent = !table.has(key);
    let value = table.take(key);
    if absent {
        let message = format!("`{key}` of `[[addons]]` is missing");
        table.error(Diagnostic::absent(table.span(), message).hint(hint));
    }
    value
}
