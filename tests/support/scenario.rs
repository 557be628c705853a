//! Scenarios: a machine, and a command on it that tests kill or make fail.

use super::act::{Act, act};
use super::machine::{Death, Frozen, Machine};
use super::site::{SiteFile, SiteSpec};

/// A machine, a site, and the act that tests kill.
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// The act that is killed.
    pub act: Act,
    /// The machine before the act.
    pub start: Frozen,
    /// The machine that a rollback must restore. It is older than `start` if `start` is in the middle of a run.
    pub origin: Machine,
    /// The site.
    pub site: SiteFile,
}

/// All scenarios; every commit must pass them.
pub const ALL: [&str; 13] = [
    "fresh",
    "fresh by pip",
    "no-op",
    "workers",
    "new add-ons",
    "new release",
    "new language",
    "second site",
    "drift",
    "proxy",
    "own steps",
    "rollback",
    "resumed",
];

/// The scenarios to try: all, or the one that `CRASH_CASE` or `FAULT_CASE` names.
pub fn tried() -> impl Iterator<Item = &'static str> {
    let asked = ["CRASH_CASE", "FAULT_CASE"]
        .into_iter()
        .find_map(|variable| std::env::var(variable).ok());
    let is_asked = move |name: &&str| {
        let named = |case: &String| case.split('/').next() == Some(*name);
        asked.as_ref().is_none_or(named)
    };
    ALL.into_iter().filter(is_asked)
}

impl Scenario {
    /// Prepares the scenario called `name`.
    pub fn new(name: &str) -> Self {
        let bare = Machine::bare();
        let spec = SiteSpec::default;
        let name = ALL.into_iter().find(|known| *known == name).unwrap();
        match name {
            "fresh" => Self::at(name, Act::Install, bare, &spec()),
            "fresh by pip" => {
                let pip = SiteSpec {
                    installer: "pip",
                    addons: false,
                    ..spec()
                };
                Self::at(name, Act::Install, bare, &pip)
            }
            "no-op" => Self::at(name, Act::Install, installed(&spec()), &spec()),
            "workers" => {
                let threaded = SiteSpec {
                    workers: 0,
                    ..spec()
                };
                Self::at(name, Act::Install, installed(&threaded), &spec())
            }
            "new add-ons" => {
                let without = SiteSpec {
                    addons: false,
                    modules: Vec::new(),
                    ..spec()
                };
                Self::at(name, Act::Install, installed(&without), &spec())
            }
            "new release" => {
                let later = SiteSpec {
                    later: true,
                    ..spec()
                };
                Self::at(name, Act::Install, aged(), &later)
            }
            "new language" => {
                let german = SiteSpec {
                    languages: vec!["de_DE"],
                    ..spec()
                };
                let french = SiteSpec {
                    languages: vec!["de_CH", "fr_FR"],
                    ..spec()
                };
                Self::at(name, Act::Install, installed(&german), &french)
            }
            "second site" => {
                let second = SiteSpec {
                    name: "odoo-two",
                    ..spec()
                };
                Self::at(name, Act::Install, installed(&spec()), &second)
            }
            "drift" => {
                let machine = installed(&spec());
                drift(&machine);
                Self::at(name, Act::Install, machine, &spec())
            }
            "proxy" => {
                let (before, now) = (
                    SiteSpec {
                        addons: false,
                        ..spec()
                    },
                    SiteSpec {
                        addons: false,
                        proxy: true,
                        ..spec()
                    },
                );
                Self::at(name, Act::Install, installed(&before), &now)
            }
            "own steps" => {
                let own = SiteSpec {
                    own_steps: true,
                    ..spec()
                };
                Self::at(name, Act::Install, installed(&spec()), &own)
            }
            "rollback" => Self::at(name, Act::Rollback, installed(&spec()), &spec()),
            _ => {
                let origin = bare.twin();
                let site = SiteFile::new(&spec());
                bare.fuse.arm(120, Death::Before);
                assert!(act(&bare, &site, Act::Install).is_none());
                bare.fuse.disarm();
                Self {
                    name,
                    act: Act::Install,
                    start: bare.still(),
                    origin,
                    site,
                }
            }
        }
    }

    fn at(name: &'static str, act: Act, start: Machine, spec: &SiteSpec) -> Self {
        Self {
            name,
            act,
            start: start.still(),
            origin: start,
            site: SiteFile::new(spec),
        }
    }
}

/// A machine with an installed site.
pub fn installed(spec: &SiteSpec) -> Machine {
    let machine = Machine::bare();
    let ended = act(&machine, &SiteFile::new(spec), Act::Install).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.error);
    machine
}

/// A machine with more virtual environments, built one after another, than odoo-deploy keeps for rollbacks.
fn aged() -> Machine {
    let machine = Machine::bare();
    for number in [1, 2, 3, 0] {
        let ended = act(&machine, &SiteFile::with_index(number), Act::Install).unwrap();
        assert_eq!(ended.code, 0, "{}", ended.error);
    }
    machine
}

/// A drift: somebody makes the role a superuser, and edits the configuration.
fn drift(machine: &Machine) {
    let mut state = machine.state.borrow_mut();
    state.postgres.roles.get_mut("odoo").unwrap().superuser = true;
    let conf = machine.disk.text("/etc/odoo.conf") + "limit_time_cpu = 60\n";
    machine.disk.put("/etc/odoo.conf", conf);
}
