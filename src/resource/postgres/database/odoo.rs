//! Calls of Odoo's launcher on the database.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Database;
use super::look::Holds;
use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};

/// How often Odoo is started if its transactions collide with those of the running service. Odoo tries a request just
/// as often.
const TRIES: u32 = 5;

/// Whom a new database is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct First {
    /// Its language, as Odoo names it.
    pub language: Option<String>,
    /// The two letters of its company's country.
    pub country: Option<String>,
    /// The name of its company.
    pub company: Option<String>,
}

impl Database {
    /// A call of Odoo's launcher on the database, as the account of the service.
    pub(super) fn call(&self, command: &[&str], log: &str) -> Cmd {
        let call = Cmd::new(self.python.display().to_string())
            .arg(self.odoo.display().to_string())
            .args(command.iter().copied())
            .args(["--config", &self.conf.display().to_string()])
            .args(["--database", &self.name])
            // `--no-http`: with workers it would bind the port of the running service
            .args(["--no-http", "--workers=0", "--max-cron-threads=0"])
            // the output goes to this run's log, because another program must not create the log file of the service
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

    /// Installs modules.
    pub(super) async fn install(
        &self,
        host: &Host,
        modules: &BTreeSet<String>,
        log: &str,
    ) -> Result<()> {
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
        // PostgreSQL syncs its own files, but Odoo does not sync the filestore
        host.sync(&self.data)?;
        // if a module does not exist, Odoo only warns and exits with 0
        let installed = match self.look(host).await?.map(|look| look.holds) {
            Some(Holds::Odoo(odoo)) => odoo.installed(),
            _ => BTreeSet::new(),
        };
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
}

/// Whether PostgreSQL gave precedence to another transaction, so that another try makes sense. The cases are those of
/// `PG_CONCURRENCY_EXCEPTIONS_TO_RETRY` in Odoo's `odoo/service/model.py`.
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
    /// The script that sets language, country and company in Odoo's shell; `None` if none is given. The script uses
    /// Odoo's models: a country sets its currency, a language loads its translations.
    pub(super) fn script(&self) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        // a JSON string is also a Python string
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
            include_str!("../../../../templates/first.py")
        ))
    }
}
