//! Points in time that do not depend on the system clock.

use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::host::{Host, Result};

/// A random ID that differs for each boot, see `random(4)`.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// A point in time within one boot. The system clock is not reliable for this: on a host without a clock battery it
/// is in 1970 after a power cut, and jumps to the present when the host reaches a time server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTime {
    /// The boot ID of the kernel.
    boot: String,
    /// Microseconds of the kernel's monotonic clock, which systemd also uses.
    at: u64,
}

impl BootTime {
    /// The present time.
    ///
    /// # Errors
    /// If the boot ID cannot be read.
    pub fn now(host: &Host) -> Result<Self> {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
        let at = now.map_or(0, |now| now.as_micros());
        Ok(Self {
            boot: boot(host)?,
            at: u64::try_from(at).unwrap_or(u64::MAX),
        })
    }

    /// Whether this time was before `at`, in microseconds of the present boot's monotonic clock.
    ///
    /// # Errors
    /// If the boot ID cannot be read.
    pub fn is_before(&self, host: &Host, at: u64) -> Result<bool> {
        Ok(boot(host)? != self.boot || self.at <= at)
    }
}

fn boot(host: &Host) -> Result<String> {
    let boot = host.text(Path::new(BOOT))?.unwrap_or_default();
    Ok(boot.trim().to_owned())
}
