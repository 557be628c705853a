//! The record of a machine, from which any process can remove the machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{OnPath, Result};
use super::network::Subnet;
use super::process::Process;
use super::spec::Spec;

/// The state of a machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) spec: Spec,
    /// Distinguishes it from machines with the same name in other beds.
    pub(super) id: String,
    /// Its private network, if it has claimed one.
    pub(super) subnet: Option<Subnet>,
    /// Its systemd-nspawn, while it is up.
    pub(super) nspawn: Option<Process>,
    /// Its PID 1, while it is up.
    pub(super) init: Option<Process>,
    /// Whether it stays up after the process that booted it has ended.
    pub(super) kept: bool,
}

impl Record {
    /// Reads the record in a machine's state folder, if there is one.
    pub(super) fn load(state: &Path) -> Result<Option<Self>> {
        let path = file(state);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(io::Error::from)
                .on("understand", &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).on("read", &path),
        }
    }

    /// Writes the record atomically.
    pub(super) fn save(&self, state: &Path) -> Result<()> {
        let path = file(state);
        let partial = path.with_extension("partial");
        let text = serde_json::to_vec(self).map_err(io::Error::from);
        text.and_then(|text| fs::write(&partial, text))
            .and_then(|()| fs::rename(&partial, &path))
            .on("write", &path)
    }

    /// Whether its PID 1 is running.
    pub(super) fn is_up(&self) -> bool {
        self.init.is_some_and(Process::is_running)
    }
}

fn file(state: &Path) -> PathBuf {
    state.join("machine.json")
}
