//! Checks that new code works with the database, before the service runs that code.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::host::command::Cmd;
use crate::host::{Error, Host};
use crate::odoo::modules;
use crate::text::error::chain;

/// The script that Odoo's shell runs.
const SCRIPT: &str = include_str!("../../templates/trial.py");

/// The beginning of the line that holds the script's result.
const ANSWER: &str = "odoo-deploy: ";

/// The largest number of fields or modules that a message lists.
const NAMED: usize = 5;

/// Texts in errors of servers that do not allow this check. A check that cannot be made counts as passed.
const UNTOLD: &[&str] = &[
    // Odoo writes something at its first start on a database
    "ReadOnlySqlTransaction",
    // a connection pooler in front of PostgreSQL
    "unsupported startup parameter",
];

/// A call of Odoo's shell, as the account of the service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// The name of the database.
    pub database: String,
    /// The account that the service runs as.
    pub account: String,
    /// The interpreter of the environment.
    pub python: PathBuf,
    /// Odoo's launcher, `odoo-bin`.
    pub odoo: PathBuf,
    /// Odoo's configuration.
    pub conf: PathBuf,
    /// Odoo's data folder.
    pub data: PathBuf,
    /// The authority from which the certificate of PostgreSQL's server must come; empty for a server of this host.
    #[serde(default)]
    pub root_certificate: String,
    /// The record of the service, which names the code that runs now.
    pub record: PathBuf,
    /// If true, the code may run although the database lacks data that come with it.
    pub code_only: bool,
    /// The name of the site. It marks the process, so that a later run finds that of a killed one.
    pub site: String,
}

/// The target that a link had when the service was started, and the path of the link.
type Link = (PathBuf, PathBuf);

/// The result that the script prints as JSON.
#[derive(Deserialize)]
struct Answer {
    missing: Vec<String>,
    installed: Vec<String>,
    left_out: Vec<String>,
}

impl Registry {
    /// Loads the code on the database, as the service would, and looks for a column of every stored field. PostgreSQL
    /// refuses every write of this connection.
    ///
    /// # Errors
    /// If the code does not work with the database, with the reason.
    pub(super) async fn ask(&self, host: &Host) -> Result<(), String> {
        let output = match host.run(&self.call()).await {
            Ok(output) => output,
            Err(error) if is_untold(&error.to_string()) => return Ok(()),
            // Odoo's shell first reads its user's record, so a missing column there ends the shell itself
            Err(Error::Command(failure)) => {
                let said = failure.tail.join("\n");
                return Err(self.told(&said).unwrap_or_else(|| failure.to_string()));
            }
            Err(error) => return Err(chain(&error)),
        };
        let mut lines = output.stdout.lines().rev();
        let Some(answer) = lines.find_map(|line| line.strip_prefix(ANSWER)) else {
            // some Odoo versions exit with 0 after an exception
            if is_untold(&output.stderr) {
                return Ok(());
            }
            let told = self.told(&output.stderr);
            let silent = || {
                let (python, odoo) = (self.python.display(), self.odoo.display());
                format!("`{python} {odoo} shell` ended without a result")
            };
            return Err(told.unwrap_or_else(silent));
        };
        let answer: Answer = serde_json::from_str(answer)
            .map_err(|_| format!("the answer of Odoo's shell is garbled: `{answer}`"))?;
        let links = self.links(host).map_err(|e| chain(&e))?;
        let vanished = vanished(host, &links, &answer.left_out).map_err(|e| chain(&e))?;
        if !vanished.is_empty() {
            return Err(format!(
                "{} installed in the database `{}`, and the new code has no such module: Odoo would not load it. Go back to \
                 the commit before, or uninstall it in Odoo first",
                is(&vanished),
                self.database
            ));
        }
        if !answer.left_out.is_empty() {
            let text = format!(
                "Odoo does not load {}, though installed",
                named(&answer.left_out)
            );
            host.events().tell(Event::Note { text });
        }
        if !answer.missing.is_empty() {
            return Err(self.lacks(&named(&answer.missing)));
        }
        let changed = changed(host, &links, &answer.installed).map_err(|e| chain(&e))?;
        if changed.is_empty() {
            return Ok(());
        }
        let text = format!(
            "the new code changes what only an update brings into the database `{}` (views, rights, reports): {}",
            self.database,
            named(&changed)
        );
        if self.code_only {
            host.events().tell(Event::Note { text });
            return Ok(());
        }
        Err(format!(
            "{text}. `odoo-deploy install --code-only` runs it on the database as it is; `odoo-bin --update` with these \
             modules updates that afterwards"
        ))
    }

    /// The links that the service was started with, and the target that each had then.
    fn links(&self, host: &Host) -> Result<Vec<Link>, Error> {
        let record = host.read_text(&self.record)?.unwrap_or_default();
        let pairs = record.lines().filter_map(|line| line.split_once("  "));
        let pairs = pairs.map(|(target, link)| (PathBuf::from(target), PathBuf::from(link)));
        Ok(pairs.filter(|(target, _)| target.is_absolute()).collect())
    }

    /// The reason in a Python traceback: its last line that names an exception.
    fn told(&self, said: &str) -> Option<String> {
        let exception = |line: &&str| {
            let name = line.split_once(": ").map_or("", |(name, _)| name);
            !name.is_empty()
                && name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._".contains(&b))
        };
        let line = said.lines().rev().map(str::trim).find(exception)?;
        Some(match line.split_once("UndefinedColumn: ") {
            Some((_, column)) => self.lacks(column),
            None => format!("Odoo's code does not load on it: {line}"),
        })
    }

    fn lacks(&self, what: &str) -> String {
        format!(
            "the code has a field for which the database `{}` has no column: {what}; whoever signs in would meet an \
             error. Go back to the commit before, or have Odoo update the modules that brought it \
             (`odoo-bin --update`)",
            self.database
        )
    }

    fn call(&self) -> Cmd {
        let call = Cmd::new(self.python.display().to_string())
            .arg(self.odoo.display().to_string())
            .arg("shell")
            .args(["--config", &self.conf.display().to_string()])
            .args(["--database", &self.database])
            .args(["--no-http", "--workers=0", "--max-cron-threads=0"])
            .args(["--logfile=", "--log-level=warn"])
            .user(&self.account)
            .folder(&self.data)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PGOPTIONS", "-c default_transaction_read_only=on")
            .killable(&self.site)
            .deadline(600)
            .stdin(SCRIPT);
        if self.root_certificate.is_empty() {
            return call;
        }
        call.env("PGSSLROOTCERT", &self.root_certificate)
    }
}

fn is_untold(said: &str) -> bool {
    UNTOLD.iter().any(|words| said.contains(words))
}

/// The installed modules with different data in the running code and in the new code, each with a changed file.
fn changed(host: &Host, links: &[Link], installed: &[String]) -> Result<Vec<String>, Error> {
    let names = installed.iter().map(String::as_str).collect();
    let mut changed = Vec::new();
    for (was, link) in links {
        let Some(now) = host.link_target(link)?.filter(|now| now != was) else {
            continue;
        };
        let (before, _) = modules::parted(host, &folders(was), &names)?;
        let (after, _) = modules::parted(host, &folders(&now), &names)?;
        for (name, now) in after {
            if let Some(was) = before.get(&name)
                && let Some(file) = modules::data_changed(host, was, &now)?
            {
                changed.push(format!("{name}/{}", file.display()));
            }
        }
    }
    Ok(changed)
}

/// The modules in `left_out` that the code of the running service has.
fn vanished(host: &Host, links: &[Link], left_out: &[String]) -> Result<Vec<String>, Error> {
    let folders: Vec<PathBuf> = links.iter().flat_map(|(was, _)| folders(was)).collect();
    let names = left_out.iter().map(String::as_str).collect();
    let (there, _) = modules::parted(host, &folders, &names)?;
    Ok(there.into_keys().collect())
}

/// The folders of a source tree that may contain modules.
fn folders(source: &Path) -> [PathBuf; 3] {
    ["", "addons", "odoo/addons"].map(|below| source.join(below))
}

fn is(names: &[String]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", named(names))
}

/// Lists at most [`NAMED`] names, and the number of the others.
fn named(names: &[String]) -> String {
    let first = names[..names.len().min(NAMED)].join("`, `");
    match names.len().saturating_sub(NAMED) {
        0 => format!("`{first}`"),
        more => format!("`{first}` and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceback_is_told_by_its_exception() {
        let registry = Registry {
            database: "odoo".into(),
            account: "odoo".into(),
            python: "/p".into(),
            odoo: "/o".into(),
            conf: "/c".into(),
            data: "/d".into(),
            root_certificate: String::new(),
            record: "/r".into(),
            code_only: false,
            site: "odoo".into(),
        };
        let traceback = "  File \"/x.py\", line 4, in execute\n    self._obj.execute(query)\n\
            psycopg2.errors.UndefinedColumn: column res_partner.own does not exist\nLINE 1: ...\"write_date\", \n";
        let told = registry.told(traceback).unwrap_or_default();
        assert!(
            told.contains("has no column: column res_partner.own does not exist;"),
            "{told}"
        );
        let told = registry.told("Traceback:\nModuleNotFoundError: No module named 'x'\n");
        let expected = "Odoo's code does not load on it: ModuleNotFoundError: No module named 'x'";
        assert_eq!(told.as_deref(), Some(expected));
        assert_eq!(registry.told("killed"), None);
    }
}
