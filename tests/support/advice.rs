//! What the program says to type next, typed.

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

/// As many commands as it may take.
const MOST: usize = 3;

/// What was typed: the line, how it ended, and what it said to type next.
pub type Typed = (String, u8, Option<String>);

/// The commands that an advice names, in its order; what it says of them in words is left out.
pub fn commands(advice: &str) -> Vec<String> {
    let parts = advice.split("odoo-deploy ").skip(1);
    parts
        .map(|part| part.split("   (").next().unwrap())
        .map(|part| part.trim().trim_end_matches(" or").to_owned())
        .collect()
}

/// Types one command line, agreeing to what it asks.
pub fn type_in(machine: &Machine, line: &str) -> Typed {
    type_it(machine, line, true)
}

/// Types one command line where nobody can be asked.
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

/// Whether an advice begins with what leads out of any ending: going on, or going back.
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

/// Follows an advice until a command ends well; what is wrong where that takes too many of them. Of several
/// commands it types the first that it has not typed yet.
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
