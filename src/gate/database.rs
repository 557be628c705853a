//! Databases: only a database that a run made, or an empty one, may be dropped.

use super::{Evidence, Verdict};
use crate::host::{Host, Result};
use crate::text::sql::{identifier, literal};

/// The comment of a database while it is being initialised.
pub const BEGUN: &str = "odoo-deploy: being initialised";

/// The comment of a database once it is completely initialised.
pub const WHOLE: &str = "odoo-deploy: initialised";

/// The meaning of a database's comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The comment is not ours, or there is none.
    None,
    /// [`BEGUN`].
    Begun,
    /// [`WHOLE`].
    Whole,
}

/// A database that is to be dropped, with its state.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its OID.
    pub oid: u32,
    /// Whether our notes contain this OID for this cluster, which means that a run made the database.
    pub is_made: bool,
    /// The meaning of its comment.
    pub mark: Mark,
    /// Whether it contains nothing that a dump would contain.
    pub is_empty: bool,
    /// Whether Odoo's role owns it.
    pub is_roles: bool,
}

/// The statements that drop the database, or the reason why it stays. They drop it only if it still has the same OID,
/// and an empty one only if nobody is connected to it. They print `t` if they dropped it.
///
/// # Errors
/// If the disk's watch refuses the removal, as tests do.
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

/// The statement that removes all objects of `role` from a database that was empty when a run began to fill it.
///
/// # Errors
/// If the disk's watch refuses the removal, as tests do.
pub fn empty_database(host: &Host, name: &str, role: &str) -> Result<String> {
    let evidence = Evidence::new("it was empty when a run began to fill it, and bears our mark");
    evidence.tell(host, &format!("what is in database {name}"))?;
    Ok(format!("drop owned by {};\n", identifier(role)))
}
