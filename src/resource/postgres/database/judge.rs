//! Judges whether the site can use an existing database, before anything writes into it.

use super::look::{Holds, Look, Odoo};
use super::{Database, State, filestore};
use crate::gate;
use crate::host::{Host, Result};
use crate::text::sql::identifier;

/// The advice that always applies.
const OTHER: &str = "give the site another `odoo.database`";

impl Database {
    /// The state of the inspected database.
    pub(super) fn judge(&self, host: &Host, look: &Look) -> Result<State> {
        let mut state = State {
            oid: Some(look.oid),
            ..State::default()
        };
        // a database that a run of this site began, and that was not replaced since, is made again
        if self.is_anew(host, look)? {
            return Ok(state);
        }
        let (problem, installed) = match &look.holds {
            Holds::Unknown => (Some(self.closed()), None),
            Holds::Nothing => (self.unfit(host, look)?, None),
            _ if look.mark == gate::Mark::Begun => (Some(self.begun_by_another()), None),
            Holds::Others(holds) => (Some(self.not_odoos(holds)), None),
            Holds::Odoo(odoo) if odoo.installed().is_empty() => (Some(self.half_restored()), None),
            Holds::Odoo(odoo) => (self.unfit_for_odoo(look, odoo), Some(odoo)),
        };
        state.problem = problem;
        if let Some(odoo) = installed {
            state.initialised = true;
            state.modules = odoo.installed();
        }
        Ok(state)
    }

    /// Whether a run of this site began the database and did not finish it.
    pub(super) fn is_anew(&self, host: &Host, look: &Look) -> Result<bool> {
        let is_known = |what: String| -> Result<bool> { Ok(look.is_noted(&host.made(&what)?)) };
        Ok(look.mark == gate::Mark::Begun
            && (is_known(self.made_key())? || is_known(self.filled_key())?))
    }

    /// Tells the user how to run `sql` as the server's administrator.
    fn typed(&self, database: &str, sql: &str) -> String {
        if self.remote.is_some() {
            return format!("`{sql}` in `{database}`, as the server's administrator");
        }
        format!("`runuser -u postgres -- psql -d {database} -c '{sql}'`")
    }

    fn closed(&self) -> String {
        format!(
            "the database `{}` exists and accepts no connections (`datallowconn` is off, or its removal was \
             interrupted); open it: {}; or {}",
            self.name,
            self.typed(
                "postgres",
                &format!(
                    "alter database {} allow_connections true",
                    identifier(&self.name)
                )
            ),
            OTHER
        )
    }

    /// Why the site cannot use an empty database as it is.
    fn unfit(&self, host: &Host, look: &Look) -> Result<Option<String>> {
        if look.encoding != "UTF8" {
            return Ok(Some(format!(
                "the database `{}` is there, empty, and has encoding {}; Odoo needs UTF8: drop it, and it is made; or {}",
                self.name, look.encoding, OTHER
            )));
        }
        if !look.is_roles {
            return Ok(Some(self.anothers(look)));
        }
        filestore::left(host, &self.data, &self.name)
    }

    fn anothers(&self, look: &Look) -> String {
        let owner = identifier(&self.owner);
        let alter = format!("alter database {} owner to {owner}", identifier(&self.name));
        let role = if look.has_role {
            String::new()
        } else {
            self.typed("postgres", &format!("create role {owner} login")) + ", then "
        };
        format!(
            "the database `{}` belongs to `{}`, and Odoo signs in as `{}`, which could not work in it; give it away: {role}{}; or {}",
            self.name,
            look.owner,
            self.owner,
            self.typed("postgres", &alter),
            OTHER
        )
    }

    fn begun_by_another(&self) -> String {
        format!(
            "the database `{}` was being initialised by a run that is not known here, and may hold something by now; look \
             into it, then rename or drop it: {}; or {}",
            self.name,
            self.typed(
                "postgres",
                &format!(
                    "alter database {0} rename to \"{1}-aside\"",
                    identifier(&self.name),
                    self.name
                )
            ),
            OTHER
        )
    }

    fn not_odoos(&self, holds: &[String]) -> String {
        format!(
            "the database `{}` exists and is not Odoo's: it holds {}; {}",
            self.name,
            holds.join(", "),
            OTHER
        )
    }

    fn half_restored(&self) -> String {
        format!(
            "the database `{}` has Odoo's tables and no installed module: a restore is under way, or did not finish; wait for \
             it, or restore it again; or {}",
            self.name, OTHER
        )
    }

    /// Why the site cannot use an existing database of Odoo.
    fn unfit_for_odoo(&self, look: &Look, odoo: &Odoo) -> Option<String> {
        let mut reasons = Vec::new();
        reasons.extend(self.of_another_series(odoo));
        if !look.is_roles {
            reasons.push(self.anothers(look));
        }
        reasons.extend(odoo.strangers.iter().map(|stranger| self.strange(stranger)));
        (!reasons.is_empty()).then(|| reasons.join("\n"))
    }

    fn of_another_series(&self, odoo: &Odoo) -> Option<String> {
        let series = self.series.as_ref()?;
        let version = odoo.version.as_deref().unwrap_or("unknown");
        if version.starts_with(&format!("{series}.")) {
            return None;
        }
        // `18.0.1.3` belongs to 18.0, and `saas~18.2.1.3` to saas~18.2
        let found: Vec<&str> = version.splitn(3, '.').take(2).collect();
        let found = found.join(".");
        Some(format!(
            "the database `{}` is of Odoo {found} (its `base` is {version}), and the site asks for {series}, which cannot \
             run on it; put `version = \"{found}\"` below `[odoo]`; or {}; or bring the database itself to {series} first, on \
             a copy (upgrade.odoo.com, or OpenUpgrade)",
            self.name, OTHER
        ))
    }

    fn strange(&self, (owner, count, example): &(String, String, String)) -> String {
        let (name, role) = (&self.name, identifier(&self.owner));
        let mut way = self.typed(
            name,
            &format!("reassign owned by {} to {role}", identifier(owner)),
        );
        // `reassign owned` fails for objects that the server itself depends on
        if owner == "postgres" {
            way = self.typed(name, &one_by_one(&self.owner));
        }
        format!(
            "{count} tables of Odoo's in the database `{name}` belong to `{owner}` (`{example}`), and Odoo signs in as `{}`, \
             which could not change them; give them away: {way}",
            self.owner
        )
    }
}

/// Gives everything in `public` to a role. Objects that belong to a table change their owner with the table.
fn one_by_one(role: &str) -> String {
    let role = identifier(role);
    format!(
        "do $$ declare r regclass; begin for r in select c.oid from pg_class c where relnamespace = \
         $q$public$q$::regnamespace and relkind = any ($q${{r,p,v,m,S}}$q$::text[]) and not exists (select from pg_depend d \
         where d.objid = c.oid and deptype = any ($q${{a,e,i}}$q$::text[])) loop execute format($q$alter table %s owner to \
         {role}$q$, r); end loop; end $$"
    )
}
