//! The journal: each change is recorded on disk before it is made.
//!
//! Each run has one append-only file of JSON lines, in a folder that only root can read. A line is synced before
//! the change that it announces. Each line has a digest over itself and the previous line, so that a damaged,
//! duplicated or missing line is detected. An incomplete last line is ignored.

mod error;
mod lock;
mod record;
mod run;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

pub use error::Error;
pub use lock::{Holder, Lock};
pub use record::{FORMAT, Record, key};
pub use run::{Run, Standing, Step};

use crate::host::disk::OpenFile;
use crate::host::{Disk, safe_dir};

/// The result type of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The journal of one run, open for writing.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: OpenFile,
    seal: String,
    run: Run,
    /// Whether a line may have been written only in part. Lines after such a line could not be read.
    is_torn: bool,
}

impl Journal {
    /// Creates the journal of run `number` in `folder` on `disk`.
    ///
    /// # Errors
    /// If the file cannot be created or synced.
    pub fn begin(disk: &Disk, folder: &Path, number: u32, opened: Record) -> Result<Self> {
        make_folder(disk, folder)?;
        let path = run_path(folder, number);
        let mut options = OpenOptions::new();
        let options = options.create_new(true).append(true).mode(0o600);
        let created = disk.create(&path, options);
        let file = created.map_err(Error::file("create", &path))?;
        let synced = disk.sync_folder(folder);
        synced.map_err(Error::file("sync", folder))?;
        let run = Run::new(number);
        let mut journal = Self {
            path,
            file,
            seal: String::new(),
            run,
            is_torn: false,
        };
        journal.write(opened)?;
        Ok(journal)
    }

    /// Opens the journal of an earlier run to continue the run. An incomplete last line is cut off.
    ///
    /// # Errors
    /// If the journal cannot be read, or is damaged.
    pub fn resume(disk: &Disk, folder: &Path, number: u32) -> Result<Self> {
        let path = run_path(folder, number);
        let text = safe_dir::read(&path).map_err(Error::file("read", &path))?;
        let (records, seal, length) = record::parse(&path, &text)?;
        let run = Run::replay(&path, number, records)?;
        let opened = disk.create(&path, OpenOptions::new().append(true));
        let file = opened.map_err(Error::file("open", &path))?;
        let whole = u64::try_from(length).unwrap_or(u64::MAX);
        file.truncate(whole)
            .and_then(|()| file.sync())
            .map_err(Error::file("cut", &path))?;
        Ok(Self {
            path,
            file,
            seal,
            run,
            is_torn: false,
        })
    }

    /// The state of the run after all records so far.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The path of the journal.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes and syncs one record. The change that it announces may begin only after this function has returned.
    ///
    /// # Errors
    /// If the record may not follow the earlier ones, or cannot be written and synced. After a failed write every later
    /// call fails, too: other steps may still be running and try to record.
    pub fn write(&mut self, record: Record) -> Result<()> {
        if self.is_torn {
            let why = std::io::Error::other("an earlier record could not be written");
            return Err(Error::file("write", &self.path)(why));
        }
        let (line, seal) = record::seal(&self.seal, &record)?;
        self.run.apply(&self.path, record)?;
        let written = self.file.write(line.as_bytes());
        let written = written.and_then(|()| self.file.sync());
        self.is_torn = written.is_err();
        written.map_err(Error::file("write", &self.path))?;
        self.seal = seal;
        Ok(())
    }
}

/// Reads every run in `folder`, oldest first. A run that was killed before its first record was on disk is left out.
///
/// # Errors
/// If a journal cannot be read, or is damaged.
pub fn runs(folder: &Path) -> Result<Vec<Run>> {
    let mut runs = Vec::new();
    for number in numbers(folder)? {
        let path = run_path(folder, number);
        let text = safe_dir::read(&path).map_err(Error::file("read", &path))?;
        let (records, _, _) = record::parse(&path, &text)?;
        if !records.is_empty() {
            runs.push(Run::replay(&path, number, records)?);
        }
    }
    Ok(runs)
}

/// The number of the next run in `folder`.
///
/// # Errors
/// If the folder cannot be listed.
pub fn next_number(folder: &Path) -> Result<u32> {
    Ok(numbers(folder)?.last().map_or(1, |last| last + 1))
}

/// Creates a folder that only root can read, and its missing parents.
///
/// # Errors
/// If the folder cannot be created.
pub fn make_folder(disk: &Disk, folder: &Path) -> Result<()> {
    let made = disk.make_folders(folder, 0o700);
    made.map_err(Error::file("create", folder))
}

/// The present time in seconds since 1970, as journals store it.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

fn run_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("run-{number:04}.jsonl"))
}

fn numbers(folder: &Path) -> Result<Vec<u32>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::file("list", folder)(e)),
    };
    let number = |name: &str| {
        name.strip_prefix("run-")?
            .strip_suffix(".jsonl")?
            .parse()
            .ok()
    };
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| number(entry.ok()?.file_name().to_str()?))
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}
