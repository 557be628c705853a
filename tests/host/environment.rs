//! odoo-deploy in poor environments: on full disks, with real programs that misbehave, and without what a shell
//! usually sets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};
use odoo_deploy::event::Events;
use odoo_deploy::host::{Cmd, Host};
use support::act::{Act, act};
use support::counts;
use support::expected::{Expected, in_scenarios};
use support::machine::Death;
use support::runtime::real;
use support::site::{SiteFile, SiteSpec};
use support::tier::one_of;

const BINARY: &str = env!("CARGO_BIN_EXE_odoo-deploy");

/// Runs `work` in a thread with a new mount namespace, so that its mounts disappear with it.
fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let private = || {
            unshare(CloneFlags::CLONE_NEWNS).unwrap();
            let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).unwrap();
            work()
        };
        scope.spawn(private).join().unwrap()
    })
}

#[test]
fn a_full_disk_is_named_and_the_run_can_be_recovered() {
    if support::skipped() {
        return;
    }
    let pages = (0..=24).map(|pages| format!("size={}", 4096 * (pages + 1)));
    let inodes = (2..=20).map(|inodes| format!("size=1m,nr_inodes={inodes}"));
    let limits: Vec<String> = pages.chain(inodes).collect();
    let tried = limits.len();
    let (mut stopped, mut failures) = (0, Vec::new());
    alone(|| {
        let expected = Expected::of("fresh");
        for limit in limits {
            let machine = expected.scenario.start.twin();
            let state = machine.disk.at("/var/lib/odoo-deploy");
            fs::create_dir_all(&state).unwrap();
            fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
            let options = Some(&*format!("mode=700,{limit}"));
            mount(
                Some("tmpfs"),
                &state,
                Some("tmpfs"),
                MsFlags::empty(),
                options,
            )
            .unwrap();
            let ended = act(&machine, &expected.scenario.site, Act::InstallOrGoBack).unwrap();
            if ended.code != 0 {
                stopped += 1;
                let told = ended.error.contains("No space left on device");
                if !told {
                    failures.push(format!("{limit}: {} {}", ended.code, ended.error));
                }
            }
            // a copy with free space
            let roomy = machine.twin();
            // the machine's folder cannot be deleted while this is mounted
            umount(&state).unwrap();
            drop(machine);
            let wrong = expected.judge(&ended, &roomy);
            if !wrong.is_empty() {
                let (code, error) = (ended.code, ended.error);
                failures.push(format!("{limit}: {code} {error}\n  {}", wrong.join("\n  ")));
            }
        }
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(stopped > 20, "only {stopped} of {tried} disks were full");
    counts::tell("full disks", "environment", tried);
    counts::tell("faults", "environment", tried);
}

/// Sets the time of every file below a folder.
fn set_times(folder: &Path, time: SystemTime) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            set_times(&path, time);
        }
        fs::File::open(&path).unwrap().set_modified(time).unwrap();
    }
}

/// After a power cut, the clock may be decades off: the battery of the clock is empty, or the clock was already
/// wrong when the run began.
#[test]
fn a_clock_that_is_off_by_decades_after_a_power_cut_does_no_harm() {
    if support::skipped() {
        return;
    }
    let years = [1, 126].map(|years| UNIX_EPOCH + Duration::from_secs(years * 365 * 86_400));
    let test = "environment::a_clock_that_is_off_by_decades_after_a_power_cut_does_no_harm";
    let counts = in_scenarios(test, |expected, share| {
        // every third effect: the crash matrix tries each effect with a correct clock
        let places = (1..=expected.effects.len()).step_by(3);
        for number in one_of(3, expected.scenario.name, places, |_| "clocks".into()) {
            if !share.takes() {
                continue;
            }
            let machine = expected.scenario.start.twin();
            let act = expected.scenario.act;
            assert!(expected.cut(&machine, act, number, Death::PowerCut));
            for folder in ["/run", "/var/lib/apt/lists"] {
                set_times(&machine.disk.at(folder), years[number / 3 % 2]);
            }
            share.count("clocks off", 1);
            let wrong = expected.check_both(&machine);
            share.judge(&format!("{}/{number}", expected.scenario.name), &wrong);
        }
    });
    counts::tell("clocks off", "environment", counts.of("clocks off"));
}

/// Shell scripts that misbehave as programs do, and what odoo-deploy must say of each.
const PROGRAMS: [(&str, &str); 9] = [
    ("echo first; echo second >&2; exit 3", "ended with 3"),
    ("exit 3", "ended with 3"),
    ("kill -9 $$", "was killed"),
    ("sleep 60", "did not end within 1 s and was killed"),
    ("sleep 60 & wait", "did not end within 1 s and was killed"),
    (
        "trap '' TERM INT HUP; while :; do :; done",
        "did not end within 1 s and was killed",
    ),
    ("yes | head -c 40000000", "said more than 16 MiB"),
    ("yes | head -c 40000000 >&2", "said more than 16 MiB"),
    ("exec /nonexistent/program", "ended with 127"),
];

#[test]
fn a_real_program_in_trouble_is_named_and_leaves_nothing_running() {
    let runtime = real();
    let host = Host::this(Events::to(|_: &odoo_deploy::event::Event| ()));
    for (script, said) in PROGRAMS {
        let began = Instant::now();
        // a script that ends gets a long deadline, however busy the machine is
        let seconds = if said.contains("within 1 s") { 1 } else { 60 };
        let call = Cmd::new("sh").args(["-c", script]).deadline(seconds);
        let error = runtime.block_on(host.run(&call)).unwrap_err().to_string();
        assert!(
            error.contains(said) && error.contains("`sh -c"),
            "{script}: {error}"
        );
        assert!(began.elapsed() < Duration::from_secs(60), "{script}");
    }
    let missing = runtime
        .block_on(host.run(&Cmd::new("no-such-program")))
        .unwrap_err();
    assert_eq!(missing.to_string(), "`no-such-program` is not installed");
    let call = Cmd::new("printf").arg(r"a\377b\300\n");
    let output = runtime.block_on(host.run(&call)).unwrap();
    assert_eq!(output.stdout, "a\u{fffd}b\u{fffd}\n");
    counts::tell("program faults", "environment", PROGRAMS.len() + 2);
    counts::tell("faults", "real programs", PROGRAMS.len() + 2);
}

/// Runs the binary after `arrange`; returns its exit code, its standard output and its standard error.
fn output(arrange: &str, words: &[&str]) -> (Option<i32>, Vec<u8>, Vec<u8>) {
    let script = format!("{arrange} exec \"$0\" \"$@\"");
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &script, BINARY])
        .args(words)
        .stdin(Stdio::null());
    let done = command.output().unwrap();
    (done.status.code(), done.stdout, done.stderr)
}

#[test]
fn the_output_does_not_depend_on_the_environment() {
    let site = SiteFile::new(&SiteSpec::default());
    let path = site.path().display().to_string();
    let commands: [&[&str]; 4] = [
        &["render", "--config", &path],
        &["install", "--yes", "--dry-run", "--config", &path, "--json"],
        &["status", "--site", "no-such-site"],
        &["schema"],
    ];
    let arrangements = [
        "umask 0;",
        "umask 077;",
        "unset HOME USER LOGNAME SHELL PATH TERM;",
        "unset LANG LC_ALL LANGUAGE;",
        "export LC_ALL=tlh_XX.EBCDIC TERM=nonsense COLUMNS=0;",
        "export HOME=/nonexistent TMPDIR=/nonexistent PATH=/nonexistent;",
        "export GIT_DIR=/nonexistent PGHOST=/nonexistent PYTHONPATH=/nonexistent LD_LIBRARY_PATH=/nonexistent;",
        "exec <&-;",
        "cd /; ulimit -n 64; ulimit -c 0;",
    ];
    let times = |text: Vec<u8>| {
        let text = String::from_utf8(text).unwrap();
        let untimed = |line: &str| {
            let (before, after) = line.split_once("\"time\":").unwrap_or((line, ""));
            format!(
                "{before}{}",
                after.split_once([',', '}']).unwrap_or_default().1
            )
        };
        text.lines().map(untimed).collect::<Vec<_>>()
    };
    for words in commands {
        let (code, printed, complained) = output("", words);
        let (printed, complained) = (times(printed), times(complained));
        for arrange in arrangements {
            let found = output(arrange, words);
            let found = (found.0, times(found.1), times(found.2));
            let expected = (code, printed.clone(), complained.clone());
            assert_eq!(found, expected, "{arrange} {words:?}");
        }
    }
    counts::tell(
        "environments",
        "environment",
        arrangements.len() * commands.len(),
    );
}
