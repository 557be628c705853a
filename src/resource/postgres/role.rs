//! A PostgreSQL role. The system user of the same name connects as this role over the socket.

use serde::{Deserialize, Serialize};

use crate::gate;
use crate::host::{Error, Host, Result};
use crate::resource::postgres::server::Server;
use crate::resource::{Moved, Resource};
use crate::text::sql;

/// A role that may log in. A new one may not create databases: Odoo, started while its database is not there, would
/// make one in which `admin` has the password `admin` (`_create_empty_database` in its `odoo/service/db.py`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The name of the role: that of the system user, so that peer authentication needs no password.
    pub name: String,
}

/// The attributes of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "PostgreSQL has these attributes"
)]
pub struct State {
    login: bool,
    createdb: bool,
    superuser: bool,
    createrole: bool,
}

impl Role {
    /// The OID of the role, and descriptions of all objects that belong to the role or were granted to it.
    async fn needed_by(&self, host: &Host) -> Result<(String, Vec<String>)> {
        let sql = format!(
            "with its as (select oid from pg_roles where rolname = {}) select 'oid', oid::text from its union all \
             select distinct 'needs', case when classid = 'pg_database'::regclass then format('the database `%s`', o.datname) \
             when dbid <> 0 then format('objects in the database `%s`', d.datname) else 'an object of the whole server' end \
             from pg_shdepend left join pg_database o on o.oid = objid left join pg_database d on d.oid = dbid \
             where refclassid = 'pg_authid'::regclass and refobjid in (select oid from its);",
            sql::literal(&self.name)
        );
        let (mut oid, mut needed_by) = (String::new(), Vec::new());
        for row in Server::Local.query(host, "postgres", &sql).await? {
            let text = row[1..].join("|");
            if row[0] == "oid" {
                oid = text;
            } else {
                needed_by.push(text);
            }
        }
        Ok((oid, needed_by))
    }
}

impl Resource for Role {
    type State = State;

    fn occupies(&self) -> Option<&'static str> {
        Some(crate::resource::POSTGRESQL)
    }

    fn subject(&self) -> String {
        self.name.clone()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        if !Server::Local.is_up(host)? {
            return Ok(None);
        }
        let sql = format!(
            "select rolcanlogin, rolcreatedb, rolsuper, rolcreaterole from pg_roles where rolname = {};",
            sql::literal(&self.name)
        );
        let rows = Server::Local.ask(host, "postgres", &sql).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let [login, createdb, superuser, createrole] =
            row.iter().map(|f| f == "t").collect::<Vec<_>>()[..]
        else {
            return Err(Error::garbled("the answer of `psql`", format!("{row:?}")));
        };
        Ok(Some(State {
            login,
            createdb,
            superuser,
            createrole,
        }))
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        Some(State {
            login: true,
            // kept, because scripts of the owner may need it
            createdb: now.is_some_and(|now| now.createdb),
            superuser: false,
            createrole: false,
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        let name = sql::identifier(&self.name);
        let Some(to) = to else {
            let Some(from) = from else {
                return Ok(Moved::Applied);
            };
            if self.want(Some(from)).as_ref() != Some(from) {
                return Ok(Moved::Kept("somebody has altered it".into()));
            }
            let (oid, needed_by) = self.needed_by(host).await?;
            return match gate::drop_role(host, &self.name, &oid, &needed_by)? {
                Ok(sql) => {
                    Server::Local.query(host, "postgres", &sql).await?;
                    Ok(Moved::Applied)
                }
                Err(reason) => Ok(Moved::Kept(reason)),
            };
        };
        if from == Some(to) {
            return Ok(Moved::Applied);
        }
        let word = |on: bool, word: &'static str| format!("{}{word}", if on { "" } else { "no" });
        let attributes = [
            word(to.login, "login"),
            word(to.createdb, "createdb"),
            word(to.superuser, "superuser"),
            word(to.createrole, "createrole"),
        ];
        let verb = if from.is_none() { "create" } else { "alter" };
        let sql = format!("{verb} role {name} {};", attributes.join(" "));
        Server::Local.query(host, "postgres", &sql).await?;
        if from.is_none() {
            let (oid, _) = self.needed_by(host).await?;
            host.store()?
                .note_made(&format!("role {}", self.name), &oid)?;
        }
        Ok(Moved::Applied)
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (None, Some(_)) => "may log in, and nothing beyond".into(),
            (Some(from), Some(to)) if from.superuser && !to.superuser => {
                "no longer a superuser".into()
            }
            _ => String::new(),
        }
    }
}
