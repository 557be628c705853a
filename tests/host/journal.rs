//! A journal is read exactly as it was written, or is refused.

use std::cell::Cell;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use nix::errno::Errno;
use odoo_deploy::engine::journal::{
    self, Error, FORMAT, Journal, Lock, Record, Run, Standing, key,
};
use odoo_deploy::host::Disk;
use odoo_deploy::host::disk::Call;
use odoo_deploy::host::store::digest;
use odoo_deploy::resource::AnyResource;
use serde_json::json;
use tempfile::TempDir;

/// A journal of version 1: odoo-deploy must be able to read the journals of every release.
const FIXTURE: &str = include_str!("../fixtures/journal-v1.jsonl");

fn link(path: &str) -> AnyResource {
    serde_json::from_value(json!({ "link": { "path": path, "target": "/new" } })).unwrap()
}

/// The records of a small run, with every type of record.
fn records() -> Vec<Record> {
    let (one, two) = (link("/one"), link("/two"));
    let (before, after) = (None, Some(json!({ "target": "/new" })));
    let begin = |step: &str, resource: &AnyResource| Record::Begin {
        step: step.into(),
        resource: resource.clone(),
        before: before.clone(),
        after: after.clone(),
    };
    let done = |resource: &AnyResource| Record::Done {
        key: key(resource),
        state: after.clone(),
    };
    let opened = Record::Opened {
        format: FORMAT,
        site: "odoo".into(),
        version: "0.1.0".into(),
        time: 7,
        moment: None,
    };
    let resolved = Record::Resolved {
        source: "https://git.example.org/odoo.git 19.0".into(),
        commit: "1".repeat(40),
    };
    let error = "no such thing — nowhere".to_owned();
    vec![
        opened,
        resolved,
        begin("first", &one),
        done(&one),
        begin("second", &two),
        Record::Failed {
            key: key(&two),
            error: error.clone(),
        },
        Record::Resumed { time: 8 },
        done(&two),
        Record::Committed { time: 9 },
        Record::RollingBack { time: 10 },
        Record::Undone {
            key: key(&two),
            kept: None,
        },
        Record::UndoFailed {
            key: key(&one),
            error,
        },
        Record::Undone {
            key: key(&one),
            kept: Some("it is not empty".into()),
        },
        Record::RolledBack { time: 11 },
    ]
}

/// The bytes of that run's journal, and the state of the run after each record.
fn written() -> (Vec<u8>, Vec<Vec<Run>>) {
    let folder = folder();
    let mut records = records().into_iter();
    let mut journal =
        Journal::begin(&Disk::default(), folder.path(), 1, records.next().unwrap()).unwrap();
    let mut stages = vec![Vec::new(), vec![journal.run().clone()]];
    for record in records {
        journal.write(record).unwrap();
        stages.push(vec![journal.run().clone()]);
    }
    (fs::read(journal.path()).unwrap(), stages)
}

fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn read(folder: &Path, bytes: &[u8]) -> journal::Result<Vec<Run>> {
    fs::write(folder.join("run-0001.jsonl"), bytes).unwrap();
    journal::runs(folder)
}

#[test]
fn torn_anywhere_it_is_read_up_to_the_last_whole_record() {
    let ((bytes, stages), folder) = (written(), folder());
    for length in 0..=bytes.len() {
        let whole = bytes[..length].split(|b| *b == b'\n').count() - 1;
        let found = read(folder.path(), &bytes[..length]).unwrap();
        assert_eq!(found, stages[whole], "torn after {length} bytes");
    }
}

#[test]
fn a_resumed_journal_is_cut_to_the_last_whole_record() {
    let ((bytes, stages), folder) = (written(), folder());
    let first = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
    let torn = &bytes[..first + 20];
    read(folder.path(), torn).unwrap();
    let mut journal = Journal::resume(&Disk::default(), folder.path(), 1).unwrap();
    assert_eq!(journal.run(), &stages[1][0]);
    journal.write(Record::Resumed { time: 9 }).unwrap();
    assert_eq!(journal::runs(folder.path()).unwrap().len(), 1);
}

#[test]
fn a_flipped_bit_never_changes_a_record() {
    let ((mut bytes, stages), folder) = (written(), folder());
    let (last, all) = (bytes.len() - 1, stages.len() - 1);
    let mut refused = 0;
    for place in 0..bytes.len() {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            match read(folder.path(), &bytes) {
                Err(_) => refused += 1,
                // with its line end flipped, the last line looks torn
                Ok(runs) if place == last => assert_eq!(runs, stages[all - 1]),
                Ok(runs) => assert_eq!(runs, stages[all], "bit {bit} of byte {place}"),
            }
            bytes[place] ^= 1 << bit;
        }
    }
    println!("flipped bits: {} tried, {refused} refused", bytes.len() * 8);
}

#[test]
fn a_doubled_missing_or_moved_line_is_refused() {
    let ((bytes, _), folder) = (written(), folder());
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let refused = |what: &str, lines: &[&[u8]]| {
        let found = read(folder.path(), &lines.concat());
        let error = found.expect_err(what).to_string();
        assert!(error.contains("damaged in line"), "{what}: {error}");
        assert!(error.contains("nothing was done"), "{what}: {error}");
    };
    for place in 0..lines.len() {
        let mut doubled = lines.clone();
        doubled.insert(place, lines[place]);
        refused(&format!("line {place} doubled"), &doubled);
        if place + 1 < lines.len() {
            let mut missing = lines.clone();
            missing.remove(place);
            refused(&format!("line {place} missing"), &missing);
            let mut moved = lines.clone();
            moved.swap(place, place + 1);
            refused(&format!("line {place} moved"), &moved);
        }
    }
}

/// A line with a valid seal.
fn sealed(previous: &str, body: &str) -> String {
    let seal = digest(format!("{previous}{body}").as_bytes());
    format!("{{\"seal\":\"{}\",\"body\":{body}}}\n", &seal[..32])
}

#[test]
fn a_later_format_is_refused_whatever_else_is_in_it() {
    let folder = folder();
    let body = r#"{"record":"opened","format":2,"shape":"round"}"#;
    let error = read(folder.path(), sealed("", body).as_bytes()).unwrap_err();
    assert!(matches!(error, Error::Future { found: 2, .. }), "{error}");
    let told = error.to_string();
    assert!(
        told.ends_with(
            "has format 2, this program reads up to 1; use the newer odoo-deploy that wrote it"
        ),
        "{told}"
    );
}

#[test]
fn a_record_that_cannot_follow_is_refused_by_reader_and_writer() {
    let folder = folder();
    let opened = r#"{"record":"opened","format":1,"site":"odoo","version":"0","time":1}"#;
    let line = sealed("", opened);
    let seal = &line[9..41];
    let rolled_back = sealed(seal, r#"{"record":"rolled_back","time":2}"#);
    let error = read(folder.path(), (line.clone() + &rolled_back).as_bytes()).unwrap_err();
    assert!(matches!(error, Error::Illegal { .. }), "{error}");
    read(folder.path(), line.as_bytes()).unwrap();
    let mut journal = Journal::resume(&Disk::default(), folder.path(), 1).unwrap();
    assert!(journal.write(Record::RolledBack { time: 2 }).is_err());
    assert_eq!(fs::read(journal.path()).unwrap(), line.as_bytes());
}

#[test]
fn the_first_format_stays_readable() {
    let folder = folder();
    let runs = read(folder.path(), FIXTURE.as_bytes()).unwrap();
    let [run] = &runs[..] else {
        panic!("{runs:?}");
    };
    assert_eq!((run.standing, run.committed), (Standing::RolledBack, true));
    assert_eq!(run.resolved.len(), 2);
    let kinds = |kind: &str| {
        run.steps
            .iter()
            .filter(|s| s.resource.kind() == kind)
            .count()
    };
    for (kind, count) in [
        ("lists", 1),
        ("packages", 1),
        ("role", 1),
        ("user", 2),
        ("checkout", 2),
        ("venv", 1),
        ("link", 3),
        ("secret", 2),
        ("file", 2),
        ("database", 1),
        ("service", 1),
    ] {
        assert_eq!(kinds(kind), count, "{kind}");
    }
    assert!(run.steps.iter().all(|step| step.done && step.undone));
}

#[test]
fn the_second_taker_of_a_lock_is_told_who_holds_it() {
    let folder = folder();
    let path = folder.path().join("lock");
    let first = Lock::take(&Disk::default(), &path, "odoo-deploy install").unwrap();
    let error = Lock::take(&Disk::default(), &path, "odoo-deploy rollback").unwrap_err();
    let told = error.to_string();
    let pid = std::process::id();
    assert!(
        told.contains(&format!("`odoo-deploy install` (pid {pid}) holds the lock")),
        "{told}"
    );
    drop(first);
    Lock::take(&Disk::default(), &path, "odoo-deploy rollback").unwrap();
}

/// Takes a lock, starts a child that outlives it, and waits to be killed. The next test runs this one as a
/// separate process.
#[test]
fn hold_a_lock() {
    let Ok(path) = std::env::var("LOCK_TO_HOLD") else {
        return;
    };
    let _held = Lock::take(&Disk::default(), Path::new(&path), "odoo-deploy install").unwrap();
    let mut child = Command::new("sleep")
        .arg("20")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    println!("\nholding {}", child.id());
    child.wait().unwrap();
}

#[test]
fn the_lock_of_a_dead_process_can_be_taken() {
    let folder = folder();
    let path = folder.path().join("lock");
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "journal::hold_a_lock", "--nocapture"])
        .env("LOCK_TO_HOLD", &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let child = lines
        .find_map(|line| line.unwrap().strip_prefix("holding ").map(str::to_owned))
        .unwrap();
    let told = Lock::take(&Disk::default(), &path, "another")
        .unwrap_err()
        .to_string();
    assert!(told.contains(&format!("(pid {})", holder.id())), "{told}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    // the child of the dead process is alive, and does not hold the lock
    assert!(Path::new("/proc").join(&child).exists());
    Lock::take(&Disk::default(), &path, "another").unwrap();
    let child = nix::unistd::Pid::from_raw(child.parse().unwrap());
    nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGKILL).unwrap();
}

/// Other steps under way also end, so they try to write records after the failed one.
#[test]
fn after_a_record_that_was_written_in_part_none_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let fails = Rc::new(Cell::new(false));
    let disk = {
        let fails = fails.clone();
        Disk::watched(move |call| match call {
            Call::Write(path, bytes) if fails.take() => {
                let file = fs::OpenOptions::new().append(true).open(path);
                file?.write_all(&bytes[..bytes.len() / 2])?;
                Err(Errno::ENOSPC.into())
            }
            _ => Ok(()),
        })
    };
    let mut journal = Journal::begin(&disk, folder.path(), 1, records().remove(0)).unwrap();
    let resolved = || Record::Resolved {
        source: "a".into(),
        commit: "1".repeat(40),
    };
    fails.set(true);
    journal.write(resolved()).unwrap_err();
    let error = journal.write(resolved()).unwrap_err();
    assert!(
        format!("{error:?}").contains("an earlier record"),
        "{error:?}"
    );
    drop(journal);
    let run = journal::runs(folder.path()).unwrap().pop().unwrap();
    assert_eq!(run.resolved.len(), 0);
    let mut journal = Journal::resume(&disk, folder.path(), 1).unwrap();
    journal.write(resolved()).unwrap();
}
