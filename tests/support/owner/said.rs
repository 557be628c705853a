//! Runs a typed command, and collects what it reports.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::rc::Rc;

use clap::Parser as _;
use odoo_deploy::command;
use odoo_deploy::command::args::Cli;
use odoo_deploy::event::change::Change;
use odoo_deploy::event::{Event, Events, Outcome};
use odoo_deploy::report::{ColorChoice, Report};

use crate::act::silence_cuts;
use crate::machine::{Cut, Machine};
use crate::runtime::paused;

/// What a command reported.
#[derive(Debug)]
pub(super) struct Said {
    /// Its exit code, or `None` if it was killed.
    pub(super) code: Option<u8>,
    /// How it ended.
    pub(super) outcome: Option<Outcome>,
    /// Its error message.
    pub(super) error: String,
    /// Its advice: what to type next.
    pub(super) next: String,
    /// Its events.
    pub(super) events: Vec<Event>,
}

impl Said {
    /// The pending changes of the plan that it showed.
    pub(super) fn planned(&self) -> impl Iterator<Item = &Change> {
        self.events.iter().filter_map(|event| match event {
            Event::Planned(change) if change.is_pending() => Some(change),
            _ => None,
        })
    }

    /// Whether an event or the error names `word`; a change in the plan counts only if its summary does.
    pub(super) fn names(&self, word: &str) -> bool {
        let named = |text: &String| text.contains(word);
        named(&self.error)
            || self.events.iter().any(|event| match event {
                Event::Note { text } => named(text),
                Event::Kept {
                    subject, reason, ..
                } => named(subject) || named(reason),
                Event::Planned(change) => named(&change.summary),
                Event::Plan(totals) => totals.leaves.iter().any(named),
                _ => false,
            })
    }

    /// Whether an event or the error names a path or a folder above it.
    pub(super) fn names_place(&self, place: &str) -> bool {
        let mut above = Path::new(place).ancestors();
        above.any(|above| {
            above.components().count() > 2 && self.names(&format!("`{}`", above.display()))
        })
    }

    /// The commands in its advice, split into words.
    pub(super) fn advice(&self) -> Vec<Vec<String>> {
        let commands = self.next.split("odoo-deploy ").skip(1);
        let words = |text: &str| {
            let text = text.split("  ").next().unwrap_or_default();
            let text = text.split(['`', '\n', '(', ';']).next().unwrap_or_default();
            text.split_whitespace().map(str::to_owned).collect()
        };
        commands.map(words).collect()
    }
}

/// Runs a command line.
pub(super) fn say(machine: &Machine, words: &[String]) -> Said {
    silence_cuts();
    let told: Rc<RefCell<Vec<Event>>> = Rc::default();
    let sink = {
        let told = told.clone();
        move |event: &Event| told.borrow_mut().push(event.clone())
    };
    let typed = ["odoo-deploy"].into_iter();
    let typed = typed.chain(words.iter().map(String::as_str));
    let cli = Cli::try_parse_from(typed).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let host = machine.host(Events::to(sink));
    let report = Report::open(true, ColorChoice::Never, false);
    let runtime = paused();
    let work = command::on(host, cli.command, &report);
    let code = match catch_unwind(AssertUnwindSafe(|| runtime.block_on(work))) {
        Ok(code) => Some(code),
        Err(dead) if dead.is::<Cut>() => None,
        Err(other) => resume_unwind(other),
    };
    let events = told.take();
    let mut said = Said {
        code,
        outcome: None,
        error: String::new(),
        next: String::new(),
        events,
    };
    let ended = said.events.iter().rev().find_map(|event| match event {
        Event::Ended {
            outcome,
            error,
            next,
            ..
        } => Some((*outcome, error.clone(), next.clone())),
        _ => None,
    });
    if let Some((outcome, error, next)) = ended {
        said.outcome = Some(outcome);
        (said.error, said.next) = (error.unwrap_or_default(), next.unwrap_or_default());
    }
    said
}
