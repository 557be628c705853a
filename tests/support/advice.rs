//! Types the commands that odoo-deploy advises.

use std::cell::RefCell;
use std::rc::Rc;

use clap::Parser as _;
use odoo_deploy::command::args::Cli;
use odoo_deploy::command::on;
use odoo_deploy::command::{Act, Command};
use odoo_deploy::event::{Event, Events};
use odoo_deploy::report::{ColorChoice, Report};

use super::machine::Machine;
use super::runtime::paused;

/// The most commands that an advice may take until one succeeds.
const MOST: usize = 3;

/// A typed command: its line, its exit code, and its own advice.
pub type Typed = (String, u8, Option<String>);

/// Returns the commands in an advice, in order, without the words around them.
pub fn commands(advice: &str) -> Vec<String> {
    let parts = advice.split("odoo-deploy ").skip(1);
    parts
        .map(|part| part.split("   (").next().unwrap())
        .map(|part| part.trim().trim_end_matches(" or").to_owned())
        .collect()
}

/// Types one command line, with `--yes` if the command asks.
pub fn type_in(machine: &Machine, line: &str) -> Typed {
    type_it(machine, line, true)
}

/// Types one command line as it is, without a terminal to answer questions.
pub fn type_as_it_is(machine: &Machine, line: &str) -> Typed {
    type_it(machine, line, false)
}

fn type_it(machine: &Machine, line: &str, agreed: bool) -> Typed {
    let mut command = Cli::try_parse_from(words(line))
        .unwrap_or_else(|e| panic!("`{line}` cannot be typed: {e}"))
        .command;
    match &mut command {
        Command::Act(Act::Install(asked)) => asked.yes |= agreed,
        Command::Act(Act::Rollback(asked)) => asked.yes |= agreed,
        _ => (),
    }
    let told: Rc<RefCell<Option<String>>> = Rc::default();
    let sink = {
        let told = told.clone();
        move |event: &Event| {
            if let Event::Ended { next, .. } = event {
                told.borrow_mut().clone_from(next);
            }
        }
    };
    let report = Report::open(true, ColorChoice::Never, false);
    let host = machine.host(Events::to(sink));
    let code = paused().block_on(on(host, command, &report));
    (line.to_owned(), code, told.take())
}

/// Whether an advice starts with a command that works after any ending: `install` or `rollback`.
pub fn is_usual(advice: &str) -> bool {
    let lines = commands(advice);
    let is_read = |line: &String| Cli::try_parse_from(words(line)).is_ok();
    let usual = ["install --config ", "rollback --site "];
    let first = lines.first();
    lines.iter().all(is_read)
        && first.is_some_and(|line| {
            usual.iter().any(|usual| {
                line.strip_prefix(usual)
                    .is_some_and(|rest| !rest.contains(' '))
            })
        })
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    std::iter::once("odoo-deploy").chain(line.split_whitespace())
}

/// Follows an advice until a command succeeds; returns what is wrong if that takes more than `MOST` commands.
/// If an advice names several commands, types the first that was not typed yet.
pub fn follow(machine: &Machine, advice: Option<&str>) -> Vec<String> {
    let mut typed: Vec<Typed> = Vec::new();
    let mut advice = advice.map(str::to_owned);
    while typed.len() < MOST {
        let named = advice.as_deref().map(commands).unwrap_or_default();
        let is_new = |line: &&String| !typed.iter().any(|(earlier, ..)| earlier == *line);
        let Some(line) = named.iter().find(is_new) else {
            return vec![format!(
                "no further command is named: {advice:?} after {typed:?}"
            )];
        };
        let (line, code, next) = type_in(machine, line);
        typed.push((line, code, next.clone()));
        if code == 0 {
            return Vec::new();
        }
        advice = next;
    }
    vec![format!("its advice does not lead on: {typed:?}")]
}
