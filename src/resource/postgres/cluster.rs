//! The PostgreSQL server of this host.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};
use crate::resource::postgres::local_cluster::LocalCluster;
use crate::resource::postgres::server::{self, Server};
use crate::resource::{Moved, Resource};

/// The longest wait for a server to answer after its start, in seconds.
const START: u64 = 60;

/// The PostgreSQL cluster of this host on the default port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The encoding of Odoo's database, whatever those of other databases are.
    pub encoding: String,
    /// The oldest major version that will do.
    pub minimum: u32,
}

/// The state of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    running: bool,
    /// `None` if the server does not run.
    encoding: Option<String>,
    version: Option<u32>,
}

impl Resource for Cluster {
    type State = State;

    fn occupies(&self) -> Option<&'static str> {
        Some(crate::resource::POSTGRESQL)
    }

    fn subject(&self) -> String {
        "PostgreSQL on the local socket".into()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        if server::psql(host)?.is_none() {
            return Ok(None);
        }
        if !Server::Local.is_up(host)? {
            return Ok(Some(State {
                running: false,
                encoding: None,
                version: None,
            }));
        }
        let sql = "select pg_encoding_to_char(encoding), current_setting('server_version_num')::int / 10000 \
                   from pg_database where datname = 'template0';";
        let rows = match Server::Local.ask(host, "postgres", sql).await {
            Ok(rows) => rows,
            // the socket was left by a killed server
            Err(_) if !answers(host).await => {
                return Ok(Some(State {
                    running: false,
                    encoding: None,
                    version: None,
                }));
            }
            Err(e) => return Err(e),
        };
        let [encoding, version] = rows.first().map(Vec::as_slice).unwrap_or_default() else {
            return Err(Error::garbled("the answer of `psql`", format!("{rows:?}")));
        };
        Ok(Some(State {
            running: true,
            encoding: Some(encoding.clone()),
            version: version.parse().ok(),
        }))
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        let known = |now: &State| State {
            running: true,
            ..now.clone()
        };
        Some(now.map_or(
            State {
                running: true,
                encoding: None,
                version: None,
            },
            known,
        ))
    }

    /// Only starts the server. Its packages install and remove it, and it is never stopped here: others may use it.
    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        let running = |state: Option<&State>| state.is_some_and(|s| s.running);
        if to.is_none() {
            return Ok(Moved::Kept("it goes with its packages".into()));
        }
        if !running(to) {
            return Ok(Moved::Kept(
                "a server that others may use is not stopped".into(),
            ));
        }
        if running(from) {
            return Ok(Moved::Applied);
        }
        host.run(&Cmd::new("systemctl").args(["enable", "--quiet", "postgresql.service"]))
            .await?;
        // `postgresql.service` stands for all clusters, and is active even if a cluster does not run
        let cluster = LocalCluster::find(host)?.ok_or_else(|| {
            Error::impossible(
                "no PostgreSQL cluster is set up; make one: `pg_createcluster VERSION main`"
                    .to_owned(),
            )
        })?;
        host.run(
            &Cmd::new("systemctl")
                .args(["start", "--", &cluster.unit()])
                .deadline(180),
        )
        .await?;
        await_answer(host).await?;
        Ok(Moved::Applied)
    }

    fn refuses(&self, now: Option<&State>) -> Option<String> {
        let now = now?;
        // the encoding of the cluster does not matter: a database is made from `template0`, with its own encoding
        let version = now.version.filter(|version| *version < self.minimum)?;
        Some(format!(
            "PostgreSQL {version} runs here, this Odoo needs {} or newer",
            self.minimum
        ))
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (Some(from), Some(to)) if !from.running && to.running => "started".into(),
            (None, Some(_)) => "running".into(),
            _ => String::new(),
        }
    }
}

/// Waits until the server answers after a start.
pub(super) async fn await_answer(host: &Host) -> Result<()> {
    host.events().tell(Event::Waiting {
        what: "PostgreSQL to answer".into(),
        at_most: START,
    });
    for _ in 0..START * 5 {
        if answers(host).await {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    Err(Error::impossible(format!(
        "PostgreSQL did not answer within {START} s; see `journalctl -u 'postgresql@*'`"
    )))
}

async fn answers(host: &Host) -> bool {
    Server::Local.is_up(host).unwrap_or(false)
        && Server::Local
            .query(host, "postgres", "select 1;")
            .await
            .is_ok()
}
