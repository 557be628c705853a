//! What an earlier site had set up, the present one no longer asks for, and is still at work.

use std::path::Path;

use super::{Finding, Surveyed};
use crate::host::{Host, Result};
use crate::site::Site;

/// The first words of every file that this program writes.
const OURS: &str = "# Written by odoo-deploy";

/// A section of the site, and what is left of it.
struct Part {
    section: &'static str,
    /// Whether the site has it.
    asked: bool,
    /// What it goes on doing.
    does: &'static str,
    /// The files by which it does so, the one that tells first.
    files: Vec<String>,
    /// What makes it end before and after the files are gone.
    before: String,
    after: &'static str,
}

/// The sections that were taken out of the site and whose files are there.
pub(super) fn findings(surveyed: Surveyed<'_>) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for part in parts(surveyed.site) {
        if part.asked || !is_ours(surveyed.host, Path::new(&part.files[0]))? {
            continue;
        }
        let mut left = Vec::new();
        for file in &part.files {
            if is_ours(surveyed.host, Path::new(file))? {
                left.push(file.as_str());
            }
        }
        let what = format!(
            "`{}` is gone from the site, and {}",
            part.section, part.does
        );
        let end = format!("{}rm {}{}", part.before, left.join(" "), part.after);
        found.push(Finding::of_host(what, format!("put it back, or `{end}`")));
    }
    Ok(found)
}

/// Whether a file begins as this program writes it.
///
/// # Errors
/// If it cannot be read.
pub fn is_ours(host: &Host, file: &Path) -> Result<bool> {
    Ok(host.text(file)?.is_some_and(|text| text.starts_with(OURS)))
}

fn parts(site: &Site) -> Vec<Part> {
    let name = &site.name;
    let jail = |folder: &str, more: &str| {
        format!("/etc/fail2ban/{folder}.d/odoo-deploy-{name}{more}.conf")
    };
    let drop_in = |unit: &str| format!("/etc/systemd/system/{unit}.d/odoo-deploy-{name}.conf");
    vec![
        Part {
            section: "[fail2ban]",
            asked: site.fail2ban.enabled,
            does: "its jail goes on keeping people out",
            files: vec![
                jail("jail", ""),
                jail("filter", ""),
                jail("filter", "-nginx"),
                jail("action", ""),
                drop_in("fail2ban.service"),
            ],
            before: String::new(),
            after: " && systemctl daemon-reload && systemctl restart fail2ban",
        },
        Part {
            section: "[firewall]",
            asked: site.firewall.enabled,
            does: "its table goes on closing ports",
            files: vec![
                format!("/etc/systemd/system/{name}-firewall.service"),
                format!("/etc/{name}.nft"),
            ],
            before: format!("systemctl disable --now {name}-firewall && "),
            after: " && systemctl daemon-reload",
        },
        Part {
            section: "[logs]",
            asked: site.logs.file,
            does: "logrotate goes on with files that nobody writes",
            files: vec![format!("/etc/logrotate.d/odoo-deploy-{name}")],
            before: String::new(),
            after: "",
        },
    ]
}
