//! A Debian package with a known digest, unpacked at a path that contains the digest.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::gate;
use crate::host::command::Cmd;
use crate::host::{Host, Ownership, Result};
use crate::resource::code::tree;
use crate::resource::{Moved, Resource};

/// The file in the unpacked tree that contains the digest of the package; written last.
const MARKER: &str = ".sha256";

/// One `.deb`, unpacked without running what it would run when it is installed.
///
/// Made beside its place and moved there when whole; never changed afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// The folder of the unpacked archive, in a folder that only root can write.
    pub path: PathBuf,
    /// The address that apt fetches: `https://…`, or `copy:/path` of this host.
    pub url: String,
    /// The SHA-256 of the archive, in 64 hex digits.
    pub sha256: String,
}

/// The digest of the unpacked package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    sha256: String,
}

impl Archive {
    /// Downloads and unpacks the package. apt rejects a file with another digest.
    async fn unpack(&self, host: &Host) -> Result<PathBuf> {
        let partial = tree::partial(&self.path);
        let (archive, whole) = (partial.join("archive.deb"), partial.join("tree"));
        let [archive, unpacked] = [&archive, &whole].map(|path| path.display().to_string());
        host.make_folder(&partial, Ownership::root(0o700))?;
        let fetch = Cmd::new("/usr/lib/apt/apt-helper")
            .args(["-q", "download-file", &self.url, &archive])
            .arg(format!("SHA256:{}", self.sha256))
            .deadline(900)
            .log("archive");
        host.run(&fetch).await?;
        let unpack = Cmd::new("dpkg-deb").args(["--extract", &archive, &unpacked]);
        host.run(&unpack.deadline(300).log("archive")).await?;
        let marker = format!("{}\n", self.sha256);
        host.write(
            &whole.join(MARKER),
            marker.as_bytes(),
            Ownership::root(0o644),
        )?;
        Ok(whole)
    }
}

impl Resource for Archive {
    type State = State;

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let marker = host.text(&self.path.join(MARKER))?;
        Ok(marker.map(|text| State {
            sha256: text.trim().to_owned(),
        }))
    }

    fn want(&self, _now: Option<&State>) -> Option<State> {
        Some(State {
            sha256: self.sha256.clone(),
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        tree::clear(host, &self.path)?;
        if from == to {
            return Ok(Moved::Applied);
        }
        gate::take_tree_away(host, &self.path, true)?;
        if to.is_some() {
            let whole = self.unpack(host).await?;
            tree::put(host, &whole, &self.path)?;
        }
        Ok(Moved::Applied)
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        if from == to {
            String::new()
        } else {
            self.url.clone()
        }
    }
}
