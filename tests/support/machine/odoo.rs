//! Odoo's launcher, which initialises databases.

use std::collections::BTreeSet;

use odoo_deploy::host::command::Cmd;

use super::{Answer, Model};

/// The modules that exist.
const MODULES: &[&str] = &["base", "web_responsive", "sale", "stock", "account"];

impl Model {
    pub(super) fn odoo(&self, cmd: &Cmd, odoo: &str, args: &[&str]) -> Answer {
        let after = |flag: &str| {
            let place = args.iter().position(|arg| *arg == flag);
            args[place.unwrap_or_else(|| panic!("odoo-bin without {flag}")) + 1]
        };
        let user = cmd.user.as_deref().expect("never as root");
        self.can_run(&cmd.program, odoo).map_err(|why| (1, why))?;
        let (_, gid) = self.caller(cmd);
        if !self.readable(after("--config"), gid) {
            return Err((1, "ERROR: the config file is not readable".into()));
        }
        let name = after("--database");
        let state = self.state.borrow();
        let postgres = &state.postgres;
        if !postgres.running {
            return Err((1, "could not connect to server: Connection refused".into()));
        }
        let conf = self.disk.text(after("--config"));
        let role = conf
            .lines()
            .find_map(|line| line.strip_prefix("db_user = "))
            .expect("a role");
        let peer = !conf.contains("\ndb_host = ");
        assert!(!peer || role == user, "peer authentication");
        if peer && !postgres.roles.get(role).is_some_and(|role| role.login) {
            return Err((1, format!("FATAL:  role \"{role}\" does not exist")));
        }
        if postgres.databases.get(name).is_none_or(|d| d.owner != role) {
            return Err((1, format!("FATAL:  database \"{name}\" does not exist")));
        }
        drop(state);
        if args.contains(&"shell") {
            let script = String::from_utf8(cmd.stdin.clone().expect("a script")).unwrap();
            if script.starts_with("# odoo-deploy: read by Odoo's shell.") {
                assert!(cmd.env.contains_key("PGOPTIONS"), "read only");
                let lacks = &self.state.borrow().postgres.lacks;
                return Ok(format!(
                    "\nodoo-deploy: {{\"missing\": {lacks:?}, \"installed\": [], \"left_out\": []}}\n"
                ));
            }
            self.fuse.effect(|| {
                let postgres = &mut self.state.borrow_mut().postgres;
                let database = postgres.databases.get_mut(name).unwrap();
                database.first = script.lines().next().map(str::to_owned);
            });
            return Ok(String::new());
        }
        let collides = self.state.borrow().postgres.collisions > 0;
        if collides {
            self.state.borrow_mut().postgres.collisions -= 1;
            let words = "psycopg2.errors.SerializationFailure: could not serialize access due to concurrent update";
            return Err((255, words.into()));
        }
        let asked: BTreeSet<String> = after("--init")
            .split(',')
            .filter(|module| MODULES.contains(module))
            .chain(["base"])
            .map(str::to_owned)
            .collect();
        let owner = self.caller(cmd);
        let folder = cmd.folder.as_ref().unwrap().to_str().unwrap();
        self.may_write(cmd, &format!("{folder}/filestore"))?;
        self.fuse.effect(|| {
            let files = format!("{folder}/filestore/{name}");
            self.disk.folder_as(&files, owner, 0o700);
            self.disk.own(&format!("{folder}/filestore"), owner, 0o700);
        });
        self.fuse.halves(
            || {
                let postgres = &mut self.state.borrow_mut().postgres;
                let database = postgres.databases.get_mut(name).unwrap();
                // Odoo's first transaction creates the table of modules (`initialize` in Odoo's
                // `odoo/modules/db.py`)
                database.tables = true;
                let modules = database.modules.get_or_insert_default();
                modules.insert("base".into());
                database.password.get_or_insert("admin".into());
            },
            |()| {
                let postgres = &mut self.state.borrow_mut().postgres;
                let database = postgres.databases.get_mut(name).unwrap();
                database.modules.as_mut().unwrap().extend(asked);
            },
        );
        Ok(String::new())
    }
}
