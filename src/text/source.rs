//! Reads text files that people write.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes. A configuration of a megabyte is a mistake.
pub const LARGEST: u64 = 1024 * 1024;

/// Why a file could not be read as text.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system call failed.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system call.
        source: io::Error,
    },
    /// The file is larger than [`LARGEST`].
    #[error("`{}` is larger than {LARGEST} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Others can write to the file's folder, and may have put the file there.
    #[error(
        "`{}` is not used: others than its owner can write into `{}`; type `chmod go-w {}` once you have seen that the file is yours",
        path.display(), folder.display(), folder.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// Others can write to the file, but its content is applied as root.
    #[error(
        "`{}` is not used: others than its owner can write it; type `chmod go-w {}` once you have seen that it says what you want",
        path.display(), path.display()
    )]
    Writable {
        /// The file.
        path: PathBuf,
    },
    /// The file is not UTF-8 text.
    #[error("`{}` is not UTF-8 text: line {line}, byte offset {offset}: byte 0x{byte:02x}", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line of the first wrong byte, counted from 1.
        line: usize,
        /// The offset of the first wrong byte, counted from 0.
        offset: usize,
        /// The byte itself.
        byte: u8,
    },
}

/// Reads `path` as UTF-8 text.
///
/// # Errors
///
/// If the file cannot be read, others can write to it, it is larger than [`LARGEST`], or it is not UTF-8.
pub fn read(path: &Path) -> Result<String, ReadError> {
    let io = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    let mode = meta.mode();
    // a gid equal to the uid is the user's private group, which has no other member
    let by_group = mode & 0o020 != 0 && meta.gid() != 0 && meta.gid() != meta.uid();
    if meta.is_file() && (mode & 0o002 != 0 || by_group) {
        return Err(ReadError::Writable {
            path: path.to_owned(),
        });
    }
    let mut bytes = Vec::new();
    // read one byte more than allowed, because the length of a pipe is not known beforehand
    (&mut file)
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > LARGEST {
        return Err(ReadError::TooLarge {
            path: path.to_owned(),
        });
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        ReadError::NotUtf8 {
            path: path.to_owned(),
            line: bytes[..offset].split(|byte| *byte == b'\n').count(),
            offset,
            byte: bytes.get(offset).copied().unwrap_or_default(),
        }
    })
}

/// Reads the override file `name` in `folder`, if it exists. The file was not named on the command line, so its
/// folder must be safe.
///
/// # Errors
///
/// Those of [`read`], and if others than the folder's owner can write to the folder.
pub fn read_beside(folder: &Path, name: &str) -> Result<Option<(PathBuf, String)>, ReadError> {
    let path = folder.join(name);
    if !path.exists() {
        return Ok(None);
    }
    closed(folder, &path)?;
    let text = read(&path)?;
    Ok(Some((path, text)))
}

/// The files of `folder` with this `extension`, sorted. Folders and hidden files, such as editors leave, are skipped.
///
/// # Errors
///
/// If the folder cannot be read, or if others than its owner can write to it.
pub fn list(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, ReadError> {
    closed(folder, folder)?;
    let io = |source| ReadError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in folder.read_dir().map_err(io)? {
        let path = entry.map_err(io)?.path();
        let hidden = |name: &OsStr| name.as_bytes().starts_with(b".");
        let listed = path.extension().is_some_and(|found| found == extension)
            && !path.file_name().is_some_and(hidden)
            && !path.is_dir();
        if listed {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Returns an error if others than the owner of `folder` can put `path` there.
fn closed(folder: &Path, path: &Path) -> Result<(), ReadError> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let meta = here.metadata().map_err(|source| ReadError::Io {
        path: here.to_owned(),
        source,
    })?;
    let mode = meta.mode();
    if mode & 0o002 != 0 || (mode & 0o020 != 0 && meta.gid() != 0) {
        return Err(ReadError::Exposed {
            path: path.to_owned(),
            folder: here.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn errors_name_the_file_and_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.toml");
        let message = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            read(&path).unwrap_err().to_string()
        };
        assert!(message(b"a = 1\nb = \"\xff\"\n").ends_with("line 2, byte offset 11: byte 0xff"));
        let mut largest = vec![b'#'; 1024 * 1024];
        fs::write(&path, &largest).unwrap();
        assert!(read(&path).is_ok());
        largest.push(b'#');
        assert!(message(&largest).ends_with("larger than 1048576 bytes"));
        fs::remove_file(&path).unwrap();
        assert!(matches!(read(&path), Err(ReadError::Io { .. })));
        assert!(matches!(read(folder.path()), Err(ReadError::Io { .. })));
    }

    #[test]
    fn files_that_others_can_write_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.toml");
        fs::write(&path, "a = 1").unwrap();
        for (mode, good) in [(0o644, true), (0o600, true), (0o646, false), (0o666, false)] {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(&path, mode).unwrap();
            assert_eq!(read(&path).is_ok(), good);
        }
    }

    #[test]
    fn override_files_in_folders_that_others_can_write_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |mode| {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            fs::set_permissions(folder.path(), mode).unwrap();
        };
        assert!(read_beside(folder.path(), "odoo.toml").unwrap().is_none());
        fs::write(folder.path().join("odoo.toml"), "a").unwrap();
        assert!(read_beside(folder.path(), "odoo.toml").unwrap().is_some());
        for shared in [0o777, 0o1777, 0o757] {
            mode(shared);
            let error = read_beside(folder.path(), "odoo.toml").unwrap_err();
            assert!(matches!(error, ReadError::Exposed { .. }), "{error}");
        }
    }
}
