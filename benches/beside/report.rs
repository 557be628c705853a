//! The two files that a benchmark writes: a page for people, and every sample for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bars::{Bar, bars};
use super::contender::Contender;
use super::ground::Ground;
use super::journal::Journal;
use super::micro::Micro;
use super::sample::{Sample, median, percentile, slopes};
use super::world::{World, say};

/// All results of a benchmark.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) ground: Ground,
    /// The length of the benchmark.
    pub(crate) seconds: f64,
    pub(crate) samples: Vec<Sample>,
    /// The seconds of each step in each of our first installs.
    pub(crate) steps: Vec<Vec<(String, f64)>>,
    /// The peak memory of odoo-deploy, by command, in MiB.
    pub(crate) peaks: BTreeMap<String, f64>,
    /// The system calls of a run that changes nothing, by contender.
    pub(crate) syscalls: BTreeMap<String, u64>,
    /// The processes of a run that changes nothing, by contender.
    pub(crate) programs: BTreeMap<String, u64>,
    pub(crate) journal: Option<Journal>,
    /// The milliseconds of each further step, where the curve is steepest.
    pub(crate) slope: Option<f64>,
    pub(crate) micro: Vec<Micro>,
    /// Figures for many sites on one server, if another test measured them.
    pub(crate) sites: Vec<Figure>,
}

/// A figure from another test.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) target: String,
    pub(crate) measured: String,
    pub(crate) met: bool,
}

impl Results {
    /// The wall-clock seconds of all runs of a contender and a job.
    pub(crate) fn walls(&self, who: &str, what: &str) -> Vec<f64> {
        self.of(who, what).map(|sample| sample.cost.wall).collect()
    }

    fn of<'a>(&'a self, who: &'a str, what: &'a str) -> impl Iterator<Item = &'a Sample> {
        let is_it = move |sample: &&Sample| sample.who == who && sample.what == what;
        self.samples.iter().filter(is_it)
    }
}

/// The figures in `sites.json`, in the folder of the logs, if the file exists.
pub(crate) fn sites(world: &World) -> Vec<Figure> {
    let text = fs::read_to_string(world.work.join("sites.json"));
    text.map_or_else(
        |_| Vec::new(),
        |text| serde_json::from_str(&text).expect("a list of figures"),
    )
}

/// The median time of each step in our first installs, in order.
pub(crate) fn step_medians(results: &Results) -> Vec<(String, f64)> {
    let Some(names) = results.steps.first() else {
        return Vec::new();
    };
    let of = |name: &str| {
        let all = results.steps.iter().flatten();
        let seconds = all.filter(|step| step.0 == name).map(|step| step.1);
        median(&seconds.collect::<Vec<_>>())
    };
    let steps = names.iter();
    steps
        .filter_map(|(name, _)| Some((name.clone(), of(name)?)))
        .collect()
}

/// Writes the page, which is in the repository, and the samples, which stay with the logs.
pub(crate) fn write(world: &World, results: &Results) {
    let bars = bars(results);
    let mut all = json!(results);
    all["bars"] = json!(bars);
    let mut text = serde_json::to_string_pretty(&all).expect("JSON");
    text.push('\n');
    fs::write(world.work.join("benchmarks.json"), text).expect("benchmarks.json");
    // if only some contenders ran, the page is not published
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let folder = if world.only.is_empty() {
        &docs
    } else {
        &world.work
    };
    let page = page(results, &bars);
    fs::write(folder.join("benchmarks.md"), page).expect("benchmarks.md");
    let missed = bars.iter().filter(|bar| !bar.met);
    for bar in missed {
        say(format!(
            "missed: {}: {:.3} {} for {}",
            bar.what, bar.measured, bar.unit, bar.target
        ));
    }
    say(format!(
        "{}/benchmarks.md, after {:.0} s; samples and logs in {}",
        folder.display(),
        results.seconds,
        world.work.display()
    ));
}

fn page(results: &Results, bars: &[Bar]) -> String {
    let ground = &results.ground;
    let mut page = include_str!("../benchmarks.md").to_owned();
    let mut put = |name: &str, text: &str| {
        page = page.replace(&format!("{{{{ {name} }}}}"), text.trim_end());
    };
    put("ground", &ground_words(ground));
    put("minutes", &format!("{:.0}", results.seconds / 60.0));
    put("first", &ground.first.to_string());
    put("again", &ground.again.to_string());
    put("quick", &ground.quick.to_string());
    put("odoo", odoo(ground));
    put("storage", storage(ground));
    put("tools", &ground.tools.join(", "));
    put("bars", &bar_table(bars));
    put("installs", &contenders(results, "first", 1));
    put("noops", &contenders(results, "again", 3));
    put("steps", &step_table(results));
    put("commands", &commands(results));
    put("peaks", &peaks(results));
    put("journal", &journal(results));
    put("growth", &growth(results));
    put("micro", &micro(results));
    put("sites", &site_table(&results.sites));
    assert!(!page.contains("{{ "), "a mark is left:\n{page}");
    page
}

fn ground_words(ground: &Ground) -> String {
    format!(
        "{}, {} cores, {:.0} GiB of memory; {}, Linux {}; load {:.1} when it began",
        ground.processor,
        ground.cores,
        ground.memory,
        ground.distribution,
        ground.kernel,
        ground.load
    )
}

fn odoo(ground: &Ground) -> &'static str {
    if ground.odoo == "lite" {
        "**only what a new database needs of Odoo 19: a trial run, not the real measurement**"
    } else {
        "the whole of Odoo 19, 45,000 files"
    }
}

fn storage(ground: &Ground) -> &'static str {
    if ground.storage == "disk" {
        "on a disk"
    } else {
        "in memory, so that no disk is measured and a sync is free for all"
    }
}

/// A Markdown table. A column with a head that begins with `>` is aligned right.
fn table(head: &str, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let names = head.replace('>', "");
    let lines = head.split('|').map(|name| {
        let right = name.trim().starts_with('>');
        if right { "---:" } else { "---" }
    });
    let mut text = format!("| {names} |\n|{}|\n", lines.collect::<Vec<_>>().join("|"));
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ")).expect("text");
    }
    text
}

fn bar_table(bars: &[Bar]) -> String {
    let number = |number: f64| {
        let digits = if number < 10.0 { 2 } else { 1 };
        format!("{number:.digits$}")
    };
    let row = |bar: &Bar| {
        let sign = if bar.at_least { "≥" } else { "≤" };
        vec![
            bar.what.clone(),
            format!("{sign} {} {}", bar.target, bar.unit),
            format!("{} {}", number(bar.measured), bar.unit),
            format!("{:.2}", bar.ratio()),
            if bar.met { "met" } else { "**missed**" }.to_owned(),
            bar.limit.clone(),
        ]
    };
    let head = "bar | >target | >measured | >measured : target | | what limits it";
    table(head, bars.iter().map(row))
}

/// One row for each contender, with medians of its runs.
fn contenders(results: &Results, what: &str, digits: usize) -> String {
    let middle = |who: &str, of: fn(&Sample) -> f64| {
        let values: Vec<f64> = results.of(who, what).map(of).collect();
        median(&values)
    };
    let ours = middle(Contender::Ours.name(), |sample| sample.cost.wall);
    let row = |contender: &Contender| {
        let who = contender.name();
        let wall = middle(who, |sample| sample.cost.wall)?;
        let walls = results.walls(who, what);
        let least = walls.iter().copied().min_by(f64::total_cmp)?;
        let most = walls.iter().copied().max_by(f64::total_cmp)?;
        let counted = |counts: &BTreeMap<String, u64>| {
            let count = counts.get(who).filter(|_| what == "again");
            count.map_or_else(|| "–".to_owned(), u64::to_string)
        };
        Some(vec![
            who.to_owned(),
            format!("{wall:.digits$}"),
            format!("{least:.digits$} – {most:.digits$}"),
            format!("{:.1} ×", wall / ours?),
            format!("{:.digits$}", middle(who, |s| s.cost.user + s.cost.system)?),
            format!("{:.0}", middle(who, |sample| sample.cost.peak)?),
            counted(&results.syscalls),
            counted(&results.programs),
        ])
    };
    let head = "| >seconds | >from – to | >by ours | >seconds of processors | >MiB of the largest process | >system calls | >programs, itself included";
    table(head, Contender::ALL.iter().filter_map(row))
}

fn step_table(results: &Results) -> String {
    let steps = step_medians(results);
    let long = steps.iter().filter(|(_, seconds)| *seconds >= 0.1);
    let rows = long.map(|(step, seconds)| vec![format!("`{step}`"), format!("{seconds:.1}")]);
    table("step | >seconds", rows)
}

/// What is measured many times: names in the samples, and texts.
const QUICK: [(&str, &str); 8] = [
    ("install", "`install`, nothing to do"),
    ("install-unchecked", "the same, without the health request"),
    (
        "dry-run",
        "`install --dry-run`, which does not check Odoo's health",
    ),
    ("audit", "`audit`, with the health request"),
    ("status", "`status`"),
    ("--help", "`--help`"),
    ("--version", "`--version`"),
    (
        "nothing",
        "`true`, for comparison: the way into the machine",
    ),
];

fn commands(results: &Results) -> String {
    let row = |(what, words): &(&str, &str)| {
        let all: Vec<f64> = results.walls(Contender::Ours.name(), what);
        let at = |hundredths| percentile(&all, hundredths).map(|s| format!("{:.1}", s * 1e3));
        let used = results.of(Contender::Ours.name(), what);
        let used: Vec<f64> = used.map(|s| s.cost.user + s.cost.system).collect();
        let used = format!("{:.1}", median(&used)? * 1e3);
        Some(vec![(*words).to_owned(), at(50)?, at(95)?, at(100)?, used])
    };
    let head = "| >median, ms | >p95, ms | >most, ms | >processors, ms";
    table(head, QUICK.iter().filter_map(row))
}

fn peaks(results: &Results) -> String {
    let words = |what: &str| match what {
        "first" => "a first `install`".to_owned(),
        other => QUICK
            .iter()
            .find(|(name, _)| *name == other)
            .map_or_else(|| other.to_owned(), |(_, words)| (*words).to_owned()),
    };
    let rows = results.peaks.iter();
    let rows = rows.map(|(what, mib)| vec![words(what), format!("{mib:.1}")]);
    table("| >MiB", rows)
}

fn journal(results: &Results) -> String {
    results.journal.as_ref().map_or_else(
        || "Not measured.".to_owned(),
        |journal| {
            format!(
                "{} records and {} syncs took {:.3} s; all that is kept of a run, earlier bytes included, {:.3} s.",
                journal.records, journal.syncs, journal.seconds, journal.kept
            )
        },
    )
}

fn growth(results: &Results) -> String {
    let middle = |more: &u32| {
        let walls = results.walls(Contender::Ours.name(), &format!("steps-{more}"));
        Some((f64::from(*more), median(&walls)? * 1e3))
    };
    let points: Vec<(f64, f64)> = super::slope::MORE.iter().filter_map(middle).collect();
    let steep = std::iter::once(None).chain(slopes(&points).into_iter().map(Some));
    let rows = points.iter().zip(steep).map(|((more, wall), steep)| {
        let steep = steep.map_or_else(|| "–".to_owned(), |steep| format!("{steep:.3}"));
        vec![more.to_string(), format!("{wall:.1}"), steep]
    });
    let head = ">more steps | >median, ms | >a further step since the row above, ms";
    table(head, rows)
}

/// One row for each verb; the last columns are the slope.
fn micro(results: &Results) -> String {
    let mut names: Vec<&str> = Vec::new();
    for one in &results.micro {
        if !names.contains(&one.what.as_str()) {
            names.push(&one.what);
        }
    }
    let row = |name: &&str| {
        let all = results.micro.iter().filter(|one| one.what == **name);
        let points: Vec<(f64, f64)> = all.map(|one| (f64::from(one.steps), one.median)).collect();
        let mut cells = vec![format!("`{name}`")];
        cells.extend(points.iter().map(|(_, median)| format!("{median:.3}")));
        cells.extend(slopes(&points).iter().map(|ms| format!("{:.1}", ms * 1e3)));
        cells
    };
    let head = "median, ms | >10 steps | >100 steps | >1,000 steps | >a step from 10 to 100, µs | >from 100 to 1,000, µs";
    table(head, names.iter().map(row))
}

fn site_table(sites: &[Figure]) -> String {
    if sites.is_empty() {
        return String::new();
    }
    let row = |figure: &Figure| {
        vec![
            figure.what.clone(),
            figure.target.clone(),
            figure.measured.clone(),
            if figure.met { "met" } else { "**missed**" }.to_owned(),
        ]
    };
    let head = "| target | measured |";
    format!(
        "## Many sites on one server\n\n{}",
        table(head, sites.iter().map(row))
    )
}
