//! A database of Odoo's, with its modules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};
use crate::password;
use crate::resource::postgres::{self, Server};
use crate::resource::secret::Secret;
use crate::resource::{Moved, Resource};

/// The comment of a database while it is being initialised: only what carries it, or holds no table
/// at all, may be thrown away and begun again.
const BEGUN: &str = "odoo-deploy: being initialised";

/// The comment of a database once it is whole.
const WHOLE: &str = "odoo-deploy: initialised";

/// How often Odoo is called where its transactions collide with those of the service, which goes on
/// serving meanwhile: as often as Odoo itself tries a request.
const TRIES: u32 = 5;

/// A database of Odoo's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The role that owns it.
    pub owner: String,
    /// The system user that Odoo runs as, where it is not named as the role.
    #[serde(default)]
    pub account: Option<String>,
    /// The service file of the server, where that is another host's.
    #[serde(default)]
    pub remote: Option<PathBuf>,
    /// The authority that the certificate of that server must come from.
    #[serde(default)]
    pub root_certificate: Option<PathBuf>,
    /// Whom a new one is for. Later it is the owner's to change.
    #[serde(default)]
    pub first: First,
    /// The modules that must be installed in it. Others are left alone.
    pub modules: Vec<String>,
    /// The interpreter with Odoo's requirements.
    pub python: PathBuf,
    /// Odoo's launcher.
    pub odoo: PathBuf,
    /// Odoo's configuration.
    pub conf: PathBuf,
    /// Odoo's data, with the filestore in it.
    pub data: PathBuf,
    /// Where the first login's password lies.
    pub password: PathBuf,
    /// The site, by which a later agent finds what a killed one left running.
    pub site: String,
}

/// Whom a new database is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct First {
    /// Its language, as Odoo names it.
    pub language: Option<String>,
    /// The two letters of its company's country.
    pub country: Option<String>,
    /// The name of its company.
    pub company: Option<String>,
}

/// What can be seen of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Whether Odoo's first initialisation came to its end.
    initialised: bool,
    modules: BTreeSet<String>,
    /// Whether it holds tables that are not Odoo's.
    foreign: bool,
    /// Whether nothing can be seen of it, not even that it is there: the server of another host lets
    /// nobody in. Never so where it could be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unseen: bool,
}

impl State {
    const UNSEEN: Self = Self {
        initialised: false,
        modules: BTreeSet::new(),
        foreign: false,
        unseen: true,
    };
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

    /// Asks by `sql` what changes nothing; no rows where it is not there, or its server cannot be asked, which the
    /// steps tell.
    ///
    /// # Errors
    /// Where the statement fails.
    pub async fn ask(&self, host: &Host, sql: &str) -> Result<Vec<Vec<String>>> {
        if !self.server().is_up(host)? {
            return Ok(Vec::new());
        }
        match self.server().ask(host, &self.name, sql).await {
            // psql's own code for a connection that did not come about
            Err(Error::Command(failure)) if failure.ending == "ended with 2" => Ok(Vec::new()),
            answer => answer,
        }
    }

    /// The modules that are asked for; `base` always is.
    fn asked(&self) -> BTreeSet<String> {
        self.modules
            .iter()
            .cloned()
            .chain(["base".to_owned()])
            .collect()
    }

    async fn installed(&self, host: &Host) -> Result<(bool, bool, BTreeSet<String>)> {
        // one call: what may be asked depends on what is there
        let sql = "select to_regclass('public.ir_module_module') is not null as odoo, \
                   (select count(*) from pg_tables where schemaname = 'public') > 0 as tables \\gset\n\
                   \\echo :odoo :tables\n\\if :odoo\n\
                   select name from ir_module_module where state in ('installed', 'to upgrade');\n\\endif\n";
        let mut rows = self
            .server()
            .ask(host, &self.name, sql)
            .await?
            .into_iter()
            .flatten();
        let first = rows.next().unwrap_or_default();
        let (odoo, tables) = first.split_once(' ').unwrap_or_default();
        Ok((odoo == "t", tables == "t", rows.collect()))
    }

    /// A call of Odoo's launcher on the database, as the account that the service runs as.
    fn call(&self, command: &[&str], log: &str) -> Cmd {
        let call = Cmd::new(self.python.display().to_string())
            .arg(self.odoo.display().to_string())
            .args(command.iter().copied())
            .args(["--config", &self.conf.display().to_string()])
            .args(["--database", &self.name])
            // `--no-http`: with workers it would bind the port of the running service
            .args(["--no-http", "--workers=0", "--max-cron-threads=0"])
            // what is done here is told here: the service's own file is not to be begun by another
            .arg("--logfile=")
            .user(self.account())
            .folder(&self.data)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .killable(&self.site)
            .deadline(7200)
            .log(log);
        match &self.root_certificate {
            Some(path) => call.env("PGSSLROOTCERT", path.display().to_string()),
            None => call,
        }
    }

    async fn odoo(&self, host: &Host, modules: &BTreeSet<String>, log: &str) -> Result<()> {
        let list: Vec<&str> = modules.iter().map(String::as_str).collect();
        let call = self
            .call(&[], log)
            .args(["--init", &list.join(","), "--stop-after-init"]);
        let mut tries = 1;
        while let Err(error) = host.run(&call).await {
            if tries == TRIES || !is_collision(&error) {
                return Err(error);
            }
            host.pause(u64::from(tries) * 1000).await?;
            tries += 1;
        }
        // PostgreSQL syncs what it is given, Odoo does not sync the files that the rows point to
        host.sync(&self.data)?;
        // Odoo ends with 0 and a warning where a module does not exist
        let (_, _, installed) = self.installed(host).await?;
        let missing: Vec<&str> = modules.difference(&installed).map(String::as_str).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let log = host.store()?.log_path(log);
        Err(Error::impossible(format!(
            "Odoo did not install the module `{}`: there is none of that name in this release and its add-ons, or it \
             cannot be installed here; see `{}`",
            missing.join("`, `"),
            log.display()
        )))
    }

    async fn initialise(&self, host: &Host, from: Option<&State>) -> Result<()> {
        self.make(host, from).await?;
        let base = BTreeSet::from(["base".to_owned()]);
        let rest: BTreeSet<String> = self.asked().difference(&base).cloned().collect();
        if let Some(script) = self.first.script() {
            // the accounts of a country come with the modules, so it must be known before them
            self.odoo(host, &base, "database").await?;
            let call = self.call(&["shell"], "company").stdin(script);
            host.run(&call).await?;
            if !rest.is_empty() {
                self.odoo(host, &rest, "modules").await?;
            }
        } else {
            self.odoo(host, &self.asked(), "database").await?;
        }
        self.set_password(host).await
    }

    /// Makes it anew, empty. On another host's server only what is known to be ours is dropped, and an
    /// empty one that somebody has made for the role is taken as it is.
    async fn make(&self, host: &Host, from: Option<&State>) -> Result<()> {
        let server = self.server();
        let (name, owner) = (
            postgres::identifier(&self.name),
            postgres::identifier(&self.owner),
        );
        let begun = postgres::literal(BEGUN);
        let mark = format!("comment on database {name} is {begun};\n");
        let is_given = self.remote.is_some()
            && from.is_some()
            && self
                .comment(host)
                .await?
                .is_some_and(|comment| comment != BEGUN);
        if is_given {
            server.query(host, &self.name, &mark).await?;
            return Ok(());
        }
        if self.remote.is_none() || from.is_some() {
            self.drop(host).await?;
        }
        // as Odoo itself creates one, whatever the locale of the cluster
        let create = format!(
            "create database {name} owner {owner} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8';\n"
        );
        server.query(host, "postgres", &(create + &mark)).await?;
        Ok(())
    }

    /// What was said of it, `-` being nothing; `None` where it does not exist.
    async fn comment(&self, host: &Host) -> Result<Option<String>> {
        let sql = format!(
            "select coalesce(shobj_description(oid, 'pg_database'), '-') from pg_database where datname = {};",
            postgres::literal(&self.name)
        );
        let rows = self.server().ask(host, "postgres", &sql).await?;
        Ok(rows.concat().into_iter().next())
    }

    /// Replaces the password `admin` that every new database has, and with the same stroke calls
    /// the database whole.
    async fn set_password(&self, host: &Host) -> Result<()> {
        let hash = host
            .read(&Secret::hash_path(&self.password))?
            .unwrap_or_default();
        let hash = String::from_utf8_lossy(&hash).trim().to_owned();
        if !password::is_hash(&hash) {
            return Err(Error::impossible(format!(
                "there is no password for the first login at `{}`",
                self.password.display()
            )));
        }
        // on another host's server that is its superuser's to say, and what would be logged is a hash
        let quiet = match self.server() {
            Server::Local => {
                "set local log_statement = 'none';\nset local log_min_duration_statement = -1;\n"
            }
            Server::Remote(_) => "",
        };
        let sql = format!(
            "begin;\n{quiet}\
             with changed as (update res_users set password = {} where id = (select res_id from ir_model_data \
             where module = 'base' and name = 'user_admin') returning 1) select count(*) from changed;\n\
             comment on database {} is {};\ncommit;\n",
            postgres::literal(&hash),
            postgres::identifier(&self.name),
            postgres::literal(WHOLE)
        );
        let changed = self.server().query(host, &self.name, &sql).await?.concat();
        if changed == ["1"] {
            return Ok(());
        }
        Err(Error::garbled(
            "the new database",
            "it has no first user whose password could be set",
        ))
    }

    /// Drops the database, its connections and its part of the filestore.
    async fn drop(&self, host: &Host) -> Result<()> {
        let name = postgres::identifier(&self.name);
        let sql = format!("drop database if exists {name} with (force);");
        self.server().query(host, "postgres", &sql).await?;
        let filestore = self.data.join("filestore").join(&self.name);
        if host.path(&filestore).exists() {
            // as its owner: root follows no path that the service can bend
            let remove = Cmd::new("rm").args(["-rf", "--", &filestore.display().to_string()]);
            host.run(
                &remove
                    .user(self.account())
                    .folder(Path::new("/"))
                    .deadline(600),
            )
            .await?;
        }
        Ok(())
    }
}

/// Whether PostgreSQL gave way to another transaction, which is worth another try; the cases are
/// those of `PG_CONCURRENCY_EXCEPTIONS_TO_RETRY` in Odoo's `odoo/service/model.py`.
fn is_collision(error: &Error) -> bool {
    let Error::Command(failure) = error else {
        return false;
    };
    let cases = [
        "errors.SerializationFailure",
        "errors.DeadlockDetected",
        "errors.LockNotAvailable",
    ];
    let mut tail = failure.tail.iter();
    tail.any(|line| cases.iter().any(|case| line.contains(case)))
}

impl First {
    /// What Odoo's shell is given to read; `None` where nothing is asked. Through Odoo's own models:
    /// a country brings its currency, a language its translations.
    fn script(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        // a text of JSON is one of Python too
        let given = |value: &Option<String>| {
            value.as_ref().map_or_else(
                || "None".to_owned(),
                |text| serde_json::json!(text).to_string(),
            )
        };
        Some(format!(
            "language, country, company = {}, {}, {}\n{}",
            given(&self.language),
            given(&self.country),
            given(&self.company),
            include_str!("../../templates/first.py")
        ))
    }
}

impl Resource for Database {
    type State = State;

    fn subject(&self) -> String {
        self.name.clone()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        if !self.server().is_up(host)? {
            return Ok(None);
        }
        let (comment, installed) = tokio::join!(self.comment(host), self.installed(host));
        let comment = match comment {
            // a server of another host that lets nobody in has a step of its own, which says so
            Err(Error::Command(_)) if self.remote.is_some() => return Ok(Some(State::UNSEEN)),
            comment => comment?,
        };
        let Some(comment) = comment else {
            return Ok(None);
        };
        if comment == BEGUN {
            return Ok(Some(State {
                initialised: false,
                modules: BTreeSet::new(),
                foreign: false,
                unseen: false,
            }));
        }
        let (odoo, tables, modules) = installed?;
        Ok(Some(State {
            initialised: odoo,
            modules,
            foreign: tables && !odoo,
            unseen: false,
        }))
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        let mut modules = now.map(|now| now.modules.clone()).unwrap_or_default();
        modules.extend(self.asked());
        Some(State {
            initialised: true,
            modules,
            foreign: false,
            unseen: false,
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        // nothing was done from there
        if to.is_some_and(|to| to.unseen) {
            return Ok(Moved::There);
        }
        if from.is_some_and(|from| from.unseen) {
            // perhaps by now, but what was not seen is neither made nor dropped
            self.comment(host).await?;
            return Err(Error::impossible(format!(
                "PostgreSQL on the other host did not say whether the database `{}` is there; try again",
                self.name
            )));
        }
        let nothing = BTreeSet::new();
        let has = from
            .filter(|from| from.initialised)
            .map_or(&nothing, |from| &from.modules);
        match to {
            None if from.is_some() => self.drop(host).await?,
            Some(to) if to.initialised && has.is_empty() => self.initialise(host, from).await?,
            Some(to) if to.modules.is_subset(has) && from != Some(to) => {
                return Ok(Moved::Kept(
                    "installed modules stay: taking one out would delete its data".into(),
                ));
            }
            Some(to) if from != Some(to) => {
                let new = to.modules.difference(has).cloned().collect();
                self.odoo(host, &new, "modules").await?;
            }
            _ => (),
        }
        Ok(Moved::There)
    }

    fn refuses(&self, now: Option<&State>) -> Option<String> {
        now.filter(|now| now.foreign).map(|_| {
            format!(
                "the database `{}` exists and is not Odoo's; give the site another `odoo.database`",
                self.name
            )
        })
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (None, Some(_)) => "a new database, without the password `admin`".into(),
            (Some(from), Some(_)) if from.unseen => {
                "cannot be seen before PostgreSQL lets Odoo's role in; made if it is not there"
                    .into()
            }
            (Some(from), Some(to)) if from != to && !from.initialised => {
                "begun and not finished: made anew".into()
            }
            _ => String::new(),
        }
    }

    fn leaves(&self, from: Option<&State>) -> Option<&'static str> {
        from.map(|_| "modules that are added to a database that was there before")
    }

    fn holds_data(&self) -> bool {
        true
    }
}
