//! Types for places on the server: files, folders, and places of secrets. All of them reach a command line.

use super::text::{refuse, text};
use crate::text::diagnostic::Invalid;

text! {
    /// The absolute path of a file on the server, without `..`, blanks or characters that a shell interprets.
    FilePath <- file, "the absolute path of a file", r"^/[A-Za-z0-9/._+@-]*[A-Za-z0-9._+@-]$";
    /// The absolute path of a folder on the server, without `..`.
    Folder <- folder, "the absolute path of a folder", r"^/";
    /// The name of an environment variable.
    Variable <- variable, "the name of an environment variable", r"^[A-Za-z_][A-Za-z0-9_]*$";
    /// The name of a systemd credential, which is a file name.
    CredentialName <- credential, "the name of a credential of systemd", r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$";
    /// The user name that is sent with a token.
    Login <- login, "a user name", r"^[A-Za-z0-9._+@][A-Za-z0-9._+@-]*$";
}

impl Login {
    /// The user name that GitHub asks for with a token, and that other servers accept.
    pub(super) fn of_token() -> Self {
        Self("x-access-token".to_owned())
    }
}

fn is_plain(text: &str, more: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    !text.is_empty() && text.len() <= 255 && text.chars().all(plain)
}

/// Refuses a path that is not absolute.
fn absolute(text: &str, refused: impl Fn() -> Invalid) -> Result<(), Invalid> {
    if text.starts_with('~') {
        return Err(refused().hint("write the whole path, without `~`"));
    }
    if !text.starts_with('/') {
        return Err(refused().hint("the path is on the server, so it starts with `/`"));
    }
    Ok(())
}

fn file(text: &str) -> Result<String, Invalid> {
    let refused = || refuse(text, "the path of a file", "an absolute path");
    absolute(text, refused)?;
    if text.ends_with('/') || text.split('/').any(|part| part == "..") {
        return Err(refused().hint("a file, without `..`"));
    }
    is_plain(text, "/._-+@")
        .then(|| text.to_owned())
        .ok_or_else(|| refused().hint("letters, digits and any of `/ . _ - + @`"))
}

fn folder(text: &str) -> Result<String, Invalid> {
    let refused = || refuse(text, "a folder", "an absolute path");
    absolute(text, refused)?;
    if text.split('/').any(|part| part == "..") {
        return Err(refused().hint("without `..`"));
    }
    Ok(text.to_owned())
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
