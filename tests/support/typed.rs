//! Runs a typed command line, and collects what it prints.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use super::runtime::paused;
use clap::Parser as _;
use odoo_deploy::command::args::Cli;
use odoo_deploy::command::on;
use odoo_deploy::host::Host;
use odoo_deploy::report::Report;

/// The text written to one stream.
#[derive(Clone, Default)]
pub struct Paper(Rc<RefCell<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    /// The text so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }

    /// Takes the text so far out of the stream.
    pub fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

/// Runs a command line on `host`, with `path` in place of the word `place`, and returns the exit code.
pub fn typed(host: Host, line: &str, (place, path): (&str, &str), report: &Report) -> u8 {
    let words = line
        .split_whitespace()
        .map(|word| word.replace(place, path));
    let cli = Cli::try_parse_from(std::iter::once("odoo-deploy".to_owned()).chain(words)).unwrap();
    let runtime = paused();
    runtime.block_on(on(host, cli.command, report))
}
