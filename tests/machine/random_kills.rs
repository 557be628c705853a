//! odoo-deploy, killed at random times of whole runs, again and again on the same servers.
//!
//! `KILLS=300` sets the number of kills; `KILL_SEED=7` sets the times, and repeats the times of an earlier run.

use std::env;
use std::thread::sleep;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use odoo_deploy::engine::journal::Standing;
use rehearse::Base;

use super::support::allowed::{Allowance, EVERY_RUN, PACKAGES, RUNNING};
use super::support::server::{SITE, Server, site};
use super::support::snapshot::{Precision, Snapshot};
use super::support::start::Start;
use super::support::tally::{arrived, count, kill as killed, show};
use super::support::{bases, scenario, web};
use ::support::dice::Dice;
use ::support::tier::Tier;

/// The default number of kills: with `make prove`, and otherwise.
const KILLS: [usize; 2] = [12, 4];

/// The default seed: the same times in every run, so that a failure can be repeated.
const SEED: u64 = 19;

pub(crate) fn trials() -> Vec<Trial> {
    let [all, some] = KILLS;
    let usual = match Tier::asked() {
        Tier::Prove => all,
        Tier::Commit | Tier::Floors => some,
    };
    let kills = number("KILLS").unwrap_or(usual);
    let seed = seed();
    // few kills during the installation of packages, which the scenarios in `kills` cover in every test run
    let packages = kills / 30;
    let first = (kills - packages) / 3;
    let changes = kills - packages - first;
    let mut trials = vec![
        scenario("random_kills_of_changes", move || of_changes(seed, changes)),
        scenario("random_kills_of_first_installs", move || {
            of_first_installs(PACKED, seed, first);
        }),
    ];
    if packages > 0 {
        trials.push(scenario("random_kills_of_bare_installs", move || {
            of_first_installs(BARE, seed, packages);
        }));
    }
    trials
}

/// The seed of the times.
pub(crate) fn seed() -> u64 {
    number("KILL_SEED").unwrap_or(SEED)
}

fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let value = env::var(variable).ok()?;
    let number = value.parse().ok();
    Some(number.unwrap_or_else(|| panic!("{variable}={value} is no number")))
}

/// How to recover from a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    On,
    Back,
}

impl Way {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::On => &["install", "--yes"],
            Self::Back => &["rollback", "--yes"],
        }
    }
}

/// The folders that are compared with the original state: all except those that only packages write to.
const TREES: &[&str] = &[
    "/etc",
    "/home",
    "/opt",
    "/root",
    "/srv",
    "/usr/local",
    "/var",
];

/// A run without kills.
struct Whole {
    seconds: f64,
    /// The steps, with the time at which each began, in seconds.
    steps: Vec<(String, f64)>,
}

impl Whole {
    /// Runs an install to its end.
    fn install(server: &Server) -> Self {
        let run = server.json(Way::On.words());
        run.expect_code(0);
        let (seconds, steps) = (run.seconds, run.steps);
        Self { seconds, steps }
    }

    /// The assumed length of a recovery, the steps of which are not known in advance.
    fn recovery() -> Self {
        Self {
            seconds: 3.0,
            steps: Vec::new(),
        }
    }
}

/// A series of kills; the seed determines their times and recoveries.
struct Walk {
    name: &'static str,
    seed: u64,
    dice: Dice,
    kills: usize,
    wanted: usize,
    /// Kills after which the server has not been seen in the start or end state yet.
    open: usize,
    twice: usize,
    ways: [usize; 2],
}

impl Walk {
    fn new(name: &'static str, seed: u64, wanted: usize) -> Self {
        println!("machine: {name}: {wanted} kills, KILL_SEED={seed}");
        Self {
            name,
            seed,
            dice: Dice::new(seed),
            kills: 0,
            wanted,
            open: 0,
            twice: 0,
            ways: [0; 2],
        }
    }

    fn is_over(&self) -> bool {
        self.kills >= self.wanted
    }

    /// Chooses the recovery: every `every`th is an install, the others are rollbacks.
    fn way(&mut self, every: usize) -> Way {
        let [on, back] = self.ways;
        if (on + back) % every == every - 1 {
            Way::On
        } else {
            Way::Back
        }
    }

    /// Starts a command and kills it at a random time of the `whole` run, measured from the beginning of the
    /// step under way at that time. Returns `false` if the command had ended before.
    fn kill(&mut self, server: &Server, words: &[&str], whole: &Whole) -> bool {
        let share = u32::try_from(self.dice.below(10_000)).expect("a small number");
        let at = whole.seconds * f64::from(share) / 10_000.0;
        let mut running = server.start(words);
        let under_way = whole.steps.iter().rev().find(|(_, began)| *began <= at);
        let since = under_way.map_or(0.0, |(_, began)| *began);
        if let Some((step, _)) = under_way {
            running.read_to_step(step);
        }
        let (run, hit) = running.finish_while(|process| {
            sleep(Duration::from_secs_f64(at - since));
            kill(process, Signal::SIGKILL).is_ok()
        });
        if hit != Some(true) || !run.of("ended").is_empty() {
            return false;
        }
        killed();
        self.kills += 1;
        self.open += 1;
        let step = run.steps.last().map_or("no step", |(step, _)| step);
        println!(
            "machine: {} {}/{}: {} killed {:.3} s into {step}",
            self.name,
            self.kills,
            self.wanted,
            words[0],
            at - since,
        );
        true
    }

    /// Recovers from a kill; one recovery in five is killed as well, then repeated. Runs up to number `earlier`
    /// are older than this series and are not rolled back.
    fn recover(&mut self, server: &Server, way: Way, earlier: u32) {
        if self.dice.below(5) == 0 && !self.is_over() && stands(server, way, earlier) {
            let again = self.kill(server, way.words(), &Whole::recovery());
            self.twice += usize::from(again);
        }
        if stands(server, way, earlier) {
            server.json(way.words()).expect_code(0);
        }
    }

    /// Records that the server was seen in its start or end state.
    fn arrived(&mut self, way: Way) {
        self.ways[usize::from(way == Way::Back)] += 1;
        for _ in 0..std::mem::take(&mut self.open) {
            arrived();
        }
    }

    fn end(&self) {
        count("random kills", self.kills);
        let [on, back] = self.ways;
        show(
            7,
            format!(
                "{}: {} kills at random times (KILL_SEED={}), {} of them of a recovery; {on} went on to the end, \
                 {back} went back, 0 third states",
                self.name, self.kills, self.seed, self.twice
            ),
        );
    }
}

/// Whether there is anything to recover. A process that was killed before its first journal record left no run,
/// and a rollback would then roll back an older run.
fn stands(server: &Server, way: Way, earlier: u32) -> bool {
    let runs = server.runs();
    let newest = runs.last().filter(|run| run.number > earlier);
    way == Way::On || newest.is_some_and(|run| run.standing != Standing::RolledBack)
}

fn newest(server: &Server) -> u32 {
    server.runs().last().map_or(0, |run| run.number)
}

/// Whether the process was killed after its run had committed, which counts as the end of the run.
fn has_committed(server: &Server, earlier: u32) -> bool {
    let runs = server.runs();
    let newest = runs.last().filter(|run| run.number > earlier);
    newest.is_some_and(|run| run.standing == Standing::Committed)
}

fn expect_settled(server: &Server) {
    web::expect_alive(server);
    server.json(&["audit"]).expect_code(0);
}

/// A base for a series of first installs, and what a rollback may leave there.
#[derive(Clone, Copy)]
struct Ground {
    name: &'static str,
    base: fn() -> Base,
    roots: &'static [&'static str],
    leaves: &'static [&'static [Allowance]],
}

const PACKED: Ground = Ground {
    name: "first installs",
    base: bases::packed,
    roots: TREES,
    leaves: &[EVERY_RUN],
};

const BARE: Ground = Ground {
    name: "bare installs",
    base: bases::fetched,
    roots: &["/"],
    leaves: &[EVERY_RUN, PACKAGES],
};

fn of_first_installs(ground: Ground, seed: u64, kills: usize) {
    let boot = || {
        let server = Server::ready(&format!("walk-{}", &ground.name[..4]), (ground.base)());
        let start = Start::within(&server, ground.roots);
        (server, start)
    };
    let whole = Whole::install(&boot().0);
    let mut walk = Walk::new(ground.name, seed, kills);
    let mut here = None;
    while !walk.is_over() {
        let (server, start) = here.take().unwrap_or_else(boot);
        let (way, earlier) = (walk.way(4), newest(&server));
        if !walk.kill(&server, Way::On.words(), &whole) || has_committed(&server, earlier) {
            walk.arrived(Way::On);
            continue;
        }
        walk.recover(&server, way, earlier);
        if way == Way::On {
            expect_settled(&server);
        } else {
            start.expect_again(&server, ground.leaves);
            here = Some((server, start));
        }
        walk.arrived(way);
    }
    walk.end();
}

/// A repository of add-ons on the server, with a Python requirement.
const ADDONS: &str = "
    git init -q --bare -b main /srv/addons.git
    git init -q -b main /root/addons && cd /root/addons && mkdir walked
    echo '{\"name\": \"Walked\", \"depends\": [\"base\"]}' > walked/__manifest__.py
    : > walked/__init__.py; echo wheel > requirements.txt
    git add . && git -c user.name=a -c user.email=a@localhost commit -qm add-ons
    git push -q /srv/addons.git main && cd / && rm -r /root/addons
";

/// A change of the site, and a check that it arrived.
struct Variant {
    site: String,
    whole: Whole,
    end: Snapshot,
}

fn settings(server: &Server) -> Snapshot {
    Snapshot::take(server, &["/etc"], &[])
}

fn of_changes(seed: u64, kills: usize) {
    let server = Server::ready("walk-changes", bases::installed());
    server.sh(ADDONS);
    web::await_health(&server);
    let start = Start::within(&server, TREES);
    let back = |server: &Server| {
        server.json(Way::Back.words()).expect_code(0);
        start.expect_again(server, &[EVERY_RUN, RUNNING]);
    };
    let variant = |more: &str| {
        let site = site(more);
        server.write(SITE, &site);
        let whole = Whole::install(&server);
        expect_settled(&server);
        let end = settings(&server);
        back(&server);
        Variant { site, whole, end }
    };
    let addons = "[[addons]]\nname = \"walked\"\nrepository = \"file:///srv/addons.git\"\nbranch = \"main\"\n";
    let variants = [
        variant("[http]\nworkers = 2\n"),
        variant(addons),
        variant(&format!("{addons}[http]\nworkers = 2\n")),
    ];
    let mut walk = Walk::new("changes", seed, kills);
    while !walk.is_over() {
        let variant = &variants[walk.dice.below(variants.len())];
        let (way, earlier) = (walk.way(2), newest(&server));
        server.write(SITE, &variant.site);
        let killed = walk.kill(&server, Way::On.words(), &variant.whole);
        let ended = !killed || has_committed(&server, earlier);
        if !ended {
            walk.recover(&server, way, earlier);
        }
        if ended || way == Way::On {
            expect_settled(&server);
            let found = variant
                .end
                .differences(&settings(&server), Precision::Content);
            assert!(
                found.is_empty(),
                "another end than without a kill: {found:#?}"
            );
            walk.arrived(Way::On);
            back(&server);
        } else {
            start.expect_again(&server, &[EVERY_RUN, RUNNING]);
            walk.arrived(way);
        }
    }
    walk.end();
}
