//! Journals are read exactly as written, or refused.
//!
//! An input that begins like a journal is used as one. In other inputs each line is a record, written if it is
//! a legal move; then the file is damaged at a place that the first four bytes choose.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use odoo_deploy::engine::journal::{self, FORMAT, Journal, Record, Run};
use odoo_deploy::host::Disk;
use tempfile::TempDir;

thread_local! {
    static FOLDER: RefCell<TempDir> = RefCell::new(
        tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder"),
    );
}

/// Checks an input; returns whether it is a journal or was made into one.
pub(super) fn check(bytes: &[u8]) -> bool {
    FOLDER.with_borrow(|folder| {
        if bytes.starts_with(b"{\"seal\":") {
            let _ = read(folder.path(), bytes);
            return true;
        }
        let Some((damage, lines)) = bytes.split_at_checked(4) else {
            return false;
        };
        let records = lines
            .split(|byte| *byte == b'\n')
            .filter_map(|line| std::str::from_utf8(line).ok()?.parse::<Record>().ok())
            // odoo-deploy writes no later format
            .filter(|record| !matches!(record, Record::Opened { format, .. } if *format > FORMAT));
        let Some((written, stages)) = write(folder.path(), records) else {
            return true;
        };
        let last = stages.last().expect("a run");
        assert_eq!(
            read(folder.path(), &written).as_deref().ok(),
            Some(&[last.clone()][..])
        );
        if let Ok(runs) = read(folder.path(), &damaged(&written, damage)) {
            let known = |run: &Run| stages.contains(run);
            assert!(
                runs.iter().all(known),
                "it says what was never written: {runs:?}"
            );
        }
        true
    })
}

/// Writes a journal of these records; returns its bytes, and the run's state after each record.
fn write(folder: &Path, mut records: impl Iterator<Item = Record>) -> Option<(Vec<u8>, Vec<Run>)> {
    let _ = fs::remove_file(folder.join("run-0001.jsonl"));
    let mut journal = Journal::begin(&Disk::default(), folder, 1, records.next()?).ok()?;
    let mut stages = vec![journal.run().clone()];
    for record in records {
        if journal.write(record).is_ok() {
            stages.push(journal.run().clone());
        }
    }
    Some((fs::read(journal.path()).expect("a journal"), stages))
}

fn damaged(written: &[u8], damage: &[u8]) -> Vec<u8> {
    let place = usize::from(u16::from_le_bytes([damage[1], damage[2]])) % written.len();
    let mut bytes = written.to_vec();
    match damage[0] % 4 {
        0 => bytes.truncate(place),
        1 => bytes[place] = damage[3],
        2 => drop(bytes.remove(place)),
        _ => bytes.extend_from_within(place..),
    }
    bytes
}

fn read(folder: &Path, bytes: &[u8]) -> journal::Result<Vec<Run>> {
    fs::write(folder.join("run-0001.jsonl"), bytes).expect("a journal");
    journal::runs(folder)
}
