//! Whether PostgreSQL of this host accepts Odoo's connections: the first matching line of `pg_hba.conf` decides.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{Found, Inspected};
use crate::host::{Error, Host, Result};
use crate::resource::ask_local;
use crate::text::sql::literal;

/// The database in which Odoo's scheduled jobs listen, besides its own.
const ENTRANCE: &str = "postgres";

/// The line that decides on one database, or a line with an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rule {
    /// The database in question; `None` if the line has an error.
    asked: Option<String>,
    file: String,
    /// `None` if no line matches.
    line: Option<u32>,
    method: Option<String>,
    options: Vec<String>,
    error: Option<String>,
    /// The file with the user name maps of `peer`.
    ident: String,
}

/// Checks the deciding lines if a server runs here and anything is to be changed.
pub(super) async fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, site) = (inspected.host, inspected.site);
    if site.postgres.server.is_some() || inspected.observed.is_settled() {
        return Ok(());
    }
    if inspected.pending_of("cluster").next().is_some() {
        return Ok(());
    }
    let (role, database) = (site.paths.role.as_str(), site.odoo.database.to_string());
    let Some(rows) = ask_local(host, &question(role, &database)).await? else {
        return Ok(());
    };
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let rule: Rule = serde_json::from_str(&row.concat())
            .map_err(|e| Error::garbled("the answer of `psql`", e.to_string()))?;
        if let Some(reason) = judged(host, &rule, role)? {
            refused.entry(reason).or_default().extend(rule.asked);
        }
    }
    for (reason, databases) in refused {
        found.refuse(match databases.as_slice() {
            [] => reason,
            databases => format!(
                "the role `{role}` is not let into the database `{}` over the socket: {reason}, `local {} {role} peer`, then \
                 `systemctl reload postgresql`",
                databases.join("` and `"),
                databases.join(",")
            ),
        });
    }
    Ok(())
}

/// The lines that decide on the role in its database and in the database in which scheduled jobs listen, and the
/// lines with errors. Only the server can interpret a line. `|` is escaped, because it separates fields.
fn question(role: &str, database: &str) -> String {
    let (role, database, entrance) = (literal(role), literal(database), literal(ENTRANCE));
    format!(
        "with mine as (select g.rolname::text as name from pg_roles m, pg_roles g \
         where m.rolname = {role} and pg_has_role(m.oid, g.oid, 'member')), \
         line as (select h.*, to_jsonb(h) as j from pg_hba_file_rules h), \
         decides as (select asked, l.* from (select distinct unnest(array[{database}, {entrance}]) as asked) a \
         left join lateral (select * from line where error is null and type = 'local' \
         and exists (select from unnest(database) d where d in ('all', asked) or (d = 'sameuser' and asked = {role}) \
         or (d in ('samerole', 'samegroup') and asked in (select name from mine)) or (d like '/%' and asked ~ substr(d, 2))) \
         and exists (select from unnest(user_name) u where u in ('all', {role}) \
         or (u like '+%' and substr(u, 2) in (select name from mine)) or (u like '/%' and {role} ~ substr(u, 2))) \
         order by coalesce((j->>'rule_number')::int, line_number) limit 1) l on true \
         union all select null, * from line where error is not null) \
         select replace(jsonb_build_object('asked', asked, 'file', coalesce(j->>'file_name', current_setting('hba_file')), \
         'line', line_number, 'method', auth_method, 'options', coalesce(options, '{{}}'), 'error', error, \
         'ident', current_setting('ident_file'))::text, '|', '\\u007c') from decides;"
    )
}

/// Why a line rejects the role, up to the words for the line to write; `None` if it accepts the role.
fn judged(host: &Host, rule: &Rule, role: &str) -> Result<Option<String>> {
    let place = |line: u32| format!("`{}` (line {line})", rule.file);
    if let Some(error) = &rule.error {
        return Ok(Some(format!(
            "PostgreSQL would not take up {}, and not start with it again: {error}; mend that line, then \
             `systemctl reload postgresql`",
            place(rule.line.unwrap_or_default())
        )));
    }
    let Some(line) = rule.line else {
        let file = &rule.file;
        return Ok(Some(format!(
            "no line of `{file}` is for it; write at its end"
        )));
    };
    let method = rule.method.as_deref().unwrap_or_default();
    if method == "trust" {
        return Ok(None);
    }
    if !["peer", "ident"].contains(&method) {
        return Ok(Some(format!(
            "{} decides, by `{method}`, and Odoo has no password there; write above it",
            place(line)
        )));
    }
    let map = rule
        .options
        .iter()
        .find_map(|option| option.strip_prefix("map="));
    let Some(map) = map else {
        return Ok(None);
    };
    let text = host.read_text(Path::new(&rule.ident))?.unwrap_or_default();
    Ok((!maps(&text, map, role)).then(|| {
        format!(
            "{} decides, by the map `{map}`, in which `{}` has no line `{map} {role} {role}`; add that, or write above it",
            place(line),
            rule.ident
        )
    }))
}

/// Whether a map lets the account of the role's name connect as the role. Regular expressions count as matching.
fn maps(ident: &str, map: &str, role: &str) -> bool {
    ident.lines().any(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let words = line.split_whitespace().map(|word| word.trim_matches('"'));
        let words: Vec<&str> = words.collect();
        let [name, account, to, ..] = words[..] else {
            return false;
        };
        let fits_account = account == role || account.starts_with('/');
        let fits_role = [role, "all", "\\1"].contains(&to) || to.starts_with(['/', '+']);
        name == map && fits_account && fits_role
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    #[test]
    fn a_line_accepts_the_role_or_the_reason_says_what_to_write() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        std::fs::write(
            root.path().join("ident"),
            "other odoo odoo\n# own odoo odoo\n",
        )
        .unwrap();
        let rule = |line, method: &str, options: &[&str]| Rule {
            asked: Some("odoo".into()),
            file: "/hba".into(),
            line,
            method: Some(method.into()),
            options: options.iter().map(|o| (*o).to_owned()).collect(),
            ident: "/ident".into(),
            ..Rule::default()
        };
        for (rule, expected) in [
            (rule(Some(1), "trust", &[]), None),
            (rule(Some(1), "peer", &[]), None),
            (rule(Some(1), "peer", &["map=other"]), None),
            (
                rule(Some(7), "peer", &["map=own"]),
                Some("`/hba` (line 7) decides, by the map `own`"),
            ),
            (
                rule(Some(7), "scram-sha-256", &[]),
                Some("`/hba` (line 7) decides, by `scram-sha-256`"),
            ),
            (rule(Some(7), "reject", &[]), Some("by `reject`")),
            (rule(None, "", &[]), Some("no line of `/hba` is for it")),
        ] {
            let judged = judged(&host, &rule, "odoo").unwrap();
            assert_eq!(judged.is_some(), expected.is_some(), "{rule:?}");
            let told = judged.unwrap_or_default();
            assert!(told.contains(expected.unwrap_or_default()), "{told}");
        }
        let wrong = Rule {
            line: Some(3),
            error: Some("invalid".into()),
            ..Rule::default()
        };
        assert!(judged(&host, &wrong, "odoo").unwrap().is_some());
    }

    #[test]
    fn maps_are_read_as_the_server_reads_them() {
        for (ident, expected) in [
            ("m odoo odoo", true),
            ("  m  \"odoo\"  odoo", true),
            ("m odoo all", true),
            ("m /^(.*)$ \\1", true),
            ("n odoo odoo", false),
            ("m root odoo", false),
            ("m odoo", false),
            ("", false),
        ] {
            assert_eq!(maps(ident, "m", "odoo"), expected, "{ident}");
        }
    }
}
