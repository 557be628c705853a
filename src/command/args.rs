//! The command line, and the arguments that several commands share.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser};

use crate::command::{Command, ending};
use crate::report::ColorChoice;

/// Takes a bare Debian or Ubuntu server to a running Odoo, and keeps it there.
#[derive(Debug, Parser)]
#[command(name = "odoo-deploy", version, propagate_version = true, max_term_width = 100, after_help = after_help())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print one JSON object per line instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
}

/// The text after the options in the help.
fn after_help() -> String {
    let codes = ending::codes();
    format!("{codes}\n\nExample:\n  odoo-deploy install --config site.toml --dry-run")
}

/// Words that people type for a command, and the command that they should type.
const MEANT: &[(&[&str], &str)] = &[
    (
        &[
            "back",
            "delete",
            "destroy",
            "down",
            "purge",
            "remove",
            "revert",
            "undo",
            "uninstall",
        ],
        "`odoo-deploy rollback` takes the last run back, and each further one the run before it; databases and \
         files of users stay",
    ),
    (
        &["apply", "deploy", "setup", "up", "update", "upgrade"],
        "`odoo-deploy install` brings the server to what the site asks, also where it was installed before",
    ),
    (
        &["check", "diff", "doctor", "plan", "verify"],
        "`odoo-deploy audit` says what differs; `odoo-deploy install --dry-run` shows it as a plan",
    ),
];

/// Parses a command line.
///
/// # Errors
/// If the command line is wrong. The error suggests the command that was probably meant.
pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(words).map_err(|mut error| {
        if error.kind() == ErrorKind::InvalidSubcommand
            && let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
            && let Some((_, tip)) = MEANT
                .iter()
                .find(|(words, _)| words.contains(&word.as_str()))
        {
            let tip = ContextValue::StyledStrs(vec![StyledStr::from(*tip)]);
            error.insert(ContextKind::Suggested, tip);
            error.remove(ContextKind::SuggestedSubcommand);
        }
        error
    })
}

/// A site by its configuration.
#[derive(Clone, Debug, Args)]
pub struct ForSite {
    /// The site's configuration.
    #[arg(long, short, value_name = "FILE", default_value = "site.toml")]
    pub config: PathBuf,
}

/// Sites by their configurations.
#[derive(Clone, Debug, Args)]
pub struct ForSites {
    /// The site's configuration, or a folder: every `*.toml` in it. May be given several times: one
    /// site is done after the other.
    #[arg(long, short, value_name = "FILE", default_value = "site.toml")]
    pub config: Vec<PathBuf>,
}

/// Sites by their configurations, or one by its name.
#[derive(Clone, Debug, Args)]
pub struct OfSites {
    /// The site's configuration, or a folder: every `*.toml` in it. May be given several times.
    #[arg(long, short, value_name = "FILE", conflicts_with = "site")]
    pub config: Vec<PathBuf>,
    /// The site's name, if its configuration is not at hand.
    #[arg(long, value_name = "NAME", default_value = "odoo")]
    pub site: String,
}

/// A site by its configuration or its name.
#[derive(Clone, Debug, Args)]
pub struct OfSite {
    /// The site's configuration.
    #[arg(long, short, value_name = "FILE", conflicts_with = "site")]
    pub config: Option<PathBuf>,
    /// The site's name, if its configuration is not at hand.
    #[arg(long, value_name = "NAME", default_value = "odoo")]
    pub site: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_word_is_answered_with_the_right_command() {
        let said = |word: &str| {
            let words = ["odoo-deploy", word].map(OsString::from);
            read(words).expect_err("no command").to_string()
        };
        for word in ["uninstall", "remove", "purge", "undo"] {
            assert!(
                said(word).contains("odoo-deploy rollback"),
                "{}",
                said(word)
            );
        }
        assert!(said("upgrade").contains("odoo-deploy install"));
        assert!(said("isntall").contains("'install'"), "{}", said("isntall"));
    }
}
