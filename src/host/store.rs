//! The site's own folder on the host: earlier bytes of files by digest, what was written, logs.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::host::{Disk, Error, Result, safe_dir};

/// The site's folder, readable by root alone.
#[derive(Debug)]
pub struct Store {
    disk: Disk,
    folder: PathBuf,
    run: u32,
}

/// The folder of the notes on what was written.
const WRITTEN: &str = "written";

/// What ends a line that is whole.
const WHOLE: char = ';';

/// The digest that names `bytes`: SHA-256 in lower-case hex.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

impl Store {
    /// The store of run number `run` in `folder`, a path of this process, on `disk`.
    pub fn new(disk: &Disk, folder: impl Into<PathBuf>, run: u32) -> Self {
        Self {
            disk: disk.clone(),
            folder: folder.into(),
            run,
        }
    }

    /// Keeps `bytes`, durably, and returns the digest that names them.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn keep(&self, bytes: &[u8]) -> Result<String> {
        let name = digest(bytes);
        let folder = self.sub("blobs")?;
        let path = folder.join(&name);
        if path.exists() {
            return Ok(name);
        }
        let partial = folder.join(format!(".{name}.{}", std::process::id()));
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let written = self.disk.create(&partial, options);
        written
            .and_then(|mut file| file.write(bytes).and_then(|()| file.sync()))
            .map_err(Error::file("write", &partial))?;
        let renamed = self.disk.rename(&partial, &path);
        renamed.map_err(Error::file("rename", &partial))?;
        self.sync_folder(&folder)?;
        Ok(name)
    }

    /// The bytes kept under `name`.
    ///
    /// # Errors
    /// If they are not there, or are not what their name says.
    pub fn kept(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.folder.join("blobs").join(name);
        let bytes = safe_dir::read(&path).map_err(Error::file("read the kept bytes", &path))?;
        if digest(&bytes) != name {
            return Err(Error::garbled(
                format!("`{}`", path.display()),
                "its bytes are not the ones that were kept",
            ));
        }
        Ok(bytes)
    }

    /// Notes, durably, that content `digest` at `path` is about to be written by this program.
    ///
    /// # Errors
    /// If the note cannot be written.
    pub fn note_written(&self, path: &Path, digest: &str) -> Result<()> {
        if self.wrote(path)?.iter().any(|known| known == digest) {
            return Ok(());
        }
        let note = self.sub(WRITTEN)?.join(written_name(path));
        self.add_line(&note, digest)
    }

    /// Adds a line to a note, durably.
    fn add_line(&self, note: &Path, line: &str) -> Result<()> {
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true).mode(0o600);
        let opened = self.disk.create(note, options);
        let mut file = opened.map_err(Error::file("open", note))?;
        // a line of its own, whatever a power cut left of the last one
        file.write(format!("\n{line}\n").as_bytes())
            .and_then(|()| file.sync())
            .map_err(Error::file("write", note))?;
        self.sync_folder(note.parent().unwrap_or(&self.folder))
    }

    /// The digests of all that this program ever wrote to `path`. Writes nothing.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub fn wrote(&self, path: &Path) -> Result<Vec<String>> {
        lines(&self.folder.join(WRITTEN).join(written_name(path)))
    }

    /// Notes, durably, that this program made `what`, and what it can be known again by: a number that no
    /// other thing of that name will have.
    ///
    /// # Errors
    /// If the note cannot be written.
    pub fn note_made(&self, what: &str, identity: &str) -> Result<()> {
        // the last one counts: what is begun again is not what was whole before
        if self.made(what)?.last().map(String::as_str) == Some(identity) {
            return Ok(());
        }
        let note = self.sub("made")?.join(note_name(what));
        self.add_line(&note, &format!("{identity}{WHOLE}"))
    }

    /// What can be known again of all things called `what` that this program ever made. Writes nothing.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub fn made(&self, what: &str) -> Result<Vec<String>> {
        let all = lines(&self.folder.join("made").join(note_name(what)))?;
        // a line that a kill has cut is none
        let whole = all.iter().filter_map(|line| line.strip_suffix(WHOLE));
        Ok(whole.map(str::to_owned).collect())
    }

    /// Where the output of the run's command `name` is.
    #[must_use]
    pub fn log_path(&self, name: &str) -> PathBuf {
        self.folder
            .join("logs")
            .join(format!("{:04}-{name}.log", self.run))
    }

    /// Opens a log for what `call` says, below what the run's earlier calls of the kind have said.
    pub(crate) fn open_log(&self, name: &str, call: &str) -> Result<File> {
        self.sub("logs")?;
        let path = self.log_path(name);
        let mut options = OpenOptions::new();
        options.create(true).append(true).read(true).mode(0o600);
        let opened = self.disk.create(&path, &options);
        let begun = opened.and_then(|mut open| {
            open.write(format!("# {call}\n").as_bytes())?;
            open.file().try_clone()
        });
        begun.map_err(Error::file("open", &path))
    }

    fn sub(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        let made = self.disk.make_folders(&path, 0o700);
        made.map_err(Error::file("create", &path))?;
        Ok(path)
    }

    fn sync_folder(&self, path: &Path) -> Result<()> {
        let synced = self.disk.sync_folder(path);
        synced.map_err(Error::file("sync", path))
    }
}

/// The name of the note on what was written to `path`.
fn written_name(path: &Path) -> String {
    digest(path.as_os_str().as_encoded_bytes())[..32].to_owned()
}

/// The name of the note on `what`.
fn note_name(what: &str) -> String {
    digest(what.as_bytes())[..32].to_owned()
}

/// The lines of a note; none where there is no such note.
fn lines(note: &Path) -> Result<Vec<String>> {
    match safe_dir::read(note) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines = text.lines().filter(|line| !line.is_empty());
            Ok(lines.map(str::to_owned).collect())
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(Error::file("read", note)(e)),
    }
}
