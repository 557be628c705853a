//! The PostgreSQL server of this host.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};
use crate::resource::{Moved, Resource, postgres};

/// How long a server may take to answer after its start, in seconds.
const START: u64 = 60;

/// Where Debian and Ubuntu keep the configuration of clusters, by major version and name.
const CLUSTERS: &str = "/etc/postgresql";

/// The port whose socket is used.
const PORT: u16 = 5432;

/// The local cluster on the default port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The encoding that its databases must be able to have.
    pub encoding: String,
    /// The oldest major version that will do.
    pub minimum: u32,
}

/// What can be seen of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    running: bool,
    /// `None` while it does not run and cannot be asked.
    encoding: Option<String>,
    version: Option<u32>,
}

impl Resource for Cluster {
    type State = State;

    fn subject(&self) -> String {
        "PostgreSQL on the local socket".into()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        if postgres::psql(host)?.is_none() {
            return Ok(None);
        }
        if !postgres::is_up(host)? {
            return Ok(Some(State {
                running: false,
                encoding: None,
                version: None,
            }));
        }
        let sql = "select pg_encoding_to_char(encoding), current_setting('server_version_num')::int / 10000 \
                   from pg_database where datname = 'template0';";
        let rows = match postgres::query(host, "postgres", sql).await {
            Ok(rows) => rows,
            // a socket left by a killed server
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

    /// The server comes and goes with its packages; here it is only started, and never stopped:
    /// others may use it.
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
            return Ok(Moved::There);
        }
        host.run(&Cmd::new("systemctl").args(["enable", "--quiet", "postgresql.service"]))
            .await?;
        // that service only stands for all clusters, and is active though one of them is not
        let unit = unit(host)?;
        host.run(
            &Cmd::new("systemctl")
                .args(["start", "--", &unit])
                .deadline(180),
        )
        .await?;
        host.events().tell(Event::Waiting {
            what: "PostgreSQL to answer".into(),
            at_most: START,
        });
        for _ in 0..START * 5 {
            if answers(host).await {
                return Ok(Moved::There);
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        Err(Error::impossible(format!(
            "PostgreSQL did not answer within {START} s; see `journalctl -u 'postgresql@*'`"
        )))
    }

    fn refuses(&self, now: Option<&State>) -> Option<String> {
        let now = now?;
        if let Some(version) = now.version.filter(|version| *version < self.minimum) {
            return Some(format!(
                "PostgreSQL {version} runs here, this Odoo needs {} or newer",
                self.minimum
            ));
        }
        let encoding = now
            .encoding
            .as_deref()
            .filter(|encoding| *encoding != self.encoding)?;
        Some(format!(
            "the PostgreSQL cluster has encoding {encoding}, Odoo needs {}; where it holds no data yet, make it anew: \
             `pg_dropcluster --stop VERSION main && pg_createcluster --start --locale=C.UTF-8 VERSION main`",
            self.encoding
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

/// The unit of the cluster on the default port. No other is touched: it may be somebody else's.
fn unit(host: &Host) -> Result<String> {
    let folder = Path::new(CLUSTERS);
    let mut others = Vec::new();
    for version in host.list(folder)? {
        for name in host.list(&folder.join(&version))? {
            let conf = folder.join(&version).join(&name).join("postgresql.conf");
            let port = port(&host.read_text(&conf)?.unwrap_or_default());
            if port == PORT {
                return Ok(format!("postgresql@{version}-{name}.service"));
            }
            others.push(format!("{version}/{name} on port {port}"));
        }
    }
    let found = if others.is_empty() {
        "there is none".to_owned()
    } else {
        format!("there is {}", others.join(", "))
    };
    Err(Error::impossible(format!(
        "no PostgreSQL cluster is set up for port {PORT}, {found}; make one: `pg_createcluster --port {PORT} VERSION odoo`"
    )))
}

/// The port in `postgresql.conf`, the last line going first; PostgreSQL's own where there is none.
fn port(conf: &str) -> u16 {
    let value = |line: &str| {
        line.trim_start()
            .strip_prefix("port")?
            .trim_start()
            .strip_prefix('=')
            .map(str::to_owned)
    };
    let number = |value: String| {
        value
            .trim()
            .split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    };
    conf.lines()
        .rev()
        .find_map(|line| number(value(line)?))
        .unwrap_or(PORT)
}

async fn answers(host: &Host) -> bool {
    postgres::is_up(host).unwrap_or(false)
        && postgres::query(host, "postgres", "select 1;").await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_as_postgresql_does() {
        for (conf, expected) in [
            ("", 5432),
            ("port = 5433\t\t\t\t# (change requires restart)\n", 5433),
            ("#port = 5433\n", 5432),
            ("port=5434\nport = 5435\n", 5435),
            ("  port = 5436\n", 5436),
        ] {
            assert_eq!(port(conf), expected, "{conf}");
        }
    }
}
