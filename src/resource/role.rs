//! A PostgreSQL role, reached over the socket as the system user of its name.

use serde::{Deserialize, Serialize};

use crate::host::{Error, Host, Result};
use crate::resource::postgres::{self, Server};
use crate::resource::{Moved, Resource};

/// A role that may log in and create databases, and nothing beyond.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name: that of the system user, so that peer authentication needs no password.
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

impl Resource for Role {
    type State = State;

    fn subject(&self) -> String {
        self.name.clone()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        if !Server::Local.is_up(host)? {
            return Ok(None);
        }
        let sql = format!(
            "select rolcanlogin, rolcreatedb, rolsuper, rolcreaterole from pg_roles where rolname = {};",
            postgres::literal(&self.name)
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

    fn want(&self, _now: Option<&State>) -> Option<State> {
        Some(State {
            login: true,
            createdb: true,
            superuser: false,
            createrole: false,
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        let name = postgres::identifier(&self.name);
        let Some(to) = to else {
            if from.is_none() {
                return Ok(Moved::There);
            }
            let sql = format!(
                "select datname from pg_database d join pg_roles r on r.oid = datdba where rolname = {};",
                postgres::literal(&self.name)
            );
            let owned = Server::Local.query(host, "postgres", &sql).await?.concat();
            if !owned.is_empty() {
                return Ok(Moved::Kept(format!(
                    "it owns the database `{}`",
                    owned.join("`, `")
                )));
            }
            Server::Local
                .query(host, "postgres", &format!("drop role {name};"))
                .await?;
            return Ok(Moved::There);
        };
        if from == Some(to) {
            return Ok(Moved::There);
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
        Ok(Moved::There)
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (None, Some(_)) => "may log in and create databases, no superuser".into(),
            (Some(from), Some(to)) if from.superuser && !to.superuser => {
                "no longer a superuser".into()
            }
            _ => String::new(),
        }
    }
}
