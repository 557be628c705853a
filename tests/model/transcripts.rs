//! Compares the model machine with recorded answers of the real programs of Debian 12: the exit code is the same,
//! everything that odoo-deploy reads is the same, and the model prints no error that the real program does not print.
//!
//! `tests/record.sh` records `tests/transcripts/*.txt`.

use std::collections::BTreeSet;
use std::fs;

use odoo_deploy::event::{Event, Events};
use odoo_deploy::host::command::Cmd;
use odoo_deploy::host::{Host, Output};
use support::act::{Act, act};
use support::counts;
use support::machine::Machine;
use support::scenario::{ALL, Scenario};
use support::transcript::{self, Answer, Call, Entry, SIGNS};

/// Makes a call on the model machine. Returns everything that it printed.
fn ask(machine: &Machine, host: &Host, call: &Call) -> (String, Answer) {
    let (environment, words) = call.parts();
    let mut cmd = Cmd::new(&words[0]).args(&words[1..]);
    for (key, value) in environment {
        cmd = cmd.env(key, value);
    }
    cmd.user = Some(call.user.clone()).filter(|user| user != "root");
    cmd.folder = call.folder.clone().map(Into::into);
    let typed = call.stdin.clone().map(String::into_bytes);
    let read = call
        .reads
        .as_ref()
        .and_then(|path| machine.disk.bytes(path));
    cmd.stdin = read.or(typed);
    cmd.accepts = (0..256).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    // a missing program is an error here, and an exit code of the shell in a transcript
    let missing = |_| Output {
        code: Some(127),
        ..Output::default()
    };
    let output = runtime.block_on(host.run(&cmd)).unwrap_or_else(missing);
    let code = output.code.unwrap();
    let answer = Answer {
        code,
        stdout: call.read(&output.stdout),
        stderr: call.complaint(code, &output.stderr),
    };
    (output.stdout, answer)
}

/// The differences between the model's answer and the real one.
fn wrong(real: &Answer, model: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    if real.code != model.code {
        wrong.push(format!("it ends with {}, not {}", model.code, real.code));
    }
    if real.stdout != model.stdout {
        wrong.push(format!("it says {:#?}", model.stdout));
    }
    // odoo-deploy does not read the errors of a successful call
    if real.code == 0 {
        return wrong;
    }
    if model.stderr.is_empty() != real.stderr.is_empty() {
        wrong.push(format!("it complains of {:#?}", model.stderr));
    }
    let said = |line: &String| real.stderr.iter().any(|words| words.contains(line.trim()));
    for line in model.stderr.iter().filter(|line| !said(line)) {
        wrong.push(format!("the real one does not complain: {line}"));
    }
    for sign in SIGNS {
        let has = |answer: &Answer| answer.stderr.iter().any(|line| line.contains(sign));
        if has(real) != has(model) {
            wrong.push(format!("but one of them says `{sign}`"));
        }
    }
    wrong
}

/// Plays a transcript on a new machine. Returns how many answers it has, and what is wrong.
fn play(text: &str) -> (usize, Vec<String>) {
    play_on(&Machine::bare(), text)
}

fn play_on(machine: &Machine, text: &str) -> (usize, Vec<String>) {
    let host = machine.host(Events::to(|_: &Event| ()));
    let (mut count, mut found, mut printed) = (0, Vec::new(), String::new());
    for entry in transcript::parse(text) {
        match entry {
            Entry::Remark(_) | Entry::Real(_) | Entry::Same(..) => (),
            Entry::File(path, mode, text) => {
                machine.disk.remove(&path);
                machine.disk.put_as(&path, text, (0, 0), mode);
            }
            Entry::Folder(path, owner) => {
                let accounts = host.accounts().unwrap();
                let of = accounts.user(&owner).map(|of| (of.uid, of.gid)).unwrap();
                machine.disk.folder_as(&path, of, 0o755);
            }
            Entry::Keep(path) => machine.disk.put_as(&path, &printed, (0, 0), 0o600),
            Entry::Link(path, target) => machine.disk.link(&path, &target),
            Entry::Call(call) => {
                count += 1;
                let (stdout, answer) = ask(machine, &host, &call);
                printed = stdout;
                let wrong = wrong(&call.answer, &answer);
                if !wrong.is_empty() {
                    found.push(format!("{}  {}", Entry::Call(call), wrong.join("\n  ")));
                }
            }
        }
    }
    (count, found)
}

#[test]
fn the_model_answers_as_the_real_programs_did() {
    if support::skipped() {
        return;
    }
    let (mut count, mut failures) = (0, Vec::new());
    for (name, path) in transcript::all() {
        let (answers, found) = play(&fs::read_to_string(path).unwrap());
        println!("{name}: {answers} answers, {} wrong", found.len());
        count += answers;
        failures.extend(found.into_iter().map(|found| format!("{name}: {found}")));
    }
    assert!(
        failures.is_empty(),
        "{} of {count}\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    counts::tell("recorded answers", "transcripts", count);
}

/// Programs with subcommands.
const VERBS: [&str; 6] = ["apt-get", "git", "openssl", "psql", "systemctl", "uv"];

/// Kinds of calls in a run that are not recorded: they need a whole Odoo, a private repository or the patched build of
/// wkhtmltopdf. `GET` is the model's own name for an HTTP request.
const UNRECORDED: [&str; 7] = [
    "GET  ",
    "git test --depth --no-tags --quiet -C -c",
    "git test --exit-code -c -n",
    "python  --config --database --init --logfile --max-cron-threads --no-http --stop-after-init --workers",
    "python  --config --database --log-level --logfile --max-cron-threads --no-http --workers",
    "sh  - --footer-center --header-center --load-media-error-handling --quiet -c",
    "wkhtmltopdf  --version",
];

/// The kind of a call: the program, its subcommand, the names of its options.
fn kind(call: &str) -> String {
    let mut words = call.split_whitespace();
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let is_plain = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let (options, others): (Vec<&str>, Vec<&str>) =
        words.partition(|word| word.starts_with('-') && *word != "--");
    let names = options.iter().map(|o| o.split('=').next().unwrap_or(o));
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    let verb = others.into_iter().find(is_plain);
    let verb = verb
        .filter(|_| VERBS.contains(&program))
        .unwrap_or_default();
    format!("{program} {verb} {}", names.join(" "))
}

#[test]
fn every_kind_of_call_that_a_run_makes_is_recorded() {
    if support::skipped() {
        return;
    }
    let mut recorded = BTreeSet::new();
    for (_, path) in transcript::all() {
        let machine = Machine::bare();
        play_on(&machine, &fs::read_to_string(path).unwrap());
        recorded.extend(machine.fuse.calls().iter().map(|call| kind(call)));
    }
    let mut made = BTreeSet::new();
    for name in ALL {
        let Scenario {
            start,
            site,
            act: first,
            ..
        } = Scenario::new(name);
        let machine = start.twin();
        for what in [first, Act::Rollback] {
            machine.fuse.disarm();
            act(&machine, &site, what).unwrap();
            made.extend(machine.fuse.calls().iter().map(|call| kind(call)));
        }
    }
    let missing: Vec<&String> = made.difference(&recorded).collect();
    assert_eq!(missing, UNRECORDED, "{} kinds are recorded", recorded.len());
}

#[test]
fn a_transcript_is_written_back_unchanged() {
    for (name, path) in transcript::all() {
        let text = fs::read_to_string(path).unwrap();
        let written: String = transcript::parse(&text)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(written, text, "{name}");
    }
}

#[test]
fn a_wrong_answer_is_noticed() {
    let asked = "root$ systemctl stop -- odoo.service\n";
    let said = "! Failed to stop odoo.service: Unit odoo.service not loaded.\n";
    for (answer, is_wrong) in [
        (format!("{said}= 5\n"), false),
        (format!("{said}= 1\n"), true),
        (format!("{said}> well\n= 5\n"), true),
        (format!("{said}! not our ref\n= 5\n"), true),
        ("! Failed\n= 5\n".to_owned(), true),
        ("= 5\n".to_owned(), true),
    ] {
        let (count, found) = play(&format!("{asked}{answer}"));
        assert_eq!(
            (count, !found.is_empty()),
            (1, is_wrong),
            "{answer}{found:?}"
        );
    }
}
