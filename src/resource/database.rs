//! A database of Odoo's, with its modules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};
use crate::password;
use crate::resource::secret::Secret;
use crate::resource::{Moved, Resource, postgres};

/// The comment of a database while it is being initialised: only what carries it, or holds no table
/// at all, may be thrown away and begun again.
const BEGUN: &str = "odoo-deploy: being initialised";

/// The comment of a database once it is whole.
const WHOLE: &str = "odoo-deploy: initialised";

/// A database of Odoo's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its owner: the role and the system user of that name.
    pub owner: String,
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

/// What can be seen of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Whether Odoo's first initialisation came to its end.
    initialised: bool,
    modules: BTreeSet<String>,
    /// Whether it holds tables that are not Odoo's.
    foreign: bool,
}

impl Database {
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
        let mut rows = postgres::query(host, &self.name, sql)
            .await?
            .into_iter()
            .flatten();
        let first = rows.next().unwrap_or_default();
        let (odoo, tables) = first.split_once(' ').unwrap_or_default();
        Ok((odoo == "t", tables == "t", rows.collect()))
    }

    async fn odoo(&self, host: &Host, modules: &BTreeSet<String>, log: &str) -> Result<()> {
        let list = modules
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(",");
        let (odoo, conf) = (
            self.odoo.display().to_string(),
            self.conf.display().to_string(),
        );
        let call = Cmd::new(self.python.display().to_string())
            .args([
                &odoo,
                "--config",
                &conf,
                "--database",
                &self.name,
                "--init",
                &list,
            ])
            // `--no-http`: with workers it would bind the port of the running service
            .args([
                "--stop-after-init",
                "--no-http",
                "--workers=0",
                "--max-cron-threads=0",
            ])
            .user(&self.owner)
            .folder(&self.data)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .killable(&self.site)
            .deadline(7200)
            .log(log);
        host.run(&call).await?;
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

    async fn initialise(&self, host: &Host) -> Result<()> {
        self.drop(host).await?;
        let (name, owner) = (
            postgres::identifier(&self.name),
            postgres::identifier(&self.owner),
        );
        let begun = postgres::literal(BEGUN);
        // as Odoo itself creates one, whatever the locale of the cluster
        let sql = format!(
            "create database {name} owner {owner} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8';\n\
             comment on database {name} is {begun};\n"
        );
        postgres::query(host, "postgres", &sql).await?;
        self.odoo(host, &self.asked(), "database").await?;
        self.set_password(host).await
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
        let sql = format!(
            "begin;\nset local log_statement = 'none';\nset local log_min_duration_statement = -1;\n\
             with changed as (update res_users set password = {} where id = (select res_id from ir_model_data \
             where module = 'base' and name = 'user_admin') returning 1) select count(*) from changed;\n\
             comment on database {} is {};\ncommit;\n",
            postgres::literal(&hash),
            postgres::identifier(&self.name),
            postgres::literal(WHOLE)
        );
        let changed = postgres::query(host, &self.name, &sql).await?.concat();
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
        postgres::query(
            host,
            "postgres",
            &format!("drop database if exists {name} with (force);"),
        )
        .await?;
        let filestore = self.data.join("filestore").join(&self.name);
        if host.path(&filestore).exists() {
            // as its owner: root follows no path that the service can bend
            let remove = Cmd::new("rm").args(["-rf", "--", &filestore.display().to_string()]);
            host.run(
                &remove
                    .user(&self.owner)
                    .folder(Path::new("/"))
                    .deadline(600),
            )
            .await?;
        }
        Ok(())
    }
}

impl Resource for Database {
    type State = State;

    fn subject(&self) -> String {
        self.name.clone()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        if !postgres::is_up(host)? {
            return Ok(None);
        }
        let sql = format!(
            "select coalesce(shobj_description(oid, 'pg_database'), '-') from pg_database where datname = {};",
            postgres::literal(&self.name)
        );
        let rows = postgres::query(host, "postgres", &sql).await?;
        let Some(comment) = rows.concat().first().cloned() else {
            return Ok(None);
        };
        if comment == BEGUN {
            return Ok(Some(State {
                initialised: false,
                modules: BTreeSet::new(),
                foreign: false,
            }));
        }
        let (odoo, tables, modules) = self.installed(host).await?;
        Ok(Some(State {
            initialised: odoo,
            modules,
            foreign: tables && !odoo,
        }))
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        let mut modules = now.map(|now| now.modules.clone()).unwrap_or_default();
        modules.extend(self.asked());
        Some(State {
            initialised: true,
            modules,
            foreign: false,
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        let nothing = BTreeSet::new();
        let has = from
            .filter(|from| from.initialised)
            .map_or(&nothing, |from| &from.modules);
        match to {
            None if from.is_some() => self.drop(host).await?,
            Some(to) if to.initialised && has.is_empty() => self.initialise(host).await?,
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
