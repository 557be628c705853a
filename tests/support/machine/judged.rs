//! PostgreSQL's answers to statements that inspect a database before something is done to it.

use std::collections::BTreeMap;

use super::database::{Database, Object};
use super::postgres::quoted;
use super::{Answer, Model};

/// The system identifier of the cluster.
const SYSTEM: &str = "7713003470266139941";

/// The version of `base` in this Odoo.
const VERSION: &str = "19.0.1.3";

impl Model {
    /// Returns the answer to a statement that inspects or drops a database, or `None` for other statements.
    pub(super) fn judged(&self, database: &str, sql: &str) -> Option<Answer> {
        let begins = |with: &str| sql.starts_with(with);
        if begins("select oid, (select system_identifier from pg_control_system()), case ")
            || begins("select oid, 0, case ")
        {
            return Some(Ok(self.outside(sql)));
        }
        if begins(
            "select count(*) = 3 and to_regclass('public.ir_model_data') is not null as odoo ",
        ) {
            return Some(Ok(self.inside(database, sql)));
        }
        if begins("select count(*) = 1 as same from pg_database where datname = ") {
            return Some(Ok(self.drop_same(sql)));
        }
        if begins("select to_regclass('public.ir_attachment') is not null as has ") {
            return Some(Ok(String::new()));
        }
        if begins("with its as (select oid from pg_roles where rolname = ") {
            return Some(Ok(self.needed_by(sql)));
        }
        if begins("comment on database ") {
            let comment = quoted(sql, '\'').remove(0);
            self.fuse
                .effect(|| self.with(database, |found| found.comment = Some(comment)));
            return Some(Ok(String::new()));
        }
        if begins("drop owned by ") {
            self.fuse.effect(|| {
                self.with(database, |found| {
                    *found = Database {
                        owner: found.owner.clone(),
                        oid: found.oid,
                        comment: found.comment.clone(),
                        ..Database::default()
                    };
                });
            });
            return Some(Ok(String::new()));
        }
        if begins("set role ") || begins("do $$ begin create extension if not exists pg_trgm;") {
            self.fuse.effect(|| ());
            return Some(Ok(String::new()));
        }
        None
    }

    fn with(&self, database: &str, change: impl FnOnce(&mut Database)) {
        let postgres = &mut self.state.borrow_mut().postgres;
        change(postgres.databases.get_mut(database).unwrap());
    }

    fn outside(&self, sql: &str) -> String {
        let texts = quoted(sql, '\'');
        let (name, role) = (texts.last().unwrap(), &texts[texts.len() - 2]);
        let state = self.state.borrow();
        let Some(found) = state.postgres.databases.get(name) else {
            return String::new();
        };
        let system = if sql.contains("pg_control_system") {
            SYSTEM
        } else {
            "0"
        };
        let mark = match found.comment.as_deref() {
            Some("odoo-deploy: being initialised") => "begun",
            Some("odoo-deploy: initialised") => "whole",
            _ => "-",
        };
        let flag = |on: bool| if on { "t" } else { "f" };
        let has_role = state.postgres.roles.contains_key(role);
        let is_roles = flag(has_role && found.owner == *role);
        let (oid, owner, has_role) = (found.oid, &found.owner, flag(has_role));
        format!("{oid}|{system}|{mark}|UTF8|t|{is_roles}|{has_role}|{owner}\n")
    }

    fn inside(&self, database: &str, sql: &str) -> String {
        let state = self.state.borrow();
        let found = &state.postgres.databases[database];
        let role = sql.split("where rolname = '").nth(1).unwrap();
        let role = role.split('\'').next().unwrap();
        let mut answer = String::new();
        let Some(modules) = &found.modules else {
            for (kind, count) in objects(found) {
                answer += &format!("holds|{kind}|{count}|theirs\n");
            }
            return answer;
        };
        answer += "odoo\n";
        if found.comment.as_deref() == Some("odoo-deploy: being initialised") {
            answer += &format!("born|{}\n", odoo_deploy::engine::journal::now());
        }
        for module in modules {
            let version = found.version.as_deref().unwrap_or(VERSION);
            answer += &format!("module|{module}|installed|{version}\n");
        }
        for (module, state) in &found.rows {
            if !["uninstalled", "uninstallable"].contains(&state.as_str()) {
                answer += &format!("module|{module}|{state}|{VERSION}\n");
            }
        }
        if found.owner != role {
            answer += &format!("stranger|150|ir_model|{}\n", found.owner);
        }
        answer
    }

    fn needed_by(&self, sql: &str) -> String {
        let name = quoted(sql, '\'').remove(0);
        let state = self.state.borrow();
        let Some(role) = state.postgres.roles.get(&name) else {
            return String::new();
        };
        let mut answer = "oid|16400\n".to_owned();
        for (database, found) in &state.postgres.databases {
            if found.owner == name {
                answer += &format!("needs|the database `{database}`\n");
            }
        }
        for database in &role.grants {
            answer += &format!("needs|objects in the database `{database}`\n");
        }
        answer
    }

    fn drop_same(&self, sql: &str) -> String {
        let name = quoted(sql, '\'').remove(0);
        let oid = sql.split(" and oid = ").nth(1).unwrap();
        let oid = oid.split(' ').next().unwrap();
        let is_same = |found: &Database| found.oid.to_string() == oid;
        if !self
            .state
            .borrow()
            .postgres
            .databases
            .get(&name)
            .is_some_and(is_same)
        {
            return "f\n".into();
        }
        self.fuse.effect(|| self.take_database(&name));
        "t\n".into()
    }
}

/// The kinds and counts of objects that a dump of the database would contain.
fn objects(found: &Database) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    let mut add = |kind| *kinds.entry(kind).or_default() += 1;
    if found.tables {
        add("relation");
    }
    for object in &found.objects {
        match object {
            Object::TableElsewhere => {
                add("relation");
                add("schema");
            }
            Object::MaterialisedView | Object::ForeignTable => add("relation"),
            Object::LargeObject => add("large object"),
            Object::Function => add("function"),
            Object::Type => add("type"),
        }
    }
    kinds
}
