//! A PostgreSQL server on another host. Only the objects of Odoo's role there are ours.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::host::{Error, Host, Result};
use crate::resource::postgres::server::Server;
use crate::resource::{Moved, Resource};

/// A PostgreSQL server of another host, which must let Odoo's role in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Remote {
    /// The service file of libpq, with address and password.
    pub service: PathBuf,
    /// The oldest major version that will do.
    #[serde(default)]
    pub minimum: u32,
    /// In a playbook: the ids of the steps that make the files on which the connection depends. While one of these is
    /// about to change, a refusal is not final. If there are none, any step that this one needs counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, PathBuf>,
}

/// The state of the server, as Odoo's role sees it from this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The error if the server rejects the role; `None` if it accepts the role.
    refusal: Option<String>,
    version: Option<u32>,
    superuser: bool,
}

impl Remote {
    /// The server in a service file, with any version.
    #[must_use]
    pub fn at(service: PathBuf) -> Self {
        Self {
            service,
            minimum: 0,
            inputs: BTreeMap::new(),
        }
    }

    /// The number of connections that the server allows the role; `None` if the server cannot be asked.
    ///
    /// # Errors
    /// If the files of this host cannot be read.
    pub async fn max_connections(&self, host: &Host) -> Result<Option<u32>> {
        let server = Server::Remote(&self.service);
        if !server.is_up(host)? {
            return Ok(None);
        }
        let sql = "select least(current_setting('max_connections')::int, nullif(rolconnlimit, -1)) \
                   from pg_roles where rolname = current_user;";
        let rows = server
            .query(host, "postgres", sql)
            .await
            .unwrap_or_default();
        Ok(rows.concat().first().and_then(|number| number.parse().ok()))
    }

    async fn ask(&self, host: &Host) -> Result<State> {
        let sql = "select current_setting('server_version_num')::int / 10000, rolsuper \
                   from pg_roles where rolname = current_user;";
        let rows = Server::Remote(&self.service)
            .query(host, "postgres", sql)
            .await?;
        let [version, superuser] = rows.first().map(Vec::as_slice).unwrap_or_default() else {
            return Err(Error::garbled("the answer of `psql`", format!("{rows:?}")));
        };
        Ok(State {
            refusal: None,
            version: version.parse().ok(),
            superuser: superuser == "t",
        })
    }
}

impl Resource for Remote {
    type State = State;

    fn subject(&self) -> String {
        "PostgreSQL on another host".into()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        if !Server::Remote(&self.service).is_up(host)? {
            return Ok(None);
        }
        let refused = |error: Error| State {
            refusal: Some(error.to_string()),
            version: None,
            superuser: false,
        };
        Ok(Some(self.ask(host).await.unwrap_or_else(refused)))
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        let known = now.filter(|now| now.refusal.is_none()).cloned();
        Some(known.unwrap_or(State {
            refusal: None,
            version: None,
            superuser: false,
        }))
    }

    /// Changes nothing: the server either accepts the role or rejects it.
    async fn set(&self, host: &Host, _from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        if to.is_none_or(|to| to.refusal.is_some()) {
            return Ok(Moved::Kept("the server is another host's".into()));
        }
        let state = self.ask(host).await?;
        self.refuses(Some(&state))
            .map_or(Ok(Moved::Applied), |reason| Err(Error::impossible(reason)))
    }

    /// If the access to the server is about to change, an earlier rejection does not count.
    fn predict(&self, state: &State, by: &[String]) -> State {
        let mut state = state.clone();
        let is_other = |step: &String| self.inputs.is_empty() || self.inputs.contains_key(step);
        if by.iter().any(is_other) {
            state.refusal = None;
        }
        state
    }

    fn refuses(&self, now: Option<&State>) -> Option<String> {
        let now = now?;
        if let Some(refusal) = &now.refusal {
            return Some(format!(
                "PostgreSQL does not let Odoo's role in: {refusal}\nsee `[postgres]`, and `pg_hba.conf` there"
            ));
        }
        if now.superuser {
            return Some(
                "the role in `[postgres]` is a superuser, as Odoo must not be; `alter role … nosuperuser createdb`"
                    .into(),
            );
        }
        let version = now.version.filter(|version| *version < self.minimum)?;
        Some(format!(
            "PostgreSQL {version} runs there, this Odoo needs {} or newer",
            self.minimum
        ))
    }

    fn summary(&self, from: Option<&State>, _to: Option<&State>) -> String {
        match from {
            None => "must let Odoo's role in".into(),
            Some(_) => "lets Odoo's role in".into(),
        }
    }
}
