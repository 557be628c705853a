//! Making a database, and taking away what a run made.

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
    /// Makes it and fills it with Odoo.
    pub(super) async fn initialise(&self, host: &Host) -> Result<()> {
        self.make(host).await?;
        let base = BTreeSet::from(["base".to_owned()]);
        let rest: BTreeSet<String> = self.asked().difference(&base).cloned().collect();
        if let Some(script) = self.first.script() {
            // the accounts of a country come with the modules, so it must be known before them
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

    /// What notes call the databases of this name that runs have made.
    pub(super) fn made_key(&self) -> String {
        self.key("database")
    }

    /// What notes call the databases of this name that were there, empty, when a run began to fill them.
    pub(super) fn filled_key(&self) -> String {
        self.key("empty database")
    }

    fn key(&self, what: &str) -> String {
        match &self.remote {
            Some(service) => format!("{what} {} by {}", self.name, service.display()),
            None => format!("{what} {}", self.name),
        }
    }

    /// Has it there, empty, with our mark, and noted by its number. What a run of ours began and did not finish
    /// is made anew; an empty one is taken as it is; everything else stays as it is, and this fails.
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

    /// What a run of ours had begun.
    async fn begin_anew(&self, host: &Host, look: &Look) -> Result<()> {
        if self.is_made(host, look)? {
            if let Moved::Kept(reason) = self.take_away(host).await? {
                return Err(Error::impossible(format!(
                    "the database `{}` cannot be made anew: {reason}",
                    self.name
                )));
            }
            return self.create(host).await;
        }
        let sql = gate::empty_database(host, &self.name, &self.owner)?;
        self.server().query(host, &self.name, &sql).await?;
        filestore::take_away(self, host, &[]).await.map(drop)
    }

    /// Whether a run of ours made that very one.
    fn is_made(&self, host: &Host, look: &Look) -> Result<bool> {
        Ok(look.is_noted(&host.made(&self.made_key())?))
    }

    async fn create(&self, host: &Host) -> Result<()> {
        // an earlier life's files would come to be taken for this one's
        if let Some(reason) = filestore::left(host, &self.data, &self.name)? {
            return Err(Error::impossible(reason));
        }
        let (name, owner) = (sql::identifier(&self.name), sql::identifier(&self.owner));
        // as Odoo itself creates one, whatever the locale of the cluster
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

    /// Takes an empty one that somebody has made.
    async fn fill(&self, host: &Host, look: &Look) -> Result<()> {
        // that there were no files before is not known: those that come are not taken away
        host.store()?.note_made(&self.filled_key(), &look.note())?;
        let sql = format!(
            "comment on database {} is {};\n",
            sql::identifier(&self.name),
            sql::literal(gate::BEGUN)
        );
        self.server().query(host, &self.name, &sql).await.map(drop)
    }

    /// What Odoo brings into a database that it makes itself (`_create_empty_database` in its
    /// `odoo/service/db.py`), as the role that owns it. There, too, it is no error where an extension is not to be had;
    /// that everybody may write into the schema `public` is left out: nobody but the owner needs to.
    async fn extend(&self, host: &Host) -> Result<()> {
        let role = match self.server() {
            Server::Local => format!("set role {};\n", sql::identifier(&self.owner)),
            Server::Remote(_) => String::new(),
        };
        let mut sql = role + &extension("pg_trgm", "");
        if self.asks_for_unaccent(host)? {
            // the function is not the role's, though the extension is: where Odoo asks for it, it comes to nothing
            let back = match self.server() {
                Server::Local => "reset role;\n",
                Server::Remote(_) => "",
            };
            let immutable = " alter function unaccent(text) immutable;";
            sql = sql + &extension("unaccent", "") + back + &extension("unaccent", immutable);
        }
        self.server().query(host, &self.name, &sql).await.map(drop)
    }

    /// Whether Odoo's configuration asks for searching without accents.
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
            "it has no first user whose password could be set",
        ))
    }

    /// The statement that says where reports load their style from: by the name of the site that would need a name
    /// server, a way back into this server and a certificate that the printer trusts.
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

    /// Takes away what a run made: its part of the filestore, then the database.
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
        // before the rows that tell which files are its own
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

    /// The files that its rows point to.
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

/// Makes an extension, where it is to be had.
fn extension(name: &str, then: &str) -> String {
    format!(
        "do $$ begin create extension if not exists {name};{then} exception when others then raise warning '%', sqlerrm; \
         end $$;\n"
    )
}
