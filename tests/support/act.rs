//! Runs one odoo-deploy command on a model machine, until it ends or is killed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Once;

use nix::sys::signal::Signal;
use odoo_deploy::command::args::{ForSites, OfSite};
use odoo_deploy::command::{Ending, install, rollback};
use odoo_deploy::command::{Install, OnFailure, Rollback};
use odoo_deploy::event::{Event, Events};
use odoo_deploy::host::stop::Stop;
use odoo_deploy::report::{ColorChoice, Report};

use super::machine::{Cut, Machine};
use super::runtime::paused;
use super::site::SiteFile;

/// The command to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Install the site. A failed run is left as it is.
    Install,
    /// Install the site. A failed run is rolled back.
    InstallOrGoBack,
    /// Roll back the newest run.
    Rollback,
    /// Show what an install would do.
    DryRun,
}

/// How a command that was not killed ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: u8,
    /// Its error message, or an empty string.
    pub error: String,
    /// Its advice: what to type next.
    pub next: Option<String>,
    /// The events that it reported.
    pub events: Vec<Event>,
}

impl Ended {
    /// The steps that a plan would change, each with whether its change is a forecast.
    pub fn pending(&self) -> BTreeMap<String, bool> {
        let pending = self.events.iter().filter_map(|event| match event {
            Event::Planned(change) if change.is_pending() => {
                Some((change.step.clone(), change.forecast))
            }
            _ => None,
        });
        pending.collect()
    }
}

/// Returns what is wrong if a second plan still wants to change something, or changes something itself. A plan
/// without pending changes cannot leave work for the next plan.
pub fn still_to_do(machine: &Machine, site: &SiteFile) -> Vec<String> {
    let mut wrong = Vec::new();
    machine.fuse.disarm();
    let shown = act(machine, site, Act::DryRun).unwrap();
    let (pending, effects) = (shown.pending(), machine.fuse.seen());
    if shown.code != 0 || !pending.is_empty() {
        wrong.push(format!("still to do: {pending:?} {}", shown.error));
    }
    if !effects.is_empty() {
        wrong.push(format!("a plan did something: {effects:?}"));
    }
    machine.fuse.disarm();
    wrong
}

/// Runs a command. Returns `None` if it was killed.
pub fn act(machine: &Machine, site: &SiteFile, act: Act) -> Option<Ended> {
    act_until(machine, site, act, usize::MAX)
}

/// Runs a command that receives SIGINT at its event number `stopped`, counted from 1.
pub fn act_until(machine: &Machine, site: &SiteFile, act: Act, stopped: usize) -> Option<Ended> {
    silence_cuts();
    let told: Rc<RefCell<Vec<Event>>> = Rc::default();
    let stop = Stop::default();
    let sink = {
        let (told, stop) = (told.clone(), stop.clone());
        move |event: &Event| {
            told.borrow_mut().push(event.clone());
            if told.borrow().len() == stopped {
                stop.request(Signal::SIGINT as i32);
            }
        }
    };
    let host = machine.host(Events::to(sink)).with_stop(stop);
    let runtime = paused();
    let report = Report::open(true, ColorChoice::Never, false);
    let work = async {
        match act {
            Act::Install | Act::InstallOrGoBack | Act::DryRun => {
                let asked = Install {
                    sites: ForSites {
                        config: vec![site.path()],
                    },
                    dry_run: act == Act::DryRun,
                    exit_code: false,
                    yes: true,
                    timings: false,
                    code_only: false,
                    apt_timeout: None,
                    on_failure: if act == Act::InstallOrGoBack {
                        OnFailure::Rollback
                    } else {
                        OnFailure::Keep
                    },
                };
                install(host, &site.path(), &asked, &report).await
            }
            Act::Rollback => {
                let asked = Rollback {
                    site: OfSite {
                        config: Some(site.path()),
                        site: site.name().into(),
                    },
                    dry_run: false,
                    keep: Vec::new(),
                    yes: true,
                    apt_timeout: None,
                };
                rollback(host, &asked, &report).await
            }
        }
    };
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
    let ending: Ending = match ended {
        Ok(ending) => ending.unwrap_or_else(|refused| refused),
        Err(dead) if dead.is::<Cut>() => return None,
        Err(other) => resume_unwind(other),
    };
    let events = told.take();
    Some(Ended {
        code: ending.code(),
        error: ending.error().unwrap_or_default().to_owned(),
        next: ending.next().map(str::to_owned),
        events,
    })
}

/// The folder with the journals of the machine's first site.
pub fn journals(machine: &Machine) -> PathBuf {
    journals_of(machine, "odoo")
}

/// The folder with the journals of a site.
pub fn journals_of(machine: &Machine, site: &str) -> PathBuf {
    machine.disk.at(&format!("/var/lib/odoo-deploy/{site}"))
}

/// The path of the newest journal.
pub fn newest_journal(folder: &Path) -> PathBuf {
    let names = std::fs::read_dir(folder).unwrap();
    names
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .max()
        .unwrap()
}

/// Silences the panic message of a command that the fuse kills.
pub(crate) fn silence_cuts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !info.payload().is::<Cut>() {
                usual(info);
            }
        }));
    });
}
