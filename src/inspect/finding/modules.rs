//! The modules in the database, and whether their code exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Finding, Surveyed};
use crate::host::{Host, Result};
use crate::odoo::modules;
use crate::plan::Plan;
use crate::resource::{AnyResource, Database};
use crate::site::Site;

/// The number of links that the kernel follows.
const MOST_LINKS: usize = 40;

/// One call: psql itself decides which query to run, depending on the existing tables. Imported modules consist of
/// data only and have no code.
const SQL: &str = "select to_regclass('public.ir_module_module') is not null as odoo \\gset\n\
    \\if :odoo\n\
    select name, state, coalesce(latest_version, '') from public.ir_module_module m where state in \
    ('installed', 'to install', 'to upgrade', 'to remove') \
    and coalesce(to_jsonb(m) ->> 'imported', 'false') <> 'true' order by name;\n\\endif\n";

/// A module, as the database describes it.
struct Row {
    name: String,
    state: String,
    version: String,
}

/// Why the modules in the database and the code on the server do not fit together.
pub(super) async fn findings(surveyed: Surveyed<'_>) -> Result<Vec<Finding>> {
    let Some(database) = database(surveyed.plan) else {
        return Ok(Vec::new());
    };
    let rows = rows(surveyed.host, database).await?;
    // the plan reports a database that does not exist or is not initialised
    let Some(base) = rows
        .iter()
        .find(|row| row.name == "base" && row.state == "installed")
    else {
        return Ok(Vec::new());
    };
    let paths = &surveyed.site.paths;
    let conf = surveyed.host.text(Path::new(&paths.conf))?;
    let folders = folders(surveyed.host, surveyed.site, &conf.unwrap_or_default())?;
    let mut found = series(surveyed, base, &folders, database)?;
    found.extend(left_over(&rows, database));
    found.extend(without_code(surveyed.host, &rows, &folders, database)?);
    Ok(found)
}

/// The database of the site.
pub(super) fn database(plan: &Plan) -> Option<&Database> {
    plan.steps.iter().find_map(|step| match &step.resource {
        AnyResource::Database(database) => Some(database),
        _ => None,
    })
}

async fn rows(host: &Host, database: &Database) -> Result<Vec<Row>> {
    let rows = database.ask(host, SQL).await?;
    Ok(rows.into_iter().filter_map(row).collect())
}

/// The modules that Odoo loads from the site's database, or is about to change; none if the database does not exist.
///
/// # Errors
/// If the query of the database fails.
pub(crate) async fn installed(host: &Host, plan: &Plan) -> Result<BTreeSet<String>> {
    let Some(database) = database(plan) else {
        return Ok(BTreeSet::new());
    };
    let rows = rows(host, database).await?.into_iter();
    Ok(rows
        .filter(|row| row.state != "to install")
        .map(|row| row.name)
        .collect())
}

fn row(row: Vec<String>) -> Option<Row> {
    let [name, state, version] = <[String; 3]>::try_from(row).ok()?;
    Some(Row {
        name,
        state,
        version,
    })
}

/// Odoo runs no scheduled action in a database if the version of its `base` differs from the code's (`_check_version`
/// of `ir.cron`).
fn series(
    surveyed: Surveyed<'_>,
    base: &Row,
    folders: &[PathBuf],
    database: &Database,
) -> Result<Vec<Finding>> {
    let series = surveyed.site.odoo.version.to_string();
    let Some(version) = modules::version(surveyed.host, folders, "base")? else {
        return Ok(Vec::new());
    };
    let own = if version.starts_with(&format!("{series}.")) {
        version
    } else {
        format!("{series}.{version}")
    };
    if base.version.is_empty() || base.version == own {
        return Ok(Vec::new());
    }
    let hint = if base.version.starts_with(&format!("{series}.")) {
        format!("update it: `{}`", call(database, "--update base"))
    } else {
        format!(
            "put the `odoo.version` of that series back, name another `odoo.database`, or have the database \
             upgraded to {series}"
        )
    };
    Ok(vec![Finding::of_site(
        format!(
            "Odoo runs no scheduled action: the database `{}` has `base` {}, its code is {own}",
            database.name, base.version
        ),
        hint,
    )])
}

/// Modules in a state that only an update by Odoo ends.
fn left_over(rows: &[Row], database: &Database) -> Vec<Finding> {
    let finding = |state: &str| {
        let names: Vec<&str> = rows
            .iter()
            .filter(|row| row.state == state)
            .map(|row| row.name.as_str())
            .collect();
        let first = names.first()?;
        let is = if names.len() == 1 { "is" } else { "are" };
        Some(Finding::of_site(
            format!(
                "`{}` in the database `{}` {is} left in the state `{state}`",
                names.join("`, `"),
                database.name,
            ),
            format!(
                "have Odoo go on with it: `{}`, or cancel it in its Apps",
                call(database, &format!("--update {first}"))
            ),
        ))
    };
    ["to install", "to upgrade", "to remove"]
        .into_iter()
        .filter_map(finding)
        .collect()
}

/// Installed modules that Odoo ignores at its start, with the warning `Some modules are not loaded`.
fn without_code(
    host: &Host,
    rows: &[Row],
    folders: &[PathBuf],
    database: &Database,
) -> Result<Vec<Finding>> {
    let named: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row.state != "to install")
        .map(|row| row.name.as_str())
        .collect();
    let (mut there, gone) = modules::parted(host, folders, &named)?;
    // Odoo's own modules fit together
    let odoo = folders[0].parent().and_then(Path::parent);
    there.retain(|_, place| odoo.is_none_or(|odoo| !place.starts_with(odoo)));
    let mut found = Vec::new();
    if !gone.is_empty() {
        found.push(Finding::of_site(
            format!(
                "there is no code for `{}`, installed in the database `{}`: Odoo does not load {}",
                gone.join("`, `"),
                database.name,
                if gone.len() == 1 { "it" } else { "them" }
            ),
            "put the repository that has it back as `[[addons]]`, or uninstall it in Odoo while its code is there",
        ));
    }
    for (name, need) in modules::unmet(host, &there, &named)? {
        found.push(Finding::of_site(
            format!(
                "`{name}` needs `{need}`, which is not installed in the database `{}`: Odoo does not load it",
                database.name
            ),
            format!(
                "have Odoo install it: `{}`",
                call(database, &format!("--init {need}"))
            ),
        ));
    }
    Ok(found)
}

/// The command that runs Odoo on the database as its account, for messages.
fn call(database: &Database, what: &str) -> String {
    format!(
        "runuser -u {} -- {} {} --config {} --database {} --no-http {what} --stop-after-init",
        database.account(),
        database.python.display(),
        database.odoo.display(),
        database.conf.display(),
        database.name,
    )
}

/// The folders in which the service looks for modules: those in its configuration `conf`, and those that Odoo adds
/// itself (`initialize_sys_path` in its `modules/module.py`).
pub(crate) fn folders(host: &Host, site: &Site, conf: &str) -> Result<Vec<PathBuf>> {
    let paths = &site.paths;
    let mut folders = vec![
        PathBuf::from(format!("{}/current/odoo/addons", paths.home)),
        PathBuf::from(format!("{}/addons/{}", paths.data, site.odoo.version)),
    ];
    let pairs = conf.lines().filter_map(|line| line.split_once('='));
    let said = pairs.filter(|(key, _)| key.trim() == "addons_path");
    folders.extend(said.flat_map(|(_, value)| {
        let parts = value.split(',').map(str::trim);
        parts.filter(|part| !part.is_empty()).map(PathBuf::from)
    }));
    folders
        .iter()
        .map(|folder| resolved(host, folder))
        .collect()
}

/// The path after following all links.
fn resolved(host: &Host, path: &Path) -> Result<PathBuf> {
    let mut left: Vec<_> = path
        .components()
        .rev()
        .map(|part| part.as_os_str().to_owned())
        .collect();
    let (mut done, mut links) = (PathBuf::from("/"), 0);
    while let Some(part) = left.pop() {
        let next = done.join(&part);
        match host.link_target(&next)? {
            Some(target) if links < MOST_LINKS => {
                links += 1;
                left.extend(
                    target
                        .components()
                        .rev()
                        .map(|part| part.as_os_str().to_owned()),
                );
                if target.is_absolute() {
                    done = PathBuf::from("/");
                }
            }
            _ if part == ".." => _ = done.pop(),
            _ => done = next,
        }
    }
    Ok(done)
}
