//! Databases: only one that a run of ours made goes, or one that holds nothing.

use super::{Evidence, Verdict};
use crate::host::{Host, Result};
use crate::text::sql::{identifier, literal};

/// The comment of a database while it is being initialised.
pub const BEGUN: &str = "odoo-deploy: being initialised";

/// The comment of a database once it is whole.
pub const WHOLE: &str = "odoo-deploy: initialised";

/// What the comment of a database says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing of ours.
    None,
    /// [`BEGUN`].
    Begun,
    /// [`WHOLE`].
    Whole,
}

/// A database that is to go, as it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number.
    pub oid: u32,
    /// Whether our notes have that number, in this cluster: a run of ours made it.
    pub is_made: bool,
    /// What its comment says.
    pub mark: Mark,
    /// Whether it holds nothing that a dump would have.
    pub is_empty: bool,
    /// Whether it is of Odoo's role.
    pub is_roles: bool,
}

/// The statements that drop it, if it still has its number then and, for an empty one, if nobody is connected to it; they
/// return `t` if they did. Otherwise why it stays.
///
/// # Errors
/// If a test wants it to fail.
pub fn drop_database(host: &Host, subject: Subject<'_>) -> Result<Verdict<String>> {
    let Subject { name, oid, .. } = subject;
    let (place, text) = (identifier(name), literal(name));
    let (evidence, unused, force) = if subject.is_made && subject.mark != Mark::None {
        let why = format!("a run made it, number {oid}, and it bears our mark");
        (Evidence::new(why), String::new(), " with (force)")
    } else if subject.is_empty && subject.is_roles && subject.mark != Mark::Whole {
        let clients = "backend_type = 'client backend'";
        let used = format!("select from pg_stat_activity where datname = {text} and {clients}");
        let why = "a run began it, and it holds nothing";
        (Evidence::new(why), format!(" and not exists ({used})"), "")
    } else {
        return Ok(Err(
            "it is not the one that a run made: it may be somebody's".to_owned(),
        ));
    };
    evidence.tell(host, &format!("database {name}"))?;
    Ok(Ok(format!(
        "select count(*) = 1 as same from pg_database where datname = {text} and oid = {oid}{unused} \\gset\n\
         \\if :same\ndrop database {place}{force};\n\\endif\n\\echo :same\n"
    )))
}

/// The statement that takes all of a role's out of a database that was empty when a run began to fill it.
///
/// # Errors
/// If a test wants it to fail.
pub fn empty_database(host: &Host, name: &str, role: &str) -> Result<String> {
    let evidence = Evidence::new("it was empty when a run began to fill it, and bears our mark");
    evidence.tell(host, &format!("what is in database {name}"))?;
    Ok(format!("drop owned by {};\n", identifier(role)))
}
