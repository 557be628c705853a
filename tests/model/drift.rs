//! Drifts: changes by other programs or people, one or several at a time. The plan names exactly the steps that repair
//! them, one install repairs them, other things stay, and an ambiguous state is refused without a change.
//!
//! A failing case prints its seed. `DRIFT_CASE=17 cargo test --test model drift::` repeats it.

use std::collections::BTreeSet;
use std::path::Path;

use odoo_deploy::event::Event;
use odoo_deploy::host::store::digest;
use support::act::{Act, Ended, act};
use support::counts;
use support::dice::Dice;
use support::drift::{self, Drift, Then};
use support::machine::{Frozen, Machine};
use support::scenario::installed;
use support::share::shared;
use support::site::{SiteFile, SiteSpec};
use support::snapshot::{Snapshot, differences, snapshot};
use support::tier::one_of;

/// How many pairs and triples are tried.
const COMBINED: usize = 2000;

/// An installed server with other things on it, and all drifts that can happen to it.
struct Ground {
    base: Frozen,
    whole: Snapshot,
    site: SiteFile,
    drifts: Vec<Drift>,
}

impl Ground {
    fn new() -> Self {
        let base = installed(&SiteSpec::default());
        neighbours(&base);
        Self {
            whole: snapshot(&base),
            base: base.still(),
            site: SiteFile::new(&SiteSpec::default()),
            drifts: drift::all(),
        }
    }

    /// What goes wrong after these drifts.
    fn wrong(&self, happened: &[&Drift]) -> Vec<String> {
        let machine = self.base.twin();
        for one in happened {
            one.happen(&machine);
        }
        let mut mended_by = BTreeSet::new();
        for one in happened {
            match one.then {
                Then::Mended(steps) => mended_by.extend(steps.iter().map(|s| (*s).to_owned())),
                Then::Refused => return refused(&machine, &self.site),
            }
        }
        let run = |what| act(&machine, &self.site, what).unwrap();
        let (before, shown) = (snapshot(&machine), run(Act::DryRun));
        let mut wrong = differences(&before, &snapshot(&machine));
        let install = run(Act::Install);
        if shown.code != 0 || install.code != 0 {
            wrong.push(format!("{} {}", shown.error, install.error));
        }
        let less_service = |mut steps: BTreeSet<String>| {
            if !mended_by.contains("service") {
                steps.remove("service");
            }
            steps
        };
        let known = less_service(planned(&shown, false));
        let (all, done) = (planned(&shown, true), set(&install));
        if !known.is_subset(&mended_by) || !mended_by.is_subset(&all) || !done.is_subset(&all) {
            wrong.push(format!("planned {all:?} instead of {mended_by:?}"));
        }
        let done = less_service(done);
        if done != mended_by {
            wrong.push(format!("mended by {done:?} instead of {mended_by:?}"));
        }
        let again = planned(&run(Act::DryRun), true);
        if !again.is_empty() {
            wrong.push(format!("still to do: {again:?}"));
        }
        let mut found = snapshot(&machine);
        // copies of edited files and of the files of accounts are kept on purpose
        let copies = ["/etc/passwd-", "/etc/group-"];
        let kept = |place: &str| Path::new(place).extension().is_some_and(|e| e == "kept");
        found.retain(|place, _| !kept(place) && !copies.contains(&place.as_str()));
        let mut whole = self.whole.clone();
        whole.retain(|place, _| !copies.contains(&place.as_str()));
        wrong.extend(differences(&whole, &found));
        wrong
    }

    /// Draws two or three drifts that do not contradict each other.
    fn draw(&self, seed: usize) -> Vec<&Drift> {
        let mut dice = Dice::new(seed as u64);
        let count = 2 + dice.below(2);
        let mut drawn: Vec<&Drift> = Vec::new();
        while drawn.len() < count {
            let one = dice.pick(&self.drifts);
            if !drawn.iter().any(|other| other.meets(one)) {
                drawn.push(one);
            }
        }
        drawn
    }
}

/// Adds things of other programs with similar names.
fn neighbours(machine: &Machine) {
    machine.disk.put("/etc/odoo-other.conf", "[options]\n");
    machine.disk.put("/opt/elsewhere/theirs", "theirs\n");
    let unit = "[Service]\nExecStart=/bin/true\n";
    machine
        .disk
        .put("/etc/systemd/system/odoo-other.service", unit);
    let postgres = &mut machine.state.borrow_mut().postgres;
    let (role, mut database) = (
        postgres.roles["odoo"].clone(),
        postgres.databases["odoo"].clone(),
    );
    database.owner = "other".into();
    postgres.roles.insert("other".into(), role);
    postgres.databases.insert("other".into(), database);
}

/// Checks that the site is refused and nothing is changed.
fn refused(machine: &Machine, site: &SiteFile) -> Vec<String> {
    let before = snapshot(machine);
    let mut wrong = Vec::new();
    for what in [Act::DryRun, Act::Install] {
        let ended = act(machine, site, what).unwrap();
        if ended.code == 0 {
            wrong.push(format!("{what:?} was not refused"));
        }
    }
    wrong.extend(differences(&before, &snapshot(machine)));
    wrong
}

/// The steps that a plan would change, with or without forecasts.
fn planned(ended: &Ended, forecasts: bool) -> BTreeSet<String> {
    let pending = ended.events.iter().filter_map(|event| match event {
        Event::Planned(change) if change.is_pending() && (forecasts || !change.forecast) => {
            Some(change.step.clone())
        }
        _ => None,
    });
    pending.collect()
}

fn set(ended: &Ended) -> BTreeSet<String> {
    let done = ended.events.iter().filter_map(|event| match event {
        Event::StepDone { step, .. } => Some(step.clone()),
        _ => None,
    });
    done.collect()
}

/// Tries cases with these numbers as part of the test `test`; in `make test` only one of `so_many`. Counts them.
fn try_all(
    test: &str,
    what: &str,
    so_many: usize,
    count: usize,
    case: fn(&Ground, usize) -> Vec<&Drift>,
) {
    if support::skipped() {
        return;
    }
    let asked: Option<usize> = std::env::var("DRIFT_CASE")
        .ok()
        .map(|case| case.parse().unwrap());
    let counts = shared(test, |share| {
        let ground = Ground::new();
        for seed in one_of(so_many, what, 0..count, |_| "drifts".into()) {
            if asked.is_some_and(|asked| asked != seed) || !share.takes() {
                continue;
            }
            let happened = case(&ground, seed);
            let wrong = ground.wrong(&happened);
            let names: Vec<&str> = happened.iter().map(|one| one.name.as_str()).collect();
            share.count(what, 1);
            share.judge(&format!("DRIFT_CASE={seed}: {}", names.join(" + ")), &wrong);
        }
    });
    if asked.is_none() {
        counts::tell(what, "drift", counts.of(what));
    }
}

#[test]
fn whatever_happens_is_named_and_mended() {
    let test = "drift::whatever_happens_is_named_and_mended";
    let count = drift::all().len();
    try_all(test, "single drifts", 1, count, |ground, at| {
        vec![&ground.drifts[at]]
    });
}

#[test]
fn whatever_happens_together_is_named_and_mended() {
    let test = "drift::whatever_happens_together_is_named_and_mended";
    try_all(test, "combined drifts", 4, COMBINED, Ground::draw);
}

/// A certificate of the model machine, and its key.
fn pem(number: u32) -> (String, String) {
    let certificate = format!(
        "-----BEGIN CERTIFICATE-----\nof {number}\nby {number}\nfor erp.example.org\n-----END CERTIFICATE-----\n"
    );
    let key = format!("-----BEGIN PRIVATE KEY-----\nkey {number}\n-----END PRIVATE KEY-----\n");
    (certificate, key)
}

/// The plan reloads nginx if the owner's certificate changes, also through a link. It does not for any other change of
/// the file, and nothing of the key is recorded.
#[test]
fn nginx_is_reloaded_for_a_renewed_certificate() {
    if support::skipped() {
        return;
    }
    let lines =
        "tls = \"files\"\ncertificate = \"/etc/ssl/live/erp.pem\"\nkey = \"/etc/ssl/erp.key\"";
    let site = SiteFile::with_proxy(lines);
    let machine = Machine::bare();
    let put = |path: &str, number: u32, more: &str| {
        let (certificate, key) = pem(number);
        machine.disk.put(path, certificate + more);
        machine.disk.put("/etc/ssl/erp.key", key);
        machine.disk.own("/etc/ssl/erp.key", (0, 0), 0o600);
    };
    let run = |what| act(&machine, &site, what).unwrap();
    let expect = |when: &str, reloads: bool| {
        let shown = run(Act::DryRun);
        assert_eq!(shown.code, 0, "{when}: {}", shown.error);
        let told: Vec<(&str, &[String], &str)> = shown
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Planned(change) if change.is_pending() => Some((
                    change.step.as_str(),
                    &change.causes[..],
                    change.summary.as_str(),
                )),
                _ => None,
            })
            .collect();
        let cause = ["certificate-file".to_owned()];
        let wanted: &[_] = if reloads {
            &[("nginx", &cause[..], "reloaded")]
        } else {
            &[]
        };
        assert_eq!(told, wanted, "{when}");
        let starts = machine.state.borrow().nginx.starts;
        let done = set(&run(Act::Install));
        assert_eq!(done.contains("nginx"), reloads, "{when}: {done:?}");
        assert_eq!(machine.state.borrow().nginx.starts, starts, "{when}");
        let again = planned(&run(Act::DryRun), true);
        assert!(again.is_empty(), "{when}: {again:?}");
    };

    put("/etc/ssl/live/erp.pem", 900, "");
    let installed = run(Act::Install);
    assert_eq!(installed.code, 0, "{}", installed.error);
    expect("as it was", false);
    put("/etc/ssl/live/erp.pem", 901, "");
    expect("another certificate", true);
    put("/etc/ssl/archive/erp1.pem", 901, "");
    machine
        .disk
        .link("/etc/ssl/live/erp.pem", "../archive/erp1.pem");
    expect("a link to the same", false);
    put("/etc/ssl/archive/erp2.pem", 902, "");
    machine
        .disk
        .link("/etc/ssl/live/erp.pem", "../archive/erp2.pem");
    expect("a link to another", true);
    let (_, key) = pem(902);
    put("/etc/ssl/archive/erp2.pem", 902, &key);
    machine
        .disk
        .put("/etc/ssl/erp.key", format!("# moved\n{key}"));
    machine.disk.own("/etc/ssl/erp.key", (0, 0), 0o600);
    expect("a key", false);

    let record = machine.disk.text("/run/odoo-deploy/odoo.nginx");
    for path in ["/etc/ssl/archive/erp2.pem", "/etc/ssl/erp.key"] {
        let found = digest(&machine.disk.bytes(path).unwrap());
        assert!(!record.contains(&found), "{path}: {record}");
    }
}
