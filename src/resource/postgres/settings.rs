//! Settings of this host's PostgreSQL server, in a separate file that can be removed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::event::change::Text;
use crate::gate;
use crate::host::command::Cmd;
use crate::host::store::digest;
use crate::host::{Error, Host, Result};
use crate::resource::postgres::cluster::await_answer;
use crate::resource::postgres::local_cluster::LocalCluster;
use crate::resource::postgres::server::Server;
use crate::resource::{AnyState, Moved, Resource};
use crate::text::sql::literal;

/// How often the reload of the server's files is checked, every fifth of a second.
const RELOAD: u32 = 50;

/// Settings of the PostgreSQL server of this host, and a server that runs with them.
///
/// As with a service there are no handlers: the server itself tells with what it runs, so a restart
/// that a crash has swallowed is seen and made up for. Only what takes effect at a start alone
/// restarts it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name of the file, among those that are read after `postgresql.conf`.
    pub file: String,
    /// The settings, in the form in which the server shows them. If there are none, there is no file.
    pub values: BTreeMap<String, String>,
}

/// The state of the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The content of the file; `None` if there is no file.
    content: Option<String>,
    /// The settings in this file, or in an earlier version of it, that the server does not use yet.
    pending: Vec<String>,
}

impl Settings {
    /// The path of the file; `None` if no cluster exists.
    fn path(&self, host: &Host) -> Result<Option<PathBuf>> {
        Ok(LocalCluster::find(host)?.map(|cluster| cluster.further().join(&self.file)))
    }

    fn content(&self) -> Option<String> {
        if self.values.is_empty() {
            return None;
        }
        let head = "# Written by odoo-deploy for all of its sites here, from cores and memory.\n\
                    # `tuning = false` below `[postgres]` of a site takes it away.\n";
        let lines = self.values.iter();
        Some(lines.fold(head.to_owned(), |text, (name, value)| {
            text + name + " = " + value + "\n"
        }))
    }

    /// The settings that this file determines and the server does not use yet, and whether one of them needs a
    /// restart. Settings that `alter system` or a later file determines are not counted.
    async fn pending(&self, host: &Host) -> Result<(Vec<String>, bool)> {
        let Some(path) = self.path(host)?.filter(|_| {
            // a stopped server reads its files when it starts
            Server::Local.is_up(host).unwrap_or(false)
        }) else {
            return Ok((Vec::new(), false));
        };
        let sql = format!(
            "with files as (select distinct on (name) name, setting, sourcefile from pg_file_settings \
             order by name, seqno desc) \
             select s.name, s.context from pg_settings s left join files f using (name) where \
             (f.sourcefile = {path} and current_setting(s.name) <> f.setting) or \
             (s.sourcefile = {path} and f.sourcefile is distinct from {path}) order by s.name;",
            path = literal(&path.display().to_string())
        );
        let rows = Server::Local.ask(host, "postgres", &sql).await?;
        let starts = rows
            .iter()
            .any(|row| row.get(1).is_some_and(|context| context == "postmaster"));
        let names = rows.into_iter().filter_map(|row| row.into_iter().next());
        Ok((names.collect(), starts))
    }

    /// Makes the server use its files, even if it could not start with an earlier version of them.
    async fn take_up(&self, host: &Host, cluster: &LocalCluster) -> Result<()> {
        let (pending, starts) = self.pending(host).await?;
        if starts || !Server::Local.is_up(host)? {
            let restart = Cmd::new("systemctl").args(["restart", "--", &cluster.unit()]);
            host.run(&restart.deadline(300)).await?;
            return await_answer(host).await;
        }
        if pending.is_empty() {
            return Ok(());
        }
        Server::Local
            .query(host, "postgres", "select pg_reload_conf();")
            .await?;
        for _ in 0..RELOAD {
            if self.pending(host).await?.0.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        let text = "PostgreSQL did not take up its settings; see `select * from pg_file_settings`";
        Err(Error::impossible(text.to_owned()))
    }
}

/// Runs a program as the account that owns the folder: as root, it could follow a link of that account.
async fn as_server(host: &Host, program: &str, args: &[&str], text: &str) -> Result<()> {
    let call = Cmd::new(program).args(args.iter().copied());
    host.run(&call.user("postgres").stdin(text)).await?;
    Ok(())
}

impl Resource for Settings {
    type State = State;

    fn occupies(&self) -> Option<&'static str> {
        Some(crate::resource::POSTGRESQL)
    }

    fn subject(&self) -> String {
        format!("conf.d/{} of PostgreSQL", self.file)
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let Some(path) = self.path(host)? else {
            return Ok(None);
        };
        let content = host.text(&path)?;
        let (pending, _) = self.pending(host).await?;
        let nothing = content.is_none() && pending.is_empty();
        Ok((!nothing).then_some(State { content, pending }))
    }

    fn want(&self, _now: Option<&State>) -> Option<State> {
        self.content().map(|content| State {
            content: Some(content),
            pending: Vec::new(),
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        let Some(cluster) = LocalCluster::find(host)? else {
            return Ok(Moved::Applied);
        };
        let path = cluster.further().join(&self.file);
        let part = PathBuf::from(format!("{}.part", path.display()));
        if let Some(call) = gate::remove_server_file(host, &part, None)? {
            host.run(&call.user("postgres")).await?;
        }
        let content = |state: Option<&State>| state.and_then(|state| state.content.clone());
        let wanted = content(to);
        if content(from) != wanted {
            match &wanted {
                None => {
                    let ours = self.content();
                    let call = gate::remove_server_file(host, &path, ours.as_deref())?;
                    if let Some(call) = call {
                        host.run(&call.user("postgres")).await?;
                    }
                }
                Some(text) => {
                    if let Some(reason) = cluster.excludes(host)? {
                        return Err(Error::impossible(reason));
                    }
                    let (from, to) = (part.display().to_string(), path.display().to_string());
                    gate::replaces(host, &path)?;
                    let of = format!("of={from}");
                    as_server(host, "dd", &[&of, "conv=fsync", "status=none"], text).await?;
                    as_server(host, "mv", &["-fT", "--", &from, &to], "").await?;
                }
            }
            host.sync(&cluster.further())?;
        }
        self.take_up(host, &cluster).await?;
        Ok(Moved::Applied)
    }

    /// A rollback reaches a server that uses its files, so the earlier `pending` does not count.
    fn rollback_target(
        &self,
        _now: Option<&State>,
        before: Option<&State>,
        _after: Option<&State>,
    ) -> Option<State> {
        let content = before?.content.clone()?;
        Some(State {
            content: Some(content),
            pending: Vec::new(),
        })
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn causes(&self, from: &State) -> Vec<String> {
        from.pending.clone()
    }

    fn text(&self, host: &Host) -> Result<Option<Text>> {
        let before = match self.path(host)? {
            Some(path) => host.text(&path)?,
            None => None,
        };
        Ok(Some(Text {
            before: before.unwrap_or_default(),
            after: self.content().unwrap_or_default(),
        }))
    }

    fn presented(&self, from: Option<State>, to: Option<State>) -> Result<(AnyState, AnyState)> {
        // the text of the file is shown line by line instead
        let less = |state: Option<State>| {
            state.map(|state| {
                let content = state.content.map(|text| digest(text.as_bytes()));
                serde_json::json!({ "content": content, "pending": state.pending })
            })
        };
        Ok((less(from), less(to)))
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        let content = |state: Option<&State>| state.and_then(|state| state.content.clone());
        let starts = |text: Option<String>| {
            let text = text.unwrap_or_default();
            let lines = text.lines().filter(|line| {
                line.starts_with("shared_buffers ") || line.starts_with("max_connections ")
            });
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let pending = from.is_some_and(|from| !from.pending.is_empty());
        if pending || starts(content(from)) != starts(content(to)) {
            "PostgreSQL is restarted for `max_connections` and `shared_buffers`".into()
        } else {
            "PostgreSQL reads it again, without a restart".into()
        }
    }
}
