//! Requirements for the machine itself.

use crate::odoo::facts::Facts;
use crate::odoo::release::Release;
use crate::odoo::target::{Target, target};
use crate::plan::wkhtmltopdf;
use crate::site::Site;

/// The least memory, in MiB, with which Odoo and its database start.
const MEMORY: u64 = 700;

/// Checks the machine, and whether this release of Odoo supports it.
///
/// # Errors
/// If the machine is not suitable: all reasons, each with a way out.
pub fn machine(facts: &Facts, site: &Site) -> std::result::Result<Target, Vec<String>> {
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
    let found = match facts.distribution {
        Some(distribution) => target(Release::of(site.odoo.version), distribution)
            .map_err(|refusal| refusal.to_string()),
        None => Err(format!(
            "{} is not a distribution that this program knows; it knows Debian 12 and 13, and Ubuntu 22.04, 24.04 and 26.04",
            facts.distribution_name
        )),
    };
    match found {
        Ok(pairing) if reasons.is_empty() => Ok(pairing.on_architecture(&facts.architecture)),
        Ok(_) => Err(reasons),
        Err(reason) => {
            reasons.push(reason);
            Err(reasons)
        }
    }
}
