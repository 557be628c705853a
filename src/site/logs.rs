//! The section `[logs]`, and the levels of loggers.

use super::section::section;
use super::text::{refuse, text};
use crate::text::diagnostic::{Invalid, did_you_mean};

text! {
    /// A logger of Odoo and its lowest level, such as `odoo.sql_db:DEBUG`. Without a logger before the colon, the level
    /// is that of all loggers.
    LogHandler <- handler, "a logger and its level", r"^[A-Za-z0-9_.]*:(DEBUG|INFO|WARNING|ERROR|CRITICAL)$";
}

section! {
    /// Where Odoo writes its log.
    pub struct Logs from Written in "[logs]" {
        /// If `true`, Odoo writes to `/var/log/NAME/odoo.log`, which is rotated. If `false`, the journal of systemd has
        /// the log.
        file: bool = false,
    }
}

/// The levels of Python's `logging`.
const LEVELS: [&str; 5] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

fn handler(text: &str) -> Result<String, Invalid> {
    let refused = || {
        refuse(
            text,
            "a logger and its level",
            "such as `odoo.sql_db:DEBUG`",
        )
    };
    let Some((logger, level)) = text.split_once(':') else {
        return Err(refused().hint("write the level after a colon"));
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    if logger.len() > 200 || !logger.chars().all(is_name) {
        return Err(refused());
    }
    if LEVELS.contains(&level) {
        return Ok(text.to_owned());
    }
    Err(match did_you_mean(&level.to_ascii_uppercase(), LEVELS) {
        Some(near) => refused().hint(format!("did you mean `{logger}:{near}`?")),
        None => refused().hint(format!("the levels are `{}`", LEVELS.join("`, `"))),
    })
}
