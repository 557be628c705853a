//! Parts that an earlier configuration set up, that the site no longer has, and that are still active.

use std::path::Path;

use super::{Finding, Surveyed};
use crate::host::{Host, Result};
use crate::site::Site;

/// The beginning of every file that this program writes.
const OURS: &str = "# Written by odoo-deploy";

/// A section of the configuration, and what may be left of it.
struct Part {
    section: &'static str,
    /// Whether the site has the section.
    asked: bool,
    /// What the remains still do.
    does: &'static str,
    /// The files of this part. The first one decides whether the part is there.
    files: Vec<String>,
    /// The commands before and after the removal of the files, which together end the effect of the part.
    before: String,
    after: &'static str,
}

/// The sections that were removed from the configuration although their files still exist.
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

/// Whether this program wrote the file, according to its beginning.
///
/// # Errors
/// If the file cannot be read.
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
            does: "logrotate still rotates files that are no longer written",
            files: vec![format!("/etc/logrotate.d/odoo-deploy-{name}")],
            before: String::new(),
            after: "",
        },
    ]
}
