//! A database of Odoo, with its modules.

pub mod filestore;
mod judge;
mod look;
mod make;
mod odoo;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use odoo::First;

use crate::host::{Error, Host, Result};
use crate::resource::postgres::server::Server;
use crate::resource::{Footprint, Moved, Resource};

/// A database of Odoo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The name of the database.
    pub name: String,
    /// The role that owns the database.
    pub owner: String,
    /// The system user that Odoo runs as, if its name is not that of the role.
    #[serde(default)]
    pub account: Option<String>,
    /// The service file of libpq for a server on another host.
    #[serde(default)]
    pub remote: Option<PathBuf>,
    /// The authority from which the certificate of that server must come.
    #[serde(default)]
    pub root_certificate: Option<PathBuf>,
    /// Language, country and company of a new database. Afterwards they are the owner's to change.
    #[serde(default)]
    pub first: First,
    /// The series of Odoo, such as `19.0`. An early journal does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// The address from which the reports of a new database load their style (`report.url`); none if Odoo serves
    /// itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prints_from: String,
    /// The modules that must be installed. Others stay as they are.
    pub modules: Vec<String>,
    /// The interpreter with Odoo's requirements.
    pub python: PathBuf,
    /// Odoo's launcher, `odoo-bin`.
    pub odoo: PathBuf,
    /// Odoo's configuration.
    pub conf: PathBuf,
    /// Odoo's data folder, with the filestore.
    pub data: PathBuf,
    /// The file with the password of the first login.
    pub password: PathBuf,
    /// The name of the site. It marks the processes that this step starts, so that a later run finds those of a killed
    /// one.
    pub site: String,
}

/// The state of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Whether the first initialisation by Odoo completed.
    initialised: bool,
    modules: BTreeSet<String>,
    /// Whether the database holds tables that are not Odoo's. Only in early journals; now this is a
    /// [`Self::problem`].
    foreign: bool,
    /// Whether nothing can be seen of the database, not even whether it exists, because a server on another host
    /// rejects every connection. Never true if the database could be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unseen: bool,
    /// The OID. Another database of the same name has another OID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    oid: Option<u32>,
    /// Why the site cannot use the database, and what the user can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Database {
    fn server(&self) -> Server<'_> {
        self.remote.as_deref().map_or(Server::Local, Server::Remote)
    }

    /// The system user that Odoo runs as.
    #[must_use]
    pub fn account(&self) -> &str {
        self.account.as_deref().unwrap_or(&self.owner)
    }

    /// Runs a read-only statement. Returns no rows if the database does not exist or its server cannot be reached;
    /// the steps report that.
    ///
    /// # Errors
    /// If the statement fails.
    pub async fn ask(&self, host: &Host, sql: &str) -> Result<Vec<Vec<String>>> {
        self.server().ask_if_open(host, &self.name, sql).await
    }

    /// The requested modules; `base` is always one of them.
    fn asked(&self) -> BTreeSet<String> {
        self.modules
            .iter()
            .cloned()
            .chain(["base".to_owned()])
            .collect()
    }

    /// Whether a run of this site made the existing database.
    ///
    /// # Errors
    /// If the database cannot be inspected.
    pub async fn is_made_here(&self, host: &Host) -> Result<bool> {
        let Some(look) = self.look(host).await? else {
            return Ok(false);
        };
        let notes = [host.made(&self.made_key())?, host.made(&self.filled_key())?].concat();
        Ok(look.is_noted(&notes))
    }
}

impl Resource for Database {
    type State = State;

    fn footprint(&self, from: Option<&State>) -> Vec<Footprint> {
        if from.is_some() {
            return Vec::new();
        }
        let here = self.remote.is_none();
        let server = here.then(|| Footprint::new("/var/lib/postgresql", 150, 2));
        let data = Footprint::new(&self.data, 50, 1);
        server.into_iter().chain([data]).collect()
    }

    fn occupies(&self) -> Option<&'static str> {
        Some(crate::resource::POSTGRESQL)
    }

    fn subject(&self) -> String {
        self.name.clone()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        if !self.server().is_up(host)? {
            return Ok(None);
        }
        let look = match Box::pin(self.look(host)).await {
            // the step for that server reports that it rejects every connection
            Err(Error::Command(_)) if self.remote.is_some() => {
                return Ok(Some(State {
                    unseen: true,
                    ..State::default()
                }));
            }
            look => look?,
        };
        look.map(|look| self.judge(host, &look)).transpose()
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        let mut modules = now.map(|now| now.modules.clone()).unwrap_or_default();
        modules.extend(self.asked());
        Some(State {
            initialised: true,
            modules,
            oid: now.and_then(|now| now.oid),
            ..State::default()
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        // the run never changed a database that it could not see
        if to.is_some_and(|to| to.unseen) {
            return Ok(Moved::Applied);
        }
        if from.is_some_and(|from| from.unseen) {
            // the database may be visible now, but a database that the plan did not see is neither made nor dropped
            self.look(host).await?;
            return Err(Error::impossible(format!(
                "PostgreSQL on the other host did not say whether the database `{}` is there; try again",
                self.name
            )));
        }
        let nothing = BTreeSet::new();
        let has = from
            .filter(|from| from.initialised)
            .map_or(&nothing, |from| &from.modules);
        let Some(to) = to else {
            return match from {
                None => Ok(Moved::Applied),
                Some(_) => self.take_away(host).await,
            };
        };
        if to.initialised && has.is_empty() {
            self.initialise(host).await?;
        } else if !to.modules.is_subset(has) {
            let new = to.modules.difference(has).cloned().collect();
            self.install(host, &new, "modules").await?;
        } else if to.modules != *has {
            return Ok(Moved::Kept(
                "installed modules stay: taking one out would delete its data".into(),
            ));
        }
        Ok(Moved::Applied)
    }

    fn refuses(&self, now: Option<&State>) -> Option<String> {
        now?.problem.clone()
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (None, Some(_)) => "a new database, without the password `admin`".into(),
            (Some(from), Some(_)) if from.unseen => {
                "cannot be seen before PostgreSQL lets Odoo's role in; made if it is not there"
                    .into()
            }
            (Some(from), Some(to)) if from != to && !from.initialised => {
                "empty, or not finished by an earlier run: initialised from the beginning".into()
            }
            _ => String::new(),
        }
    }

    fn residue(&self, from: Option<&State>) -> Option<&'static str> {
        from.map(|_| "modules that are added to a database that was there before")
    }

    fn holds_data(&self) -> bool {
        true
    }
}
