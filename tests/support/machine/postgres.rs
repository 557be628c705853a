//! The PostgreSQL server, as `psql` reaches it.

use std::collections::{BTreeMap, BTreeSet};

use odoo_deploy::host::command::Cmd;

use super::accounts::{account, add};
use super::database::{Database, Role};
use super::{Answer, Model};

const PSQL: &str = "/usr/lib/postgresql/15/bin/psql";
const SOCKET: &str = "/run/postgresql/.s.PGSQL.5432";
const UNREACHABLE: &str =
    "psql: error: connection to server on socket \"/var/run/postgresql/.s.PGSQL.5432\" failed:";
const FURTHER: &str = "/etc/postgresql/15/main/conf.d";
const CONF: &str = "/etc/postgresql/15/main/postgresql.conf";
const CONTROL: &str = "/var/lib/postgresql/15/main/global/pg_control";
const BASE: &str = "/var/lib/postgresql/15/main/base";

/// The only cluster.
#[derive(Clone, Debug, Default)]
pub struct Postgres {
    /// Whether it runs.
    pub running: bool,
    /// Its roles, except `postgres`.
    pub roles: BTreeMap<String, Role>,
    /// Its databases, except its own.
    pub databases: BTreeMap<String, Database>,
    /// The settings that it runs with, from the files in `conf.d`.
    pub settings: BTreeMap<String, String>,
    /// The password that it requires of a role on another host; `None` if no connection gets through.
    pub remote: Option<String>,
    /// Fields of Odoo's code without a column in the databases.
    pub lacks: Vec<String>,
    /// How many times the service's transactions still conflict with the installation of modules.
    pub collisions: u32,
    last_oid: u32,
    /// The number of clusters created so far.
    clusters: u8,
}

impl Model {
    /// Drops the cluster with its databases.
    pub(super) fn pg_dropcluster(&self, args: &[&str]) -> Answer {
        assert_eq!(args, ["--stop", "15", "main"], "no model of it");
        if !self.disk.exists(CONF) {
            return Err((1, "Error: specified cluster does not exist".into()));
        }
        self.fuse.halves(
            || self.stop_server(),
            |()| {
                for folder in ["/var/lib/postgresql/15", "/etc/postgresql/15"] {
                    self.disk.remove(folder);
                }
                self.state.borrow_mut().postgres.databases.clear();
            },
        );
        Ok(String::new())
    }

    /// What the server's package does first when it is configured: it creates the cluster.
    pub(super) fn make_cluster(&self) {
        if account(&self.disk, "postgres").is_none() {
            let home = "/var/lib/postgresql";
            add(&self.disk, "postgres", home, "/bin/bash", 101..1000);
        }
        if self.disk.list(BASE).is_empty() {
            let owner = self.account("postgres").unwrap();
            for oid in ["1", "4", "5"] {
                self.disk.folder_as(&format!("{BASE}/{oid}"), owner, 0o700);
            }
            let conf = "port = 5432\ninclude_dir = 'conf.d'\n";
            self.disk.put(CONF, conf);
            self.disk.folder_as(FURTHER, owner, 0o755);
            let made = &mut self.state.borrow_mut().postgres.clusters;
            *made += 1;
            let control = format!("cluster{made}");
            self.disk.put_as(CONTROL, &control, owner, 0o600);
        }
        let wants = "/etc/systemd/system/multi-user.target.wants/postgresql.service";
        self.disk
            .link(wants, "/usr/lib/systemd/system/postgresql.service");
    }

    pub(super) fn start_server(&self) {
        let owner = self.account("postgres").unwrap();
        self.disk.put_as(SOCKET, "", owner, 0o777);
        let postgres = &mut self.state.borrow_mut().postgres;
        postgres.running = true;
        postgres.settings = self.settings();
    }

    pub(super) fn stop_server(&self) {
        self.disk.remove("/run/postgresql");
        self.state.borrow_mut().postgres.running = false;
    }

    pub(super) fn has_server(&self) -> bool {
        self.disk.exists(PSQL) && self.disk.exists(BASE)
    }

    pub(super) fn psql(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        assert_eq!(cmd.program, PSQL);
        if !self.disk.exists(PSQL) {
            return Err((127, String::new()));
        }
        let file = cmd.env.get("PGSERVICEFILE");
        if let Some(file) = file {
            assert!(cmd.user.is_none(), "nobody else can read the file");
            self.signs_in(file)?;
        } else {
            assert_eq!(cmd.user.as_deref(), Some("postgres"), "peer authentication");
        }
        // the server of another host always runs
        if file.is_none() && !self.state.borrow().postgres.running {
            let words = format!("{UNREACHABLE} No such file or directory");
            return Err((2, words));
        }
        let database = args
            .iter()
            .find_map(|arg| arg.strip_prefix("--dbname="))
            .expect("psql with a database")
            .trim_start_matches("service=odoo dbname=");
        if database != "postgres"
            && !self
                .state
                .borrow()
                .postgres
                .databases
                .contains_key(database)
        {
            let words = format!("{UNREACHABLE} FATAL:  database \"{database}\" does not exist");
            return Err((2, words));
        }
        let script = String::from_utf8(cmd.stdin.clone().expect("psql with statements")).unwrap();
        let mut answer = String::new();
        let mut rest = script.as_str();
        while let Some((part, (end, further))) = rest
            .split_once("\n\\echo '-- ")
            .and_then(|(part, rest)| Some((part, rest.split_once("'\n")?)))
        {
            answer += &format!("{}-- {end}\n", self.part(database, part)?);
            rest = further;
        }
        assert_eq!(rest, "", "a last line");
        Ok(answer)
    }

    /// Runs statements, which may switch to another database if that exists.
    fn part(&self, database: &str, sql: &str) -> Answer {
        let Some(rest) =
            sql.strip_prefix("select exists (select from pg_database where datname = ")
        else {
            return self.sql(database, sql);
        };
        let connect = "\n\\if :there\n\\connect -reuse-previous=on :place\n";
        let (first, rest) = rest.split_once(connect).unwrap();
        let other = &quoted(first, '\'')[0];
        assert!(
            first.contains(&format!("'\"dbname=''{other}''\"' as place")),
            "{first}"
        );
        let sql = rest.strip_suffix("\\endif").expect("an end");
        let sql = sql.strip_suffix("\\connect postgres\n").unwrap_or(sql);
        if self.state.borrow().postgres.databases.contains_key(other) {
            self.sql(other, sql)
        } else {
            Ok(String::new())
        }
    }

    /// Checks the password of a service file. The server of another host is the same model server.
    fn signs_in(&self, file: &str) -> Result<(), (i32, String)> {
        let text = self.disk.text(file);
        let typed = text.lines().find_map(|line| line.strip_prefix("password="));
        let state = self.state.borrow();
        match &state.postgres.remote {
            None => Err((2, "psql: error: connection timed out".into())),
            known if known.as_deref() == typed => Ok(()),
            Some(_) => Err((
                2,
                "psql: error: FATAL:  password authentication failed".into(),
            )),
        }
    }

    /// The settings in the files in `conf.d`.
    fn settings(&self) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        for name in self.disk.list(FURTHER) {
            let text = self.disk.text(&format!("{FURTHER}/{name}"));
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let lines = lines.filter_map(|line| line.split_once(" = "));
            settings.extend(lines.map(|(k, v)| (k.to_owned(), v.to_owned())));
        }
        settings
    }

    fn running_settings(&self) -> BTreeMap<String, String> {
        self.state.borrow().postgres.settings.clone()
    }

    /// The settings that the server does not run with yet, and whether each needs a restart.
    fn pending(&self) -> String {
        let (said, running) = (self.settings(), &self.state.borrow().postgres.settings);
        let names: BTreeSet<&String> = said.keys().chain(running.keys()).collect();
        let pending = names
            .into_iter()
            .filter(|name| said.get(*name) != running.get(*name));
        let row = |name: &String| {
            let context = if needs_start(name) {
                "postmaster"
            } else {
                "user"
            };
            format!("{name}|{context}\n")
        };
        pending.map(row).collect()
    }

    fn sql(&self, database: &str, sql: &str) -> Answer {
        let (names, texts) = (quoted(sql, '"'), quoted(sql, '\''));
        let begins = |with: &str| sql.starts_with(with);
        let flag = |on: bool| if on { "t" } else { "f" };
        let state = self.state.borrow();
        let postgres = &state.postgres;
        if begins("select 1;") {
            return Ok("1\n".into());
        }
        if begins("with files as (select distinct on (name) name,") {
            return Ok(self.pending());
        }
        if begins("select current_setting('server_version_num')::int / 10000, rolsuper ") {
            return Ok("15|f\n".into());
        }
        if begins("select least(current_setting('max_connections')::int,") {
            return Ok("100\n".into());
        }
        if begins("select pg_encoding_to_char(encoding), current_setting('server_version_num')") {
            return Ok("UTF8|15\n".into());
        }
        if begins(
            "select rolcanlogin, rolcreatedb, rolsuper, rolcreaterole from pg_roles where rolname = ",
        ) {
            let row = postgres
                .roles
                .get(&texts[0])
                .map(|role| [role.login, role.createdb, role.superuser, role.createrole].map(flag));
            return Ok(row.map_or_else(String::new, |row| row.join("|") + "\n"));
        }
        if begins("select to_regclass('public.ir_module_module') is not null as odoo \\gset") {
            return Ok(modules(&postgres.databases[database]));
        }
        if begins("select to_regclass('public.ir_config_parameter') is not null as parameters ") {
            return Ok(reports(&postgres.databases[database]));
        }
        // no session has settings or holds a connection
        if begins("select distinct on (name) name, replace(value, ")
            || begins("select current_setting('max_connections'), current_setting('superuser_")
        {
            return Ok(String::new());
        }
        if begins("with mine as (select g.rolname") {
            return Ok(peer(&texts));
        }
        drop(state);
        if let Some(answer) = self.judged(database, sql) {
            return answer;
        }
        if begins("select pg_reload_conf();") {
            self.fuse.effect(|| {
                let (said, running) = (self.settings(), self.running_settings());
                let takes_up = |(name, _): &(&String, &String)| !needs_start(name);
                let keeps = running.iter().filter(|(name, _)| needs_start(name));
                let all = said.iter().filter(takes_up).chain(keeps);
                let all = all.map(|(k, v)| (k.clone(), v.clone())).collect();
                self.state.borrow_mut().postgres.settings = all;
            });
            return Ok("t\n".into());
        }
        if begins("create role ") || begins("alter role ") {
            return self.set_role(&names[0], sql);
        }
        if begins("drop role ") {
            return self.drop_role(&names[0]);
        }
        if begins("create database ") {
            return self.create_database(&names[0], &names[1], &texts[3]);
        }
        if begins("begin;\nset local log_statement = 'none';") || begins("begin;\nwith changed as ")
        {
            return self.set_password(database, &texts, sql);
        }
        panic!("no model of the statement: {sql}");
    }

    fn set_role(&self, name: &str, sql: &str) -> Answer {
        let exists = self.state.borrow().postgres.roles.contains_key(name);
        let creates = sql.starts_with("create");
        if exists && creates {
            return Err((3, format!("ERROR:  role \"{name}\" already exists")));
        }
        if !exists && !creates {
            return Err((3, format!("ERROR:  role \"{name}\" does not exist")));
        }
        let words: Vec<&str> = sql.trim_end_matches(';').split(' ').collect();
        let has = |word: &str| words.contains(&word);
        let known = self.state.borrow().postgres.roles.get(name).cloned();
        let role = Role {
            grants: known.map(|role| role.grants).unwrap_or_default(),
            login: has("login"),
            createdb: has("createdb"),
            superuser: has("superuser"),
            createrole: has("createrole"),
        };
        self.fuse.effect(|| {
            let mut state = self.state.borrow_mut();
            state.postgres.roles.insert(name.to_owned(), role);
        });
        Ok(String::new())
    }

    fn drop_role(&self, name: &str) -> Answer {
        let state = self.state.borrow();
        if !state.postgres.roles.contains_key(name) {
            return Err((3, format!("ERROR:  role \"{name}\" does not exist")));
        }
        let depends = !state.postgres.roles[name].grants.is_empty();
        if depends || state.postgres.databases.values().any(|d| d.owner == name) {
            let words = format!(
                "ERROR:  role \"{name}\" cannot be dropped because some objects depend on it"
            );
            return Err((3, words));
        }
        drop(state);
        self.fuse.effect(|| {
            self.state.borrow_mut().postgres.roles.remove(name);
        });
        Ok(String::new())
    }

    /// Runs two statements, each in its own transaction.
    fn create_database(&self, name: &str, owner: &str, comment: &str) -> Answer {
        let state = self.state.borrow();
        if !state.postgres.roles.contains_key(owner) {
            return Err((3, format!("ERROR:  role \"{owner}\" does not exist")));
        }
        if state.postgres.databases.contains_key(name) {
            return Err((3, format!("ERROR:  database \"{name}\" already exists")));
        }
        drop(state);
        self.fuse.halves(
            || {
                let made = Database {
                    owner: owner.into(),
                    ..Database::default()
                };
                self.add_database(name, made);
            },
            |()| {
                let postgres = &mut self.state.borrow_mut().postgres;
                postgres.databases.get_mut(name).unwrap().comment = Some(comment.into());
            },
        );
        Ok(String::new())
    }

    /// Adds a database with the next number.
    pub(super) fn add_database(&self, name: &str, database: Database) {
        let postgres = &mut self.state.borrow_mut().postgres;
        postgres.last_oid = postgres.last_oid.max(16383) + 1;
        let oid = postgres.last_oid;
        let server = self.account("postgres").unwrap();
        self.disk.folder_as(&format!("{BASE}/{oid}"), server, 0o700);
        let made = Database { oid, ..database };
        postgres.databases.insert(name.into(), made);
    }

    /// Removes a database and its files, if it exists.
    pub(super) fn take_database(&self, name: &str) {
        let gone = self.state.borrow_mut().postgres.databases.remove(name);
        if let Some(gone) = gone {
            self.disk.remove(&format!("{BASE}/{}", gone.oid));
        }
    }

    /// Runs one transaction: everything or nothing.
    fn set_password(&self, database: &str, texts: &[String], sql: &str) -> Answer {
        let hash = texts.iter().find(|t| t.starts_with("$pbkdf2-sha512$"));
        let hash = hash.expect("a hash, never a password").clone();
        assert!(sql.ends_with("commit;\n"));
        let comment = texts.last().unwrap().clone();
        let prints_from = texts
            .iter()
            .find(|text| text.starts_with("http://"))
            .cloned();
        if self.state.borrow().postgres.databases[database]
            .modules
            .is_none()
        {
            return Err((3, "ERROR:  relation \"res_users\" does not exist".into()));
        }
        self.fuse.effect(|| {
            let postgres = &mut self.state.borrow_mut().postgres;
            let found = postgres.databases.get_mut(database).unwrap();
            (found.password, found.comment) = (Some(hash), Some(comment));
            found.prints_from = prints_from;
        });
        Ok("1\n".into())
    }
}

/// Odoo's modules in a database: name, state and version.
fn modules(found: &Database) -> String {
    let version = |name: &str| match name {
        "base" => found.version.as_deref().unwrap_or("19.0.1.3"),
        _ => "19.0.1.0",
    };
    let installed = found.modules.iter().flatten();
    let mut rows: BTreeMap<&str, &str> =
        installed.map(|name| (name.as_str(), "installed")).collect();
    let others = found
        .rows
        .iter()
        .filter(|(_, state)| state.starts_with("to "));
    rows.extend(others.map(|(name, state)| (name.as_str(), state.as_str())));
    let row = |(name, state): (&str, &str)| format!("{name}|{state}|{}\n", version(name));
    rows.into_iter().map(row).collect()
}

/// The parameter of Odoo that tells where reports load their style from.
fn reports(found: &Database) -> String {
    let Some(_) = &found.modules else {
        return String::new();
    };
    let from = found.prints_from.iter().map(|url| format!("{url}\n"));
    "there\n".to_owned() + &from.collect::<String>()
}

/// The line of `pg_hba.conf` that decides for each database: Debian's default line for all roles.
fn peer(texts: &[String]) -> String {
    let asked = texts
        .iter()
        .skip_while(|text| *text != "member")
        .skip(1)
        .take(2);
    let asked: std::collections::BTreeSet<&String> = asked.collect();
    let line = |name: &&String| {
        format!(
            "{{\"file\": \"/etc/postgresql/15/main/pg_hba.conf\", \"line\": 95, \"asked\": \"{name}\", \"error\": null, \
             \"ident\": \"/etc/postgresql/15/main/pg_ident.conf\", \"method\": \"peer\", \"options\": []}}\n"
        )
    };
    asked.iter().map(line).collect()
}

/// Whether a setting takes effect only when the server starts.
fn needs_start(name: &str) -> bool {
    ["max_connections", "shared_buffers"].contains(&name)
}

/// The texts between quotes.
pub(super) fn quoted(sql: &str, quote: char) -> Vec<String> {
    let parts = sql.split(quote).skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}
