//! Several sites with one command, on the model machine: each is installed and reported as if it were alone, a failing
//! site does not stop the others, and fifty sites cost fifty times what one site costs.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may fall over, and say what it counted"
)]

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::Signal;
use odoo_deploy::event::{Event, Events, Outcome};
use odoo_deploy::host::stop::Stop;
use odoo_deploy::report::{Human, Json, Options, Report};
use support::counts;
use support::machine::Machine;
use support::site::{SiteFile, SiteSpec};
use support::typed::{Paper, typed};
use tempfile::TempDir;

/// A folder of sites, with the playbook of the tests.
struct Sites(TempDir);

impl Sites {
    fn new() -> Self {
        let (folder, site) = (
            tempfile::tempdir().unwrap(),
            SiteFile::new(&SiteSpec::default()),
        );
        fs::copy(
            site.path().with_file_name("odoo.toml"),
            folder.path().join("odoo.toml"),
        )
        .unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Adds a site with its own ports in `NAME.toml`.
    fn add(&self, name: &str, number: u16, modules: &[&str]) {
        let text = format!(
            "[site]\nname = {name:?}\n[odoo]\nversion = \"19.0\"\nrepository = \"https://git.example.org/odoo.git\"\n\
             modules = {modules:?}\n[postgres]\ntuning = false\n[http]\nworkers = 0\nport = {}\ngevent_port = {}\n",
            10_000 + 2 * number,
            10_001 + 2 * number
        );
        fs::write(self.path().join(format!("{name}.toml")), text).unwrap();
    }
}

/// Runs a command line that reports to `report`. `SITES` in it stands for the folder.
fn run(
    machine: &Machine,
    sites: &Sites,
    line: &str,
    events: Events,
    stop: Stop,
    report: &Report,
) -> u8 {
    let folder = sites.path().display().to_string();
    let host = machine.host(events).with_stop(stop);
    typed(host, line, ("SITES", &folder), report)
}

/// Returns the exit code and both streams of a command, in the text form.
fn said(machine: &Machine, sites: &Sites, line: &str) -> String {
    let (out, err) = (Paper::default(), Paper::default());
    let human = Human::with_clock(out.clone(), err.clone(), Options::plain(), || {
        SystemTime::UNIX_EPOCH
    });
    let report = Report::Human(Rc::new(human));
    let code = run(
        machine,
        sites,
        line,
        report.events(),
        Stop::default(),
        &report,
    );
    let text = format!(
        "$ odoo-deploy {line}\nexit: {code}\n--- stdout\n{}--- stderr\n{}",
        out.text(),
        err.text()
    );
    let text = text.replace(&sites.path().display().to_string(), "SITES");
    // these tests do not depend on how many steps a site has
    let steps = |line: &str| match line.strip_prefix("Nothing to do: all ") {
        Some(_) => "Nothing to do.\n".to_owned(),
        None => format!("{line}\n"),
    };
    text.lines().map(steps).collect()
}

/// Returns the exit code and the events of a command. SIGINT comes with the first event for which `stops` is true.
fn told(
    machine: &Machine,
    sites: &Sites,
    line: &str,
    stops: fn(&Event) -> bool,
) -> (u8, Vec<Event>) {
    let (told, stop) = (Rc::<RefCell<Vec<Event>>>::default(), Stop::default());
    let sink = {
        let (told, stop) = (told.clone(), stop.clone());
        move |event: &Event| {
            if stops(event) && stop.check().is_ok() {
                stop.request(Signal::SIGINT as i32);
            }
            told.borrow_mut().push(event.clone());
        }
    };
    let report = Report::Json(Rc::new(Json::new(Paper::default(), SystemTime::now)));
    let code = run(machine, sites, line, Events::to(sink), stop, &report);
    (code, told.take())
}

/// How each site ended, from the last event.
fn ends(events: &[Event]) -> Vec<(String, Outcome, u8)> {
    let Some(Event::SitesEnded { sites, .. }) = events.last() else {
        panic!("the last event is {:?}", events.last());
    };
    let name = |config: &str| {
        Path::new(config)
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    sites
        .iter()
        .map(|site| (name(&site.config), site.outcome, site.exit_code))
        .collect()
}

#[test]
fn a_failing_site_does_not_stop_the_others() {
    if support::skipped() {
        return;
    }
    let (machine, sites) = (Machine::bare(), Sites::new());
    sites.add("able", 1, &["sale"]);
    sites.add("baker", 2, &["no_such_module"]);
    fs::write(sites.path().join("charlie.toml"), "[odoo]\nversion = 19\n").unwrap();
    sites.add("dog", 4, &[]);
    let (code, events) = told(&machine, &sites, "install --config SITES --yes", |_| false);
    let expected = [
        ("able", Outcome::Changed, 0),
        ("baker", Outcome::RolledBack, 3),
        ("charlie", Outcome::Refused, 78),
        ("dog", Outcome::Changed, 0),
    ];
    let expected: Vec<_> = expected
        .map(|(name, outcome, code)| (name.to_owned(), outcome, code))
        .into();
    assert_eq!(ends(&events), expected);
    assert_eq!(code, 3);
    // one site after the other, each from its beginning to its end
    let turns: Vec<&Event> = events
        .iter()
        .filter(|event| matches!(event, Event::SiteBegan { .. } | Event::Ended { .. }))
        .collect();
    assert_eq!(turns.len(), 8);
    for pair in turns.chunks(2) {
        assert!(
            matches!(pair, [Event::SiteBegan { .. }, Event::Ended { .. }]),
            "{pair:?}"
        );
    }
    fs::remove_file(sites.path().join("baker.toml")).unwrap();
    insta::assert_snapshot!("audit", said(&machine, &sites, "audit --config SITES"));
    let line = "install --config SITES/dog.toml -c SITES/able.toml -c SITES/dog.toml --yes";
    insta::assert_snapshot!("settled", said(&machine, &sites, line));
    let line = "status --config SITES/able.toml --config SITES/dog.toml";
    let status = said(&machine, &sites, line);
    for told in ["Site 2 of 2", "site     able", "site     dog"] {
        assert!(status.contains(told), "{status}");
    }
}

#[test]
fn a_single_site_in_a_folder_is_reported_like_a_single_file() {
    if support::skipped() {
        return;
    }
    let (machine, sites) = (Machine::bare(), Sites::new());
    sites.add("able", 1, &[]);
    // files that editors leave
    fs::write(sites.path().join(".able.toml"), "?").unwrap();
    fs::write(sites.path().join("able.toml~"), "?").unwrap();
    fs::create_dir(sites.path().join("old.toml")).unwrap();
    for line in [
        "audit --config SITES",
        "install --yes --config SITES",
        "status --config SITES",
    ] {
        let twin = machine.twin();
        let folder = said(&machine, &sites, line);
        let file = said(&twin, &sites, &line.replace("SITES", "SITES/able.toml"));
        let clean = |text: &str, machine: &Machine| {
            let text = text.replace("SITES/able.toml", "SITES");
            let text = text.replace(&machine.root().display().to_string(), "");
            let lines = text
                .lines()
                .map(|line| line.split("  done").next().unwrap().to_owned());
            lines.collect::<Vec<_>>()
        };
        assert_eq!(clean(&folder, &machine), clean(&file, &twin), "{line}");
        assert!(!folder.contains("Site 1"), "{folder}");
    }
}

#[test]
fn folders_without_usable_sites_are_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let (machine, sites) = (Machine::bare(), Sites::new());
    let none = said(&machine, &sites, "audit --config SITES");
    assert!(
        none.contains("exit: 78") && none.contains("no site is in `SITES`"),
        "{none}"
    );
    sites.add("able", 1, &[]);
    let open = |mode| fs::set_permissions(sites.path(), fs::Permissions::from_mode(mode)).unwrap();
    open(0o777);
    let exposed = said(&machine, &sites, "install --yes --config SITES");
    assert!(
        exposed.contains("exit: 78") && exposed.contains("chmod go-w"),
        "{exposed}"
    );
    open(0o755);
    // two sites with one name would undo each other's changes; the third site is still done
    fs::copy(
        sites.path().join("able.toml"),
        sites.path().join("copy.toml"),
    )
    .unwrap();
    sites.add("dog", 2, &[]);
    let (code, events) = told(&machine, &sites, "install --dry-run --config SITES", |_| {
        false
    });
    let outcomes: Vec<Outcome> = ends(&events)
        .into_iter()
        .map(|(_, outcome, _)| outcome)
        .collect();
    let third = if support::skipped() {
        Outcome::Refused
    } else {
        Outcome::Pending
    };
    assert_eq!(
        (code, outcomes),
        (78, vec![Outcome::Refused, Outcome::Refused, third])
    );
}

#[test]
fn after_a_signal_no_other_site_begins() {
    if support::skipped() {
        return;
    }
    let (machine, sites) = (Machine::bare(), Sites::new());
    for (number, name) in (1..).zip(["able", "baker", "charlie"]) {
        sites.add(name, number, &[]);
    }
    let first = |event: &Event| matches!(event, Event::StepBegan { step, .. } if step == "user");
    let (code, events) = told(&machine, &sites, "install --config SITES --yes", first);
    let all = ends(&events);
    assert_eq!(code, 130);
    assert!(
        all.iter()
            .all(|(_, outcome, code)| (*outcome, *code) == (Outcome::Interrupted, 130)),
        "{all:?}"
    );
    let begun = events
        .iter()
        .filter(|event| matches!(event, Event::SiteBegan { .. }));
    assert_eq!(begun.count(), 1);
}

/// The peak memory of this process, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How many sites the machine has at the end.
const MANY: u16 = 50;

/// The figures for the page of benchmarks. Both arguments are a number of sites, the time for each, and the peak
/// memory.
fn figures(few: (u16, Duration, u64), many: (u16, Duration, u64)) -> serde_json::Value {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (each, times) = (ms(many.1), ms(many.1) / ms(few.1));
    let all = each * f64::from(many.0) / 1e3;
    let more = many.2.saturating_sub(few.2) / 1024;
    serde_json::json!([
        {
            "what": format!("a no-op `install` over {} sites, on the model machine", many.0),
            "target": "≤ 150 ms a site",
            "measured": format!("{all:.2} s, {each:.1} ms a site"),
            "met": each <= 150.0,
        },
        {
            "what": format!("time of a site among {}, by that among {}", many.0, few.0),
            "target": "≤ 3 ×",
            "measured": format!("{times:.2} ×"),
            "met": times <= 3.0,
        },
        {
            "what": format!("memory for {} sites beyond that for {}, the model's own included", many.0, few.0),
            "target": "≤ 64 MiB",
            "measured": format!("{more} MiB"),
            "met": more <= 64,
        },
    ])
}

/// The times include the work of the model machine, so only their growth counts.
#[test]
fn fifty_sites_take_fifty_times_what_one_takes() {
    if support::skipped() {
        return;
    }
    let (machine, sites) = (Machine::bare(), Sites::new());
    let settled = |count: u16| {
        let began = Instant::now();
        let (code, events) = told(&machine, &sites, "install --config SITES --yes", |_| false);
        let took = began.elapsed();
        let all = if count == 1 {
            Vec::new()
        } else {
            ends(&events)
        };
        assert_eq!(code, 0, "{all:?}");
        assert!(
            all.iter()
                .all(|(_, outcome, _)| *outcome == Outcome::Unchanged),
            "{all:?}"
        );
        took / u32::from(count)
    };
    let mut per_site: Vec<(u16, Duration, u64)> = Vec::new();
    for number in 1..=MANY {
        sites.add(&format!("site{number:02}"), number, &[]);
        if ![1, 10, 25, MANY].contains(&number) {
            continue;
        }
        let (code, events) = told(&machine, &sites, "install --config SITES --yes", |_| false);
        assert_eq!(code, 0, "{:?}", events.last());
        let conf = "/etc/postgresql/15/main/conf.d/many.conf";
        if !machine.disk.exists(conf) {
            machine.disk.put(conf, "max_connections = 3000\n");
            told(&machine, &sites, "install --config SITES --yes", |_| false);
        }
        // once to warm up, then the best of three, because other programs may disturb the measurement
        let took = (0..4).map(|_| settled(number)).min().unwrap();
        per_site.push((number, took, peak()));
    }
    for (count, took, memory) in &per_site {
        println!("{count} settled sites: {took:.1?} each, {memory} KiB at the most");
    }
    let (few, many) = (per_site[1], per_site[3]);
    assert!(
        many.1 < few.1 * 3,
        "a site takes longer the more there are: {per_site:?}"
    );
    assert!(
        many.2 < few.2 + 64 * 1024,
        "memory grows with the sites: {per_site:?}"
    );
    if let Some(path) = std::env::var_os("SITES_FIGURES") {
        fs::write(path, figures(few, many).to_string()).unwrap();
    }
    counts::tell("settled sites on one machine", "many", usize::from(MANY));
}
