//! Moments that no setting of the clock moves.

use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::host::{Host, Result};

/// Another one at each boot: `random(4)`.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// A moment of a boot. A host without a battery for its clock is in 1970 after a power cut, and in
/// the present when it has reached a time server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTime {
    /// The boot, by the kernel's name of it.
    boot: String,
    /// Microseconds of the kernel's monotonic clock, which systemd uses too.
    at: u64,
}

impl BootTime {
    /// Now.
    ///
    /// # Errors
    /// If the kernel cannot be asked.
    pub fn now(host: &Host) -> Result<Self> {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
        let at = now.map_or(0, |now| now.as_micros());
        Ok(Self {
            boot: boot(host)?,
            at: u64::try_from(at).unwrap_or(u64::MAX),
        })
    }

    /// Whether it was before `at` microseconds of the present boot's monotonic clock.
    ///
    /// # Errors
    /// If the kernel cannot be asked.
    pub fn is_before(&self, host: &Host, at: u64) -> Result<bool> {
        Ok(boot(host)? != self.boot || self.at <= at)
    }
}

fn boot(host: &Host) -> Result<String> {
    let boot = host.text(Path::new(BOOT))?.unwrap_or_default();
    Ok(boot.trim().to_owned())
}
