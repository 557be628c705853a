//! Odoo's launcher, called on the database.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Database;
use super::look::Holds;
use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};

/// How often Odoo is called where its transactions collide with those of the service, which goes on
/// serving meanwhile: as often as Odoo itself tries a request.
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
    /// A call of Odoo's launcher on the database, as the account that the service runs as.
    pub(super) fn call(&self, command: &[&str], log: &str) -> Cmd {
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
        // PostgreSQL syncs what it is given, Odoo does not sync the files that the rows point to
        host.sync(&self.data)?;
        // Odoo ends with 0 and a warning where a module does not exist
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
    pub(super) fn script(&self) -> Option<String> {
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
            include_str!("../../../../templates/first.py")
        ))
    }
}
