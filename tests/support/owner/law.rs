//! The law: everything that belongs to others is still there after a command, unless the command named it; and
//! every state has a next command.

use std::collections::{BTreeMap, BTreeSet};

use odoo_deploy::engine::journal::{self, Standing};
use odoo_deploy::event::Outcome;

use super::foreign::Foreign;
use super::named::{at, is_named};
use super::said::{Said, say};
use super::things::{Thing, Things, things};
use super::world::{End, Move, Site, Start, Verb, World};
use crate::act::journals_of;
use crate::machine::{Death, Fault, Frozen, Machine};
use crate::scenario::installed;
use crate::site::{SiteFile, SiteSpec};

/// The most commands that may be needed after any ending.
const COMMANDS: usize = 3;

/// The machines and sites of all worlds.
pub struct Ground {
    starts: BTreeMap<Start, (Frozen, Things)>,
    sites: BTreeMap<Site, SiteFile>,
}

/// The result of playing a world.
#[derive(Debug, Default)]
pub struct Played {
    /// The violations of the law.
    pub wrong: Vec<String>,
    /// The number of typed commands.
    pub commands: usize,
    /// The number of commands that were killed or met a fault.
    pub cut: usize,
    /// The number of commands with exit code 0.
    pub well: usize,
    /// The number of checks that a thing of others is still there.
    pub looked: usize,
    /// How often something was destroyed, by evidence.
    pub destroyed: BTreeMap<String, usize>,
    /// The reasons of the final refusals.
    pub refused: BTreeSet<String>,
}

/// A world while it is played.
struct Play<'g> {
    ground: &'g Ground,
    machine: Machine,
    /// The things of others. The last value is the present one; those before it are earlier values under the
    /// same name.
    foreign: BTreeMap<String, Vec<Thing>>,
    played: Played,
}

impl Default for Ground {
    fn default() -> Self {
        Self::new()
    }
}

impl Ground {
    /// Prepares the machines that worlds start from.
    pub fn new() -> Self {
        let bare = Machine::bare();
        let at_first = things(&bare);
        let served = Machine::bare();
        served.installs(&["postgresql", "nginx"]);
        let proxy = SiteSpec {
            proxy: true,
            ..SiteSpec::default()
        };
        let machines = [
            (Start::Bare, bare),
            (Start::Served, served),
            (Start::Installed, installed(&SiteSpec::default())),
            (Start::Proxied, installed(&proxy)),
        ];
        let starts = machines.into_iter().map(|(start, machine)| {
            let mut foreign = things(&machine);
            if start >= Start::Installed {
                foreign.retain(|place, thing| at_first.get(place) == Some(thing));
            }
            (start, (machine.still(), foreign))
        });
        Self {
            starts: starts.collect(),
            sites: sites(),
        }
    }

    /// Plays a world.
    pub fn play(&self, world: &World) -> Played {
        let (still, foreign) = &self.starts[&world.start];
        let foreign = foreign.iter();
        let foreign = foreign.map(|(place, thing)| (place.clone(), vec![thing.clone()]));
        let mut play = Play {
            ground: self,
            machine: still.twin(),
            foreign: foreign.collect(),
            played: Played::default(),
        };
        for foreign in &world.foreign {
            play.happen(foreign);
        }
        let mut last = None;
        for one in &world.moves {
            match one {
                Move::Owner(foreign) => play.happen(foreign),
                Move::Typed(verb, site, end) => {
                    let said = play.typed(*verb, *site, *end);
                    last = Some((said, *site));
                }
            }
            if !play.played.wrong.is_empty() {
                return play.played;
            }
        }
        if let Some((said, site)) = last {
            play.leads_on(&said, site);
        }
        play.played
    }

    fn words(&self, verb: Verb, site: Site) -> Vec<String> {
        let file = &self.sites[&site];
        let config = file.path().display().to_string();
        let words: &[&str] = match verb {
            Verb::Install => &["install", "--yes", "--config", &config],
            Verb::DryRun => &["install", "--dry-run", "--config", &config],
            Verb::Audit => &["audit", "--config", &config],
            Verb::Status => &["status", "--site", file.name()],
            Verb::Rollback => &["rollback", "--yes", "--site", file.name()],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

/// The sites of the commands.
fn sites() -> BTreeMap<Site, SiteFile> {
    let usual = SiteSpec::default;
    let proxy = SiteSpec {
        proxy: true,
        ..usual()
    };
    let later = SiteSpec {
        later: true,
        ..usual()
    };
    let other = SiteSpec {
        database: "erp",
        ..usual()
    };
    let more = SiteSpec {
        modules: vec!["sale", "stock"],
        ..usual()
    };
    let second = SiteSpec {
        name: "odoo-two",
        ..usual()
    };
    let all = [
        (Site::Usual, usual()),
        (Site::Proxy, proxy),
        (Site::Later, later),
        (Site::OtherDatabase, other),
        (Site::More, more),
        (Site::Second, second),
    ];
    let made = all.into_iter();
    made.map(|(site, spec)| (site, SiteFile::new(&spec)))
        .collect()
}

impl Play<'_> {
    /// Lets somebody else act. New things belong to him; things that he removed are no longer checked.
    fn happen(&mut self, foreign: &Foreign) {
        if !foreign.fits(&self.machine) {
            return;
        }
        let before = things(&self.machine);
        foreign.happen(&self.machine);
        let after = things(&self.machine);
        let moved = |place: &str| match foreign {
            Foreign::Elsewhere(from, to) => {
                place.strip_prefix(to).map(|rest| format!("{from}{rest}"))
            }
            _ => None,
        };
        let was = std::mem::take(&mut self.foreign);
        // if a killed run may have been about to install these packages, it is unclear who did
        let mut sites = self.ground.sites.keys();
        let is_begun =
            matches!(foreign, Foreign::Packages(_)) && sites.any(|site| self.has_open_run(*site));
        for (place, thing) in after {
            // a moved thing keeps its owner
            let known = moved(&place).filter(|from| before.contains_key(from));
            let known = known.unwrap_or_else(|| place.clone());
            if before.get(&known) != Some(&thing) {
                if !is_begun {
                    self.foreign.insert(place, vec![thing]);
                }
            } else if let Some(values) = was.get(&known) {
                self.foreign.insert(place, values.clone());
            }
        }
    }

    /// Types a command, then checks the things of others.
    fn typed(&mut self, verb: Verb, site: Site, end: End) -> Said {
        let open = self.has_open_run(site);
        let fuse = self.machine.fuse.clone();
        match end {
            End::Well => fuse.disarm(),
            End::Killed(number, death) => fuse.arm(number, death),
            End::Program(number, trouble) => fuse.trouble(number, trouble, false),
            End::File(number, errno) => fuse.fail_file(Fault {
                number,
                errno,
                lasts: false,
            }),
        }
        let words = self.ground.words(verb, site);
        let before = things(&self.machine);
        let said = say(&self.machine, &words);
        let effects = fuse.seen();
        self.weigh(&before, &said);
        fuse.disarm();
        if let (None, End::Killed(number, death)) = (said.code, end) {
            self.machine.after(death, number);
            // a program that does not start at boot is not missed after a power cut
            if death == Death::PowerCut {
                let now = things(&self.machine);
                self.foreign.retain(|place, was| {
                    now.contains_key(place) || !matches!(was.last(), Some(Thing::Running(_)))
                });
            }
        }
        self.played.commands += 1;
        self.played.cut += usize::from(end != End::Well);
        self.played.well += usize::from(said.code == Some(0));
        let reads = ![Verb::Install, Verb::Rollback].contains(&verb);
        let refused = said.outcome == Some(Outcome::Refused) && !open && end == End::Well;
        if reads || refused {
            // the lock is stored in memory, so it is no change
            let locks = |what: &str| what.contains("/run/odoo-deploy") || what.ends_with("/run\")");
            let touched = effects.iter().filter(|effect| !locks(&effect.what));
            for effect in touched.take(3) {
                let text = format!(
                    "it changes nothing, and did `{}`: {}",
                    effect.what, said.error
                );
                self.played.wrong.push(text);
            }
        }
        self.look(&said, &words);
        said
    }

    /// Counts what was destroyed, by evidence, and records everything that vanished without evidence.
    fn weigh(&mut self, before: &Things, said: &Said) {
        let told = self.machine.fuse.destroyed();
        for (_, evidence) in &told {
            let kind = evidence.replace(|c: char| c.is_ascii_digit(), "");
            *self.played.destroyed.entry(kind).or_default() += 1;
        }
        let now = things(&self.machine);
        let is_told = |place: &str| {
            let name = place.split_once(' ').map_or(place, |(_, name)| name);
            told.iter().any(|(told, _)| {
                let what = at(&self.machine, told);
                let within = place.strip_prefix(&what);
                within.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    || what.split(' ').skip(1).any(|word| word == name)
                    || is_of_cluster(place, told)
            })
        };
        for (place, was) in before {
            if now.contains_key(place) || !needs_evidence(place, was) || is_told(place) {
                continue;
            }
            if !said.names(place) && !said.names_place(place) {
                let text = format!(
                    "UNTOLD {place}: {was:?} went without evidence: {}",
                    said.error
                );
                self.played.wrong.push(text);
            }
        }
    }

    /// Checks the things of others.
    fn look(&mut self, said: &Said, words: &[String]) {
        let now = things(&self.machine);
        let (mut moved, mut gone) = (Vec::new(), Vec::new());
        self.played.looked += self.foreign.len();
        for (place, was) in &mut self.foreign {
            let found = now.get(place);
            let present = was.last().expect("what it is");
            // after a kill or power cut, running programs are checked only once the recovery has ended
            let waits = said.code.is_none() && matches!(present, Thing::Running(_));
            if found == Some(present) || waits {
                continue;
            }
            if let Some(earlier) = was.iter().position(|was| Some(was) == found) {
                was.truncate(earlier + 1);
                continue;
            }
            if !is_named(&self.machine, said, (place, present), &now) {
                let command = words[0].as_str();
                let ended = said
                    .code
                    .map_or("was killed".to_owned(), |code| format!("ended with {code}"));
                let found = found.map_or("nothing".to_owned(), |found| format!("{found:?}"));
                let text = format!(
                    "LOST {place}: {present:?} is {found} after `{command}` {ended}: {}",
                    said.error
                );
                self.played.wrong.push(text);
            }
            let aside = (1..10).map(|number| format!("{place}.kept-{number}"));
            let mut aside = aside.filter(|aside| now.get(aside) == Some(present));
            match (aside.next_back(), found) {
                (Some(aside), _) => moved.push((place.clone(), aside)),
                (None, Some(found)) => was.push(found.clone()),
                (None, None) => gone.push(place.clone()),
            }
        }
        for (place, aside) in moved {
            let was = self.foreign.remove(&place).unwrap();
            self.foreign.insert(aside, was);
        }
        for place in gone {
            self.foreign.remove(&place);
        }
    }

    /// Whether the newest run of a site is still open.
    fn has_open_run(&self, site: Site) -> bool {
        let folder = journals_of(&self.machine, self.ground.sites[&site].name());
        let runs = journal::runs(&folder).unwrap_or_default();
        let open = [Standing::Open, Standing::RollingBack];
        runs.last().is_some_and(|run| open.contains(&run.standing))
    }

    /// Follows the advice of odoo-deploy until a command succeeds, or is refused for a reason that the owner
    /// must settle.
    fn leads_on(&mut self, last: &Said, site: Site) {
        let mut ways = self.ways(last, site);
        let (mut code, mut error) = (last.code, last.error.clone());
        let (mut path, mut acted) = (vec![format!("{code:?} {error}")], 0);
        while code != Some(0) {
            if ways.is_empty() {
                return self.is_decided(&error);
            }
            if acted >= COMMANDS || path.len() > 3 * COMMANDS {
                let text = format!("END no command leads on: {}", path.join(" | "));
                return self.played.wrong.push(text);
            }
            let words = ways.remove(0);
            let before = things(&self.machine);
            let said = say(&self.machine, &words);
            self.weigh(&before, &said);
            self.machine.fuse.disarm();
            self.played.commands += 1;
            self.look(&said, &words);
            path.push(format!("{} {:?} {}", words[0], said.code, said.error));
            acted += usize::from(said.outcome != Some(Outcome::Refused));
            if !self.played.wrong.is_empty() {
                return;
            }
            let fails_again = (code, said.code) == (Some(3), Some(3));
            if fails_again && error.lines().next() == said.error.lines().next() {
                let text = format!("LATE it fails again: {}", path.join(" | "));
                return self.played.wrong.push(text);
            }
            // try the first advised command first, and the other if the first is refused
            if said.outcome != Some(Outcome::Refused) || ways.is_empty() {
                ways = self.ways(&said, site);
                // if trying again gave the same error, take the other command
                if error == said.error && ways.len() > 1 {
                    ways.remove(0);
                }
            }
            (code, error) = (said.code, said.error);
        }
    }

    /// The commands to try next, from the advice.
    fn ways(&self, said: &Said, site: Site) -> Vec<Vec<String>> {
        let install = self.ground.words(Verb::Install, site);
        match said.code {
            Some(0) => return Vec::new(),
            // a killed command gives no advice; `status` names both commands
            None if self.has_open_run(site) && self.played.commands.is_multiple_of(2) => {
                return vec![self.ground.words(Verb::Rollback, site)];
            }
            None | Some(3) => return vec![install],
            Some(_) => (),
        }
        let mut advice = said.advice();
        if advice.is_empty() && self.has_open_run(site) {
            let status = self.ground.words(Verb::Status, site);
            advice = say(&self.machine, &status).advice();
        }
        for words in &mut advice {
            let acts = ["install", "rollback"].contains(&words[0].as_str());
            let asks = !words
                .iter()
                .any(|word| ["--yes", "--dry-run"].contains(&word.as_str()));
            if acts && asks {
                words.push("--yes".into());
            }
        }
        advice
    }

    /// A refusal is a proper ending if it says what the owner must decide.
    fn is_decided(&mut self, error: &str) {
        if error.contains('`') {
            self.played.refused.insert(kind(error));
        } else {
            let text = format!("END it says neither what is wrong nor what to do: {error}");
            self.played.wrong.push(text);
        }
    }
}

/// Whether a path belongs to the PostgreSQL cluster in `what`, in Debian's folders.
fn is_of_cluster(place: &str, what: &str) -> bool {
    let cluster = what.strip_prefix("cluster ");
    let folders = ["/etc/postgresql/", "/var/lib/postgresql/"];
    cluster.is_some_and(|cluster| {
        folders
            .iter()
            .filter_map(|folder| place.strip_prefix(folder)?.strip_prefix(cluster))
            .any(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Whether odoo-deploy needs evidence to remove a thing. It needs none for a process, for what is stored in
/// memory, and for files that go with a package or with systemd's links.
fn needs_evidence(place: &str, was: &Thing) -> bool {
    let passing = [
        "/run/",
        "/usr/",
        "/etc/ssl/certs",
        "/etc/systemd/system/multi-user.target.wants",
    ];
    // the temporary file of a replacement
    let prepared = place.ends_with(".odoo-deploy") && place.contains("/.");
    match was {
        _ if prepared => false,
        Thing::File(..) | Thing::Link(..) => {
            !passing.iter().any(|folder| place.starts_with(folder))
        }
        Thing::Database(_) | Thing::Role(_) | Thing::User(_) => true,
        _ => false,
    }
}

/// A refusal without its names and values, to count refusals of one kind together.
fn kind(error: &str) -> String {
    let line = error.lines().next().unwrap_or_default();
    let parts: Vec<&str> = line.split('`').collect();
    let said = parts.iter().step_by(2).copied();
    said.collect::<Vec<_>>()
        .join("`…`")
        .chars()
        .take(160)
        .collect()
}
