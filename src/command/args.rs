//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::ColorChoice;

/// Takes a bare Debian or Ubuntu server to a running Odoo, and keeps it there.
#[derive(Debug, Parser)]
#[command(name = "odoo-deploy", version, propagate_version = true, max_term_width = 100, after_help = AFTER)]
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

const AFTER: &str = "\
Exit codes:
  0  done, or nothing to do        5  the service does not answer as it should
  1  failed; says how things are   6  another odoo-deploy works on the site
  2  changes are pending           64 wrong usage
  3  failed and taken back         78 wrong configuration
  4  could not be taken back       130, 143 stopped by a signal
Of several sites the worst: 130, 143, 4, 1, 5, 3, 78, 6, 2, 0, in this order.

Example:
  odoo-deploy install --config site.toml --dry-run";

/// What people type who mean another command, and what to type for it.
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

/// Reads a command line.
///
/// # Errors
/// If it is none, with what was probably meant.
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

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring this server to what the site asks, from whatever state it is in.
    Install(Install),
    /// Say what differs from what the site asks, and change nothing; for cron.
    Audit(ForSites),
    /// Say how a site stands: its runs, its service, who works on it.
    Status(OfSites),
    /// Take the last run back.
    Rollback(Rollback),
    /// Print the files that the site would be given.
    Render(Render),
    /// Draw the steps of the plan, and what each stands on.
    Graph(GraphOf),
    /// Run the whole install in a throwaway container on this machine.
    Rehearse(Rehearse),
    /// Print the JSON Schema of what `--json` prints.
    Schema,
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
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
    /// The site's name, where its configuration is not at hand.
    #[arg(long, value_name = "NAME", default_value = "odoo")]
    pub site: String,
}

/// A site by its configuration or its name.
#[derive(Clone, Debug, Args)]
pub struct OfSite {
    /// The site's configuration.
    #[arg(long, short, value_name = "FILE", conflicts_with = "site")]
    pub config: Option<PathBuf>,
    /// The site's name, where its configuration is not at hand.
    #[arg(long, value_name = "NAME", default_value = "odoo")]
    pub site: String,
}

/// `install`.
#[derive(Clone, Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "flags of a command line, each of its own"
)]
pub struct Install {
    /// The sites.
    #[command(flatten)]
    pub sites: ForSites,
    /// Show the plan and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// With `--dry-run`: exit with 2 where changes are pending.
    #[arg(long, requires = "dry_run")]
    pub exit_code: bool,
    /// Do not ask; of several sites, for none of them. Without a terminal nothing is done but with this.
    #[arg(long, short)]
    pub yes: bool,
    /// What becomes of a run that fails.
    #[arg(long, value_enum, default_value_t = OnFailure::Rollback, value_name = "WHAT")]
    pub on_failure: OnFailure,
    /// Run new code of installed modules on the database as it is: their views, rights and reports are not updated.
    #[arg(long)]
    pub code_only: bool,
    /// Say at the end how long each step took, and which ones the others had to wait for.
    #[arg(long)]
    pub timings: bool,
    /// For how long another program may hold apt's locks before the run gives up [default: 900].
    #[arg(long, value_name = "SECONDS")]
    pub apt_timeout: Option<u64>,
}

/// What becomes of a run that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnFailure {
    /// It is taken back.
    Rollback,
    /// It stays as it is, to be looked at; `install` goes on with it, `rollback` takes it back.
    Keep,
}

/// `rollback`.
#[derive(Clone, Debug, Args)]
pub struct Rollback {
    /// The site.
    #[command(flatten)]
    pub site: OfSite,
    /// Show what would go back and what would stay, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Leave what this step has changed as it is, and count it as taken back: for what cannot be. May be given
    /// several times.
    #[arg(long, value_name = "STEP")]
    pub keep: Vec<String>,
    /// Do not ask. Without a terminal nothing is done but with this.
    #[arg(long, short)]
    pub yes: bool,
    /// For how long another program may hold apt's locks before the run gives up [default: 900].
    #[arg(long, value_name = "SECONDS")]
    pub apt_timeout: Option<u64>,
}

/// `render`.
#[derive(Clone, Debug, Args)]
pub struct Render {
    /// The site.
    #[command(flatten)]
    pub site: ForSite,
    /// Only the file at this path, as it is named on the server.
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// A template as it is built in, to begin one of your own with.
    #[arg(long, value_name = "NAME", conflicts_with = "path")]
    pub template: Option<String>,
}

/// `graph`.
#[derive(Clone, Debug, Args)]
pub struct GraphOf {
    /// The site.
    #[command(flatten)]
    pub site: ForSite,
    /// In which language.
    #[arg(long, value_enum, default_value_t = Drawing::Mermaid, value_name = "LANGUAGE")]
    pub format: Drawing,
    /// Look at this server, and colour each step by what `install` would do.
    #[arg(long)]
    pub pending: bool,
}

/// The language of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Drawing {
    /// A flowchart in text, which many forges and wikis draw.
    Mermaid,
    /// A picture for browsers.
    Svg,
}

/// `rehearse`.
#[derive(Clone, Debug, Args)]
pub struct Rehearse {
    /// The site.
    #[command(flatten)]
    pub site: ForSite,
    /// The suite of the distribution to rehearse on; this machine's own where there is none.
    #[arg(long, value_name = "SUITE")]
    pub suite: Option<String>,
    /// Leave the machine running, and say how to reach it and how to take it down.
    #[arg(long)]
    pub keep: bool,
    /// Take down a machine that was kept.
    #[arg(long, conflicts_with_all = ["keep", "suite"])]
    pub stop: bool,
    /// Where machines, and what they are made of, are stored.
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "/var/tmp/odoo-deploy-bed"
    )]
    pub bed: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_types_another_word_is_told_the_command() {
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
