//! Requirements for the machine itself.

use crate::odoo::facts::Facts;
use crate::plan::wkhtmltopdf;
use crate::site::Site;

/// The least memory, in MiB, with which Odoo and its database start.
const MEMORY: u64 = 700;

/// Checks the machine. Returns all reasons for which the site cannot work on it, each with a way out.
#[must_use]
pub fn machine(facts: &Facts, site: &Site) -> Vec<String> {
    let mut reasons = Vec::new();
    if !nix::unistd::geteuid().is_root() {
        reasons.push("this must be run by root; try `sudo`".to_owned());
    }
    if !facts.systemd {
        reasons.push(
            "systemd does not run here; a service needs it (in a container, boot it with systemd)"
                .into(),
        );
    }
    if facts.memory < MEMORY {
        reasons.push(format!(
            "the server has {} MiB of memory for its services (by `/proc/meminfo` and the limits of control groups), Odoo \
             needs {MEMORY} at least",
            facts.memory
        ));
    }
    if let Some(known) = facts.distribution {
        let (wanted, home) = (&site.wkhtmltopdf, &site.paths.home);
        let chosen = wkhtmltopdf::choose(wanted, home, &known.codename, &facts.architecture);
        reasons.extend(chosen.err());
    }
    reasons
}
