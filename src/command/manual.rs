//! Texts that are generated from the definition of the command line.

use clap::CommandFactory as _;

use crate::command::args::Cli;

/// The completions for a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "odoo-deploy", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The manual page, in roff.
pub(super) fn page() -> String {
    let mut out = Vec::new();
    // a write to memory cannot fail
    let _ = clap_mangen::Man::new(Cli::command()).render(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}
