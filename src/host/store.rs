//! The site's folder on the host: earlier bytes of files, notes on what odoo-deploy made and wrote, and logs.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::host::{Disk, Error, Result, safe_dir};

/// The site's folder. Only root can read it.
#[derive(Debug)]
pub struct Store {
    disk: Disk,
    folder: PathBuf,
    run: u32,
}

/// The folder with one note for each path, which holds the digests of the bytes that odoo-deploy wrote to it.
const WRITTEN: &str = "written";

/// The last character of a complete line. A line without it was cut by a crash.
const WHOLE: char = ';';

/// The digest of `bytes`: SHA-256 in lower-case hex.
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
    /// The store of run number `run` in `folder`, which is a path for this process, on `disk`.
    pub fn new(disk: &Disk, folder: impl Into<PathBuf>, run: u32) -> Self {
        Self {
            disk: disk.clone(),
            folder: folder.into(),
            run,
        }
    }

    /// Stores `bytes` durably and returns their digest.
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

    /// The stored bytes with the digest `name`.
    ///
    /// # Errors
    /// If they are not stored, or do not match their digest.
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

    /// Notes durably that odoo-deploy is about to write bytes with this digest to `path`.
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

    /// Adds a line to a note durably.
    fn add_line(&self, note: &Path, line: &str) -> Result<()> {
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true).mode(0o600);
        let opened = self.disk.create(note, options);
        let mut file = opened.map_err(Error::file("open", note))?;
        // starts with a line break, because a power cut may have left the last line incomplete
        file.write(format!("\n{line}\n").as_bytes())
            .and_then(|()| file.sync())
            .map_err(Error::file("write", note))?;
        self.sync_folder(note.parent().unwrap_or(&self.folder))
    }

    /// The digests of everything that odoo-deploy ever wrote to `path`. Changes nothing.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub fn wrote(&self, path: &Path) -> Result<Vec<String>> {
        lines(&self.folder.join(WRITTEN).join(written_name(path)))
    }

    /// Notes durably that odoo-deploy made `what`. `identity` is a number or a digest that no other thing with this
    /// name will have, so that the thing can be recognised later.
    ///
    /// # Errors
    /// If the note cannot be written.
    pub fn note_made(&self, what: &str, identity: &str) -> Result<()> {
        // only the last note counts: a tree that was whole may have been begun again
        if self.made(what)?.last().map(String::as_str) == Some(identity) {
            return Ok(());
        }
        let note = self.sub("made")?.join(note_name(what));
        self.add_line(&note, &format!("{identity}{WHOLE}"))
    }

    /// The identities of all things with the name `what` that odoo-deploy ever made. Changes nothing.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub fn made(&self, what: &str) -> Result<Vec<String>> {
        let all = lines(&self.folder.join("made").join(note_name(what)))?;
        // skip a line that a kill has cut
        let whole = all.iter().filter_map(|line| line.strip_suffix(WHOLE));
        Ok(whole.map(str::to_owned).collect())
    }

    /// The path of the log for the run's command `name`.
    #[must_use]
    pub fn log_path(&self, name: &str) -> PathBuf {
        self.folder
            .join("logs")
            .join(format!("{:04}-{name}.log", self.run))
    }

    /// Opens the log `name` to append the output of `call`. Earlier calls of the run may have written to the same
    /// log.
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

/// The file name of the note about what was written to `path`.
fn written_name(path: &Path) -> String {
    digest(path.as_os_str().as_encoded_bytes())[..32].to_owned()
}

/// The file name of the note about `what`.
fn note_name(what: &str) -> String {
    digest(what.as_bytes())[..32].to_owned()
}

/// The lines of a note; empty if the note does not exist.
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
