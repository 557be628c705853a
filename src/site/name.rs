//! Names of sites, databases, modules and folders of add-ons.

use super::reserved;
use super::text::{refuse, text};
use crate::text::diagnostic::{Invalid, quote};

text! {
    /// The name of a site. Unit, user, role, paths and database are named after it, so it must be valid for all of
    /// them: a lower case letter, then up to 23 of `a-z`, `0-9`, `_` and `-`, and no name that the system uses.
    SiteName <- site, "a name", r"^[a-z][a-z0-9_-]{0,23}$";
    /// The name of a database: what Odoo accepts (the pattern is Odoo's own since 20.0), and at most the 63 bytes of a
    /// `PostgreSQL` identifier.
    DatabaseName <- database, "a database name", r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$";
    /// The technical name of an Odoo module.
    ModuleName <- module, "the technical name of a module", r"^[a-z0-9_]{1,255}$";
    /// The name of a folder of add-ons.
    AddonsName <- addons, "a folder name", r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$";
    /// A folder in a repository of add-ons: names separated by `/`, without `..`.
    AddonsFolder <- folder, "a relative path", r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*$";
}

impl SiteName {
    /// The default name of a site.
    pub(super) fn odoo() -> Self {
        Self("odoo".to_owned())
    }
}

fn site(text: &str) -> Result<String, Invalid> {
    let label = "a lower case letter, then up to 23 of `a-z 0-9 _ -`";
    let good = text.len() <= 24
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-'));
    if !good {
        return Err(refuse(text, "a name for a site", label));
    }
    match reserved::reason(text) {
        Some(reason) => Err(Invalid::new(format!(
            "{} cannot be the name of a site: {reason}",
            quote(text)
        ))
        .label("reserved")
        .hint(format!(
            "unit, user, role and paths derive from the name; choose another, such as `{}`",
            reserved::instead(text)
        ))),
        None => Ok(text.to_owned()),
    }
}

fn database(text: &str) -> Result<String, Invalid> {
    if matches!(text, "postgres" | "template0" | "template1") {
        return Err(Invalid::new(format!(
            "{} is a database of PostgreSQL itself",
            quote(text)
        ))
        .label("reserved")
        .hint("choose a name of its own for the database of Odoo"));
    }
    if is_file_name(text, 63) {
        return Ok(text.to_owned());
    }
    let label = "a letter or digit, then up to 62 of `a-z A-Z 0-9 _ . -`";
    Err(refuse(text, "a name for a database", label))
}

fn module(text: &str) -> Result<String, Invalid> {
    if text == "all" {
        return Err(Invalid::new("`all` would install every module there is")
            .label("not the name of a module")
            .hint("name the modules you want; what they depend on is installed with them"));
    }
    let good = matches!(text.len(), 1..=255)
        && text
            .chars()
            .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
    if good {
        return Ok(text.to_owned());
    }
    let invalid = refuse(text, "the technical name of a module", "only `a-z 0-9 _`");
    let guess = text.to_lowercase().replace(['-', ' '], "_");
    Err(if guess != text && module(&guess).is_ok() {
        invalid.hint(format!("did you mean `{guess}`?"))
    } else {
        invalid
    })
}

fn addons(text: &str) -> Result<String, Invalid> {
    if is_file_name(text, 64) {
        return Ok(text.to_owned());
    }
    let label = "a letter or digit, then up to 63 of `a-z A-Z 0-9 _ . -`";
    Err(refuse(text, "a name for a folder of addons", label))
}

fn folder(text: &str) -> Result<String, Invalid> {
    if text.len() <= 255 && text.split('/').all(|name| is_file_name(name, 64)) {
        return Ok(text.to_owned());
    }
    let label = "names as `addons` or `src/addons`, without a `/` at either end";
    Err(refuse(text, "a folder in a repository", label))
}

/// A letter or a digit, then letters, digits, `_`, `.` and `-`, at most `longest` in all.
fn is_file_name(text: &str, longest: usize) -> bool {
    text.len() <= longest
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}
