//! Where secrets are: files, variables, credentials. Every one ends on a command line.

use super::text::{refuse, text};
use crate::text::diagnostic::Invalid;

text! {
    /// The absolute path of a file on the server, without `..`, blanks or anything that a shell would take
    /// for its own.
    FilePath <- file;
    /// The name of an environment variable.
    Variable <- variable;
    /// The name of a credential of systemd: that of a file.
    CredentialName <- credential;
    /// The name that goes with a token.
    Login <- login;
}

fn is_plain(text: &str, more: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    !text.is_empty() && text.len() <= 255 && text.chars().all(plain)
}

fn file(text: &str) -> Result<String, Invalid> {
    let refused = || refuse(text, "the path of a file", "an absolute path");
    if text.starts_with('~') {
        return Err(refused().hint("write the whole path, without `~`"));
    }
    if !text.starts_with('/') {
        return Err(refused().hint("the path is on the server, so it starts with `/`"));
    }
    if text.ends_with('/') || text.split('/').any(|part| part == "..") {
        return Err(refused().hint("a file, without `..`"));
    }
    is_plain(text, "/._-+@")
        .then(|| text.to_owned())
        .ok_or_else(|| refused().hint("letters, digits and any of `/ . _ - + @`"))
}

fn variable(text: &str) -> Result<String, Invalid> {
    let good = is_plain(text, "_") && !text.starts_with(|c: char| c.is_ascii_digit());
    let label = "letters, digits and `_`";
    good.then(|| text.to_owned())
        .ok_or_else(|| refuse(text, "the name of an environment variable", label))
}

fn credential(text: &str) -> Result<String, Invalid> {
    let good = is_plain(text, "._-") && !text.starts_with('.');
    let label = "letters, digits and any of `. _ -`";
    good.then(|| text.to_owned())
        .ok_or_else(|| refuse(text, "the name of a credential", label))
}

fn login(text: &str) -> Result<String, Invalid> {
    let good = is_plain(text, "._-+@") && !text.starts_with('-');
    let label = "letters, digits and any of `. _ - + @`";
    good.then(|| text.to_owned())
        .ok_or_else(|| refuse(text, "the name of a user", label))
}
