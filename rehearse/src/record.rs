//! What a bed remembers of a machine, so that any process can take it down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{OnPath, Result};
use super::network::Subnet;
use super::process::Process;
use super::spec::Spec;

/// A machine as it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) spec: Spec,
    /// Tells it from machines of the same name in other beds.
    pub(super) id: String,
    /// Its private network, once it has taken one.
    pub(super) subnet: Option<Subnet>,
    /// The systemd-nspawn that holds it, while it is up.
    pub(super) nspawn: Option<Process>,
    /// Its PID 1, while it is up.
    pub(super) init: Option<Process>,
    /// Whether it outlives the process that booted it.
    pub(super) kept: bool,
}

impl Record {
    /// The record in a machine's state folder, if it is there.
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

    /// Writes it down whole, or leaves what was there.
    pub(super) fn save(&self, state: &Path) -> Result<()> {
        let path = file(state);
        let partial = path.with_extension("partial");
        let text = serde_json::to_vec(self).map_err(io::Error::from);
        text.and_then(|text| fs::write(&partial, text))
            .and_then(|()| fs::rename(&partial, &path))
            .on("write", &path)
    }

    /// Whether its PID 1 still runs.
    pub(super) fn is_up(&self) -> bool {
        self.init.is_some_and(Process::is_running)
    }
}

fn file(state: &Path) -> PathBuf {
    state.join("machine.json")
}
