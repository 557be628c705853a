//! How to print: widths, colours and special characters.

use std::env;
use std::io::{self, IsTerminal};

use anstream::AutoStream;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The other end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// The number of columns.
    pub width: usize,
    /// Whether to print colours.
    pub color: bool,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// For standard output: plans and results.
    pub stdout: Terminal,
    /// For standard error: progress and errors.
    pub stderr: Terminal,
    /// Whether to print characters beyond ASCII.
    pub unicode: bool,
    /// Whether to show a progress line on standard error, which the next line overwrites.
    pub live: bool,
    /// Whether to print how long each step took.
    pub timings: bool,
}

impl Options {
    /// The width to use if the real one is unknown.
    pub const WIDTH: usize = 80;

    /// 80 columns, no colours, no progress line.
    #[must_use]
    pub fn plain() -> Self {
        let terminal = Terminal {
            width: Self::WIDTH,
            color: false,
        };
        Self {
            stdout: terminal,
            stderr: terminal,
            unicode: true,
            live: false,
            timings: false,
        }
    }

    /// The options for the streams and the environment of this process, without timings.
    #[must_use]
    pub fn detect(choice: ColorChoice) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let color = |auto: anstream::ColorChoice| match choice {
            ColorChoice::Auto => auto != anstream::ColorChoice::Never,
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        };
        let width = |size: Option<(terminal_size::Width, terminal_size::Height)>| {
            // some consoles report zero columns
            size.map(|(width, _)| usize::from(width.0))
                .filter(|width| *width > 0)
                .unwrap_or(Self::WIDTH)
        };
        Self {
            stdout: Terminal {
                width: width(terminal_size::terminal_size_of(&stdout)),
                color: color(AutoStream::choice(&stdout)),
            },
            stderr: Terminal {
                width: width(terminal_size::terminal_size_of(&stderr)),
                color: color(AutoStream::choice(&stderr)),
            },
            unicode: is_utf8(|name| env::var(name).ok()),
            live: stderr.is_terminal() && env::var_os("TERM").is_some_and(|term| term != "dumb"),
            timings: false,
        }
    }

    pub(super) fn signs(&self) -> Signs {
        if self.unicode {
            Signs {
                forecast: "≈",
                arrow: "→",
                ellipsis: "…",
            }
        } else {
            Signs {
                forecast: "?",
                arrow: "->",
                ellipsis: "...",
            }
        }
    }
}

/// Characters with a replacement for terminals without Unicode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    pub(super) forecast: &'static str,
    pub(super) arrow: &'static str,
    pub(super) ellipsis: &'static str,
}

/// Whether the locale is UTF-8. The first of the three variables that is set decides.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty())
        .is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        for (set, utf8) in [
            (vec![], false),
            (vec![("LANG", "C")], false),
            (vec![("LANG", "de_AT.UTF-8")], true),
            (vec![("LANG", "C.utf8"), ("LC_ALL", "")], true),
            (vec![("LANG", "C.UTF-8"), ("LC_ALL", "POSIX")], false),
            (vec![("LANG", "C"), ("LC_CTYPE", "C.UTF-8")], true),
        ] {
            let variable = |name: &str| {
                set.iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(is_utf8(variable), utf8, "{set:?}");
        }
    }
}
