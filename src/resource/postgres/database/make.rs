//! Making a database, and removing a database that a run made.

use std::collections::BTreeSet;

use super::look::{Holds, Look};
use super::{Database, filestore};
use crate::gate;
use crate::host::{Error, Host, Result};
use crate::resource::Moved;
use crate::resource::files::secret::Secret;
use crate::resource::postgres::server::Server;
use crate::secret::password;
use crate::text::sql;

impl Database {
    /// Makes the database and installs Odoo in it.
    pub(super) async fn initialise(&self, host: &Host) -> Result<()> {
        self.make(host).await?;
        let base = BTreeSet::from(["base".to_owned()]);
        let rest: BTreeSet<String> = self.asked().difference(&base).cloned().collect();
        if let Some(script) = self.first.script() {
            // the modules bring the accounts of the country, so the country must be set before
            self.install(host, &base, "database").await?;
            let call = self.call(&["shell"], "company").stdin(script);
            host.run(&call).await?;
            if !rest.is_empty() {
                self.install(host, &rest, "modules").await?;
            }
        } else {
            self.install(host, &self.asked(), "database").await?;
        }
        self.set_password(host).await
    }

    /// The key of notes about databases of this name that runs have made.
    pub(super) fn made_key(&self) -> String {
        self.key("database")
    }

    /// The key of notes about databases of this name that were empty when a run began to fill them.
    pub(super) fn filled_key(&self) -> String {
        self.key("empty database")
    }

    fn key(&self, what: &str) -> String {
        match &self.remote {
            Some(service) => format!("{what} {} by {}", self.name, service.display()),
            None => format!("{what} {}", self.name),
        }
    }

    /// Makes sure that an empty database with our mark exists, and that its OID is noted. A database that a run began
    /// and did not finish is made again; an empty database is used as it is. For any other database this fails and
    /// changes nothing.
    async fn make(&self, host: &Host) -> Result<()> {
        match self.look(host).await? {
            None => self.create(host).await?,
            Some(look) if self.is_anew(host, &look)? => {
                self.begin_anew(host, &look).await?;
            }
            Some(look) => {
                let state = self.judge(host, &look)?;
                if let Some(problem) = state.problem {
                    return Err(Error::impossible(problem));
                }
                if state.initialised {
                    return Err(Error::impossible(format!(
                        "the database `{}` was not there a moment ago, and is Odoo's by now: look who else makes it",
                        self.name
                    )));
                }
                self.fill(host, &look).await?;
            }
        }
        self.extend(host).await
    }

    /// Makes a database again that an earlier run began.
    async fn begin_anew(&self, host: &Host, look: &Look) -> Result<()> {
        if self.is_made(host, look)? {
            if let Moved::Kept(reason) = self.take_away(host).await? {
                return Err(Error::impossible(format!(
                    "the database `{}` cannot be made again: {reason}",
                    self.name
                )));
            }
            return self.create(host).await;
        }
        let sql = gate::empty_database(host, &self.name, &self.owner)?;
        self.server().query(host, &self.name, &sql).await?;
        filestore::take_away(self, host, &[]).await.map(drop)
    }

    /// Whether a run made exactly this database.
    fn is_made(&self, host: &Host, look: &Look) -> Result<bool> {
        Ok(look.is_noted(&host.made(&self.made_key())?))
    }

    async fn create(&self, host: &Host) -> Result<()> {
        // the files of an earlier database would be taken for files of the new one
        if let Some(reason) = filestore::left(host, &self.data, &self.name)? {
            return Err(Error::impossible(reason));
        }
        let (name, owner) = (sql::identifier(&self.name), sql::identifier(&self.owner));
        // with the same options as Odoo's own databases, whatever the locale of the cluster
        let sql = format!(
            "create database {name} owner {owner} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8';\n\
             comment on database {name} is {};\n",
            sql::literal(gate::BEGUN)
        );
        self.server().query(host, "postgres", &sql).await?;
        let gone = || Error::garbled("the new database", "it is not there");
        let look = self.look(host).await?.ok_or_else(gone)?;
        host.store()?.note_made(&self.made_key(), &look.note())
    }

    /// Uses an empty database that somebody else made.
    async fn fill(&self, host: &Host, look: &Look) -> Result<()> {
        // nothing says that the filestore was empty before, so a rollback does not remove files
        host.store()?.note_made(&self.filled_key(), &look.note())?;
        let sql = format!(
            "comment on database {} is {};\n",
            sql::identifier(&self.name),
            sql::literal(gate::BEGUN)
        );
        self.server().query(host, &self.name, &sql).await.map(drop)
    }

    /// Does what Odoo does in a database that it creates itself (`_create_empty_database` in its
    /// `odoo/service/db.py`), as the role that owns the database. As in Odoo, a missing extension is no error. Odoo
    /// also lets every role write into the schema `public`; this is left out, because only the owner needs to.
    async fn extend(&self, host: &Host) -> Result<()> {
        let role = match self.server() {
            Server::Local => format!("set role {};\n", sql::identifier(&self.owner)),
            Server::Remote(_) => String::new(),
        };
        let mut sql = role + &extension("pg_trgm", "");
        if self.asks_for_unaccent(host)? {
            // the function does not belong to the role, although the extension does, so Odoo's own statement has no
            // effect
            let back = match self.server() {
                Server::Local => "reset role;\n",
                Server::Remote(_) => "",
            };
            let immutable = " alter function unaccent(text) immutable;";
            sql = sql + &extension("unaccent", "") + back + &extension("unaccent", immutable);
        }
        self.server().query(host, &self.name, &sql).await.map(drop)
    }

    /// Whether Odoo's configuration enables `unaccent`.
    fn asks_for_unaccent(&self, host: &Host) -> Result<bool> {
        let conf = host.text(&self.conf)?.unwrap_or_default();
        let mut values = conf
            .lines()
            .filter_map(|line| line.split_once('='))
            .filter(|(key, _)| key.trim() == "unaccent")
            .map(|(_, value)| value.trim().to_lowercase());
        let value = values.next_back().unwrap_or_default();
        Ok(["true", "t", "1", "yes", "y", "on"].contains(&value.as_str()))
    }

    /// Replaces the password `admin` of a new database, and marks the database as complete in the same transaction.
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
        // on another host only the superuser may set this, and the log would only contain a hash
        let quiet = match self.server() {
            Server::Local => {
                "set local log_statement = 'none';\nset local log_min_duration_statement = -1;\n"
            }
            Server::Remote(_) => "",
        };
        let sql = format!(
            "begin;\n{quiet}\
             with changed as (update res_users set password = {} where id = (select res_id from ir_model_data \
             where module = 'base' and name = 'user_admin') returning 1) select count(*) from changed;\n{}\
             comment on database {} is {};\ncommit;\n",
            sql::literal(&hash),
            self.printing(),
            sql::identifier(&self.name),
            sql::literal(gate::WHOLE)
        );
        let changed = self.server().query(host, &self.name, &sql).await?.concat();
        if changed == ["1"] {
            return Ok(());
        }
        Err(Error::garbled(
            "the new database",
            "it has no first user, so no password could be set",
        ))
    }

    /// The statement that sets the address from which reports load their style. The domain of the site would need a
    /// name server, a route back to this server and a certificate that the printer trusts.
    fn printing(&self) -> String {
        if self.prints_from.is_empty() {
            return String::new();
        }
        let from = sql::literal(&self.prints_from);
        format!(
            "insert into ir_config_parameter (key, value) select 'report.url', {from} where not exists \
             (select from ir_config_parameter where key = 'report.url');\n"
        )
    }

    /// Removes what a run made: its files in the filestore, then the database.
    pub(super) async fn take_away(&self, host: &Host) -> Result<Moved> {
        let Some(look) = self.look(host).await? else {
            return Ok(Moved::Applied);
        };
        let is_made = self.is_made(host, &look)?;
        let dropped = gate::drop_database(
            host,
            gate::Subject {
                name: &self.name,
                oid: look.oid,
                is_made,
                mark: look.mark,
                is_empty: matches!(look.holds, Holds::Nothing),
                is_roles: look.is_roles,
            },
        )?;
        let sql = match dropped {
            Ok(sql) => sql,
            Err(reason) => return Ok(Moved::Kept(reason)),
        };
        // before the rows are gone: only they tell which files belong to the database
        if is_made {
            let named = self.attachments(host, &look).await?;
            filestore::take_away(self, host, &named).await?;
        }
        let same = self.server().query(host, "postgres", &sql).await?.concat();
        if same == ["t"] {
            return Ok(Moved::Applied);
        }
        Ok(Moved::Kept(
            "another of its name has come since, or somebody is connected to it".into(),
        ))
    }

    /// The files that the rows of the database refer to.
    async fn attachments(&self, host: &Host, look: &Look) -> Result<Vec<String>> {
        let Holds::Odoo(_) = &look.holds else {
            return Ok(Vec::new());
        };
        let sql = "select to_regclass('public.ir_attachment') is not null as has \\gset\n\\if :has\n\
                   select store_fname from public.ir_attachment where store_fname is not null;\n\\endif\n";
        let rows = self.server().query(host, &self.name, sql).await?;
        Ok(rows.concat())
    }
}

/// A statement that creates an extension, and only warns if it is not available.
fn extension(name: &str, then: &str) -> String {
    format!(
        "do $$ begin create extension if not exists {name};{then} exception when others then raise warning '%', sqlerrm; \
         end $$;\n"
    )
}
