//! A log in a file: whether others rotate it, and what an earlier installation has left of it.

use std::path::{Path, PathBuf};

use super::pattern::is_like;
use super::{Found, Inspected, Trouble};
use crate::host::{Host, Result};
use crate::site::Site;

/// The configuration of logrotate.
const FOLDER: &str = "/etc/logrotate.d";
const MAIN: &str = "/etc/logrotate.conf";

/// Checks both if the site has a log file.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, site) = (inspected.host, inspected.site);
    if !site.logs.file {
        return Ok(());
    }
    for (file, line) in others(host, site)? {
        let trouble = Trouble::new(
            format!(
                "`{}` (line {line}) has logrotate turn over `{}/odoo.log`, which this site does itself, and of a log that is \
                 named twice logrotate makes an error",
                file.display(),
                site.paths.logs
            ),
            format!("move that file out of `{FOLDER}`, or take the line away"),
        );
        found.trouble(inspected, trouble);
    }
    found.reasons.extend(left(host, site)?);
    Ok(())
}

/// The lines of others that rotate the log.
fn others(host: &Host, site: &Site) -> Result<Vec<(PathBuf, usize)>> {
    let own = format!("odoo-deploy-{}", site.name);
    let log = PathBuf::from(format!("{}/odoo.log", site.paths.logs));
    let mut files = vec![PathBuf::from(MAIN)];
    let names = host.list(Path::new(FOLDER))?.into_iter();
    // logrotate ignores these (`taboo`)
    let read = |name: &String| {
        let kinds = [
            "dpkg-old",
            "dpkg-dist",
            "dpkg-new",
            "disabled",
            "bak",
            "rpmsave",
            "swp",
        ];
        let kind = Path::new(name).extension().and_then(|kind| kind.to_str());
        *name != own && !name.ends_with('~') && kind.is_none_or(|kind| !kinds.contains(&kind))
    };
    files.extend(names.filter(read).map(|name| Path::new(FOLDER).join(name)));
    let mut found = Vec::new();
    for file in files {
        let text = host.read_text(&file)?.unwrap_or_default();
        if let Some(line) = line_of(&text, &log) {
            found.push((file, line));
        }
    }
    Ok(found)
}

/// The line that names the log outside of a block.
fn line_of(text: &str, log: &Path) -> Option<usize> {
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let (before, opens) = match line.split_once('{') {
            Some((before, _)) => (before, true),
            None => (line, false),
        };
        let mut words = before
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']));
        if !inside && words.any(|word| is_log(word, log)) {
            return Some(index + 1);
        }
        inside = (inside || opens) && !line.contains('}');
    }
    None
}

/// Whether a path or a pattern matches the log.
fn is_log(word: &str, log: &Path) -> bool {
    let mut parts = Path::new(word).components();
    let same = log.components().all(|own| {
        let own = own.as_os_str().to_string_lossy();
        let part = parts.next().map(|part| part.as_os_str().to_string_lossy());
        part.is_some_and(|part| is_like(&own, &part))
    });
    word.starts_with('/') && same && parts.next().is_none()
}

/// A log of an earlier installation that the service cannot write to.
fn left(host: &Host, site: &Site) -> Result<Option<String>> {
    let log = format!("{}/odoo.log", site.paths.logs);
    let Some(meta) = host.meta(Path::new(&log))? else {
        return Ok(None);
    };
    let user = &site.paths.user;
    if meta.owner == *user {
        return Ok(None);
    }
    Ok(Some(format!(
        "`{log}` is there and belongs to `{}`: Odoo, which runs as `{user}`, could not write to it; \
         `mv {log} {log}.old`",
        meta.owner
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_rotates_the_log_is_found() {
        let log = Path::new("/var/log/odoo/odoo.log");
        for (text, expected) in [
            ("/var/log/odoo/*.log {\n  weekly\n}\n", Some(1)),
            ("# x\n\"/var/log/odoo/odoo.log\"\n{\n}\n", Some(2)),
            ("/var/log/a.log /var/log/*/odoo.log {\n}\n", Some(1)),
            ("/var/log/a.log\n/var/log/odoo/odoo.log {\n}\n", Some(2)),
            (
                "/var/log/a.log {\n  postrotate\n    cp /var/log/odoo/odoo.log /x\n  endscript\n}\n",
                None,
            ),
            ("/var/log/odoo/nginx.log { daily }\n", None),
            ("/var/log/*.log {\n}\n", None),
            ("include /etc/logrotate.d\n", None),
        ] {
            assert_eq!(line_of(text, log), expected, "{text}");
        }
    }
}
