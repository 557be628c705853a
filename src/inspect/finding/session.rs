//! The sessions of Odoo in PostgreSQL: settings of the owner that Odoo cannot work with, and connections, if other
//! roles use all of them.

use futures_util::future::join;

use super::{Finding, Surveyed};
use crate::host::{Host, Result};
use crate::resource::ask_beside;
use crate::site::Site;
use crate::text::sql::literal;

/// The number of connections that Odoo needs at least.
const LEAST: u32 = 3;

/// A setting that Odoo cannot work with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Which setting this is, where it is set, and why Odoo cannot work with it.
    pub(crate) what: String,
    /// The command that corrects it.
    pub(crate) way: String,
    /// Whether the database of the site exists.
    pub(crate) is_there: bool,
}

/// The settings that Odoo cannot work with, for the site's role in its database. For each setting only the value that
/// takes precedence is judged.
pub(crate) async fn wrong(host: &Host, site: &Site) -> Result<Vec<Wrong>> {
    if site.postgres.server.is_some() {
        return Ok(Vec::new());
    }
    let (role, database) = (site.paths.role.as_str(), site.odoo.database.to_string());
    let rows = ask_beside(host, &question(role, &database)).await?;
    Ok(rows.iter().filter_map(|row| judged(row)).collect())
}

/// If other roles leave Odoo no connections: the problem, and what to do.
pub(crate) async fn crowded(host: &Host, site: &Site) -> Result<Option<(String, String)>> {
    if site.postgres.server.is_some() {
        return Ok(None);
    }
    let rows = ask_beside(host, &count(site.paths.role.as_str())).await?;
    Ok(rows.first().and_then(|row| taken(row)))
}

/// The settings and missing connections that affect a site now.
pub(super) async fn findings(surveyed: Surveyed<'_>) -> Result<Vec<Finding>> {
    let (host, site) = (surveyed.host, surveyed.site);
    let (wrong, crowded) = join(wrong(host, site), crowded(host, site)).await;
    let wrong = wrong?.into_iter().filter(|wrong| wrong.is_there);
    let again = format!("then `systemctl restart {}`", site.paths.unit);
    let wrong = wrong.map(|wrong| Finding::of_site(wrong.what, format!("{}, {again}", wrong.way)));
    let crowded = crowded?.map(|(what, way)| Finding::of_site(what, way));
    Ok(wrong.chain(crowded).collect())
}

/// Fields: all connections, those reserved for superusers, those of other roles, the role and database with most of
/// these, and the number of connections of that role to that database.
fn count(role: &str) -> String {
    format!(
        "select current_setting('max_connections'), current_setting('superuser_reserved_connections')::int \
         + coalesce(current_setting('reserved_connections', true), '0')::int, sum(n), \
         (array_agg(usename order by n desc))[1], (array_agg(datname order by n desc))[1], max(n) from \
         (select coalesce(usename::text, '') as usename, coalesce(datname::text, '') as datname, count(*) as n \
         from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() \
         and usename is distinct from {} group by 1, 2) others;",
        literal(role)
    )
}

fn taken(row: &[String]) -> Option<(String, String)> {
    let [all, kept, others, role, database, most] = row else {
        return None;
    };
    let number = |text: &String| text.parse::<u32>().ok();
    let (all, others) = (number(all)?.saturating_sub(number(kept)?), number(others)?);
    (others + LEAST > all).then(|| {
        (
            format!(
                "others leave no connections of PostgreSQL to Odoo: most are those of the role `{role}` to the database \
                 `{database}`"
            ),
            format!(
                "{others} of {all} are taken, {most} by that role: end the program that holds them (`runuser -u postgres -- \
                 psql -c 'select * from pg_stat_activity'`), or give PostgreSQL more, by a line `max_connections = {}` in a file below its \
                 `conf.d` and `systemctl restart postgresql`",
                all + 100
            ),
        )
    })
}

/// Fields: the setting, its value, the database and role that it is set for, or the file and line, and whether the
/// database exists.
fn question(role: &str, database: &str) -> String {
    let (role, database) = (literal(role), literal(database));
    format!(
        "select distinct on (name) name, replace(value, '|', ' '), base, who, file, line, \
         exists (select from pg_database where datname = {database}) from \
         (select split_part(s, '=', 1) as name, substr(s, strpos(s, '=') + 1) as value, coalesce(d.datname::text, '') as base, \
         coalesce(r.rolname::text, '') as who, '' as file, 0 as line, \
         (setrole <> 0)::int * 2 + (setdatabase <> 0)::int + 1 as rank from pg_db_role_setting \
         left join pg_database d on d.oid = setdatabase left join pg_roles r on r.oid = setrole, unnest(setconfig) s \
         where (setrole = 0 or r.rolname = {role}) and (setdatabase = 0 or d.datname = {database}) \
         union all select name, setting, '', '', sourcefile, sourceline, 0 from pg_file_settings where applied) said \
         where name in ('default_transaction_read_only', 'role', 'search_path') order by name, rank desc;"
    )
}

fn judged(row: &[String]) -> Option<Wrong> {
    let [name, value, base, who, file, line, is_there] = row else {
        return None;
    };
    let reason = reason(name, value, who)?;
    let (setter, way) = match (base.as_str(), who.as_str()) {
        _ if !file.is_empty() => (
            format!("`{file}` (line {line})"),
            "take that line away, then `systemctl reload postgresql`".to_owned(),
        ),
        ("", "") => ("PostgreSQL, for all roles,".into(), reset("role all", name)),
        ("", who) => (
            format!("PostgreSQL, for the role `{who}`,"),
            reset(&format!("role \"{who}\""), name),
        ),
        (base, "") => (
            format!("PostgreSQL, for the database `{base}`,"),
            reset(&format!("database \"{base}\""), name),
        ),
        (base, who) => (
            format!("PostgreSQL, for the role `{who}` in the database `{base}`,"),
            reset(&format!("role \"{who}\" in database \"{base}\""), name),
        ),
    };
    Some(Wrong {
        what: format!("{setter} sets `{name} = {value}`: {reason}"),
        way,
        is_there: is_there == "t",
    })
}

/// Why Odoo cannot work with a value; `None` if it can.
fn reason(name: &str, value: &str, who: &str) -> Option<&'static str> {
    match name {
        "default_transaction_read_only" => ["on", "true", "yes", "1"]
            .contains(&value.to_lowercase().as_str())
            .then_some("Odoo could read and not write"),
        "search_path" => {
            let mut schemas = value
                .split(',')
                .map(|schema| schema.trim().trim_matches('"'));
            (!schemas.any(|schema| schema == "public"))
                .then_some("the schema `public`, in which Odoo's tables are, is not among them")
        }
        "role" => {
            (!["none", who].contains(&value)).then_some("what Odoo makes would belong to that role")
        }
        _ => None,
    }
}

/// The command that resets a setting. The setting may also apply to the administrator's own session.
fn reset(subject: &str, name: &str) -> String {
    let first = if name == "default_transaction_read_only" {
        "-c 'set default_transaction_read_only = off' "
    } else {
        ""
    };
    format!("`runuser -u postgres -- psql {first}-c 'alter {subject} reset {name}'`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_left_by_others_are_counted() {
        let taken = |all: &str, others: &str| {
            let row = [all, "3", others, "shop", "stock", others].map(str::to_owned);
            taken(&row)
        };
        let (what, way) = taken("100", "95").unwrap();
        assert!(
            what.ends_with("of the role `shop` to the database `stock`"),
            "{what}"
        );
        assert!(
            way.starts_with("95 of 97 are taken, 95 by that role"),
            "{way}"
        );
        assert_eq!(taken("100", "94"), None);
        assert_eq!(taken("100", ""), None);
    }

    #[test]
    fn an_unusable_setting_is_reported_with_the_command_that_resets_it() {
        let told = |fields: [&str; 7]| {
            let row: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
            judged(&row).map(|wrong| format!("{}; {}", wrong.what, wrong.way))
        };
        for (fields, expected) in [
            (
                [
                    "search_path",
                    "\"$user\", private",
                    "",
                    "odoo",
                    "",
                    "0",
                    "t",
                ],
                "for the role `odoo`, sets `search_path = \"$user\", private`: the schema `public`, in which Odoo's tables \
                 are, is not among them; `runuser -u postgres -- psql -c 'alter role \"odoo\" reset search_path'`",
            ),
            (
                [
                    "default_transaction_read_only",
                    "on",
                    "odoo",
                    "",
                    "",
                    "0",
                    "t",
                ],
                "'alter database \"odoo\" reset default_transaction_read_only'",
            ),
            (
                ["default_transaction_read_only", "on", "", "", "", "0", "f"],
                "'alter role all reset",
            ),
            (
                ["role", "dba", "odoo", "odoo", "", "0", "t"],
                "'alter role \"odoo\" in database \"odoo\" reset role'",
            ),
            (
                ["search_path", "app", "", "", "/etc/own.conf", "7", "t"],
                "`/etc/own.conf` (line 7) sets `search_path = app`",
            ),
        ] {
            let told = told(fields).unwrap_or_default();
            assert!(told.contains(expected), "{told}");
        }
        for fields in [
            ["search_path", "\"$user\", public", "", "odoo", "", "0", "t"],
            [
                "default_transaction_read_only",
                "off",
                "",
                "odoo",
                "",
                "0",
                "t",
            ],
            ["role", "none", "", "odoo", "", "0", "t"],
        ] {
            assert_eq!(told(fields), None);
        }
    }
}
