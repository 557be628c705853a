//! Information from the host's apt: its archive, and the programs that a bed needs.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::error::{Error, OnPath, Result};
use super::program::run;

/// The programs that a bed needs, with their packages.
const TOOLS: [(&str, &str); 4] = [
    ("systemd-nspawn", "systemd-container"),
    ("mmdebstrap", "mmdebstrap"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
];

/// The packages whose programs are missing.
pub(super) fn missing_tools() -> Vec<&'static str> {
    TOOLS
        .iter()
        .filter(|(program, _)| which::which(program).is_err())
        .map(|&(_, package)| package)
        .collect()
}

/// Installs the packages whose programs are missing.
pub(super) fn install_tools() -> Result<()> {
    let missing = missing_tools();
    if missing.is_empty() {
        return Ok(());
    }
    apt_get(&["update"])?;
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(missing);
    apt_get(&words)
}

fn apt_get(words: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(["-o", "DPkg::Lock::Timeout=600", "--quiet=2"])
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut command).map(drop)
}

/// A value of the host's `/etc/os-release`; empty if it has none.
pub(super) fn os_release(key: &str) -> Result<String> {
    let path = Path::new("/etc/os-release");
    let text = fs::read_to_string(path).on("read", path)?;
    let value = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| *name == key);
    Ok(value.map_or_else(String::new, |(_, value)| value.trim_matches('"').to_owned()))
}

/// The lines of a `sources.list` for a suite, with the mirrors that the host uses.
pub(super) fn sources(suite: &str) -> Result<Vec<String>> {
    let distribution = os_release("ID")?;
    let mut targets = index_targets()?;
    if archive(&distribution, &targets).is_none() {
        // a foreign repository is recognised by its label, and apt knows labels only after the first update
        apt_get(&["update"])?;
        targets = index_targets()?;
    }
    archive(&distribution, &targets)
        .map(|archive| archive.lines(suite))
        .ok_or_else(|| Error::NoArchive {
            distribution,
            suite: suite.to_owned(),
        })
}

/// A package index that apt is configured to fetch.
struct Target {
    label: String,
    release: String,
    uri: String,
}

fn index_targets() -> Result<Vec<Target>> {
    let listing = run(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(LABEL)|$(RELEASE)|$(REPO_URI)",
        "Created-By: Packages",
    ]))?;
    let parse = |line: &str| {
        let mut fields = line.splitn(3, '|');
        Some(Target {
            label: fields.next()?.to_owned(),
            release: fields.next()?.to_owned(),
            uri: direct_uri(fields.next()?),
        })
    };
    Ok(listing.lines().filter_map(parse).collect())
}

/// Resolves a `mirror+file:` URI, as in cloud images, to the first mirror in the file. A machine does not have this
/// file.
fn direct_uri(uri: &str) -> String {
    let listed = uri
        .strip_prefix("mirror+file:")
        .and_then(|path| fs::read_to_string(path.trim_end_matches('/')).ok());
    let first = listed.as_deref().and_then(|list| {
        let lines = list.lines().filter(|line| !line.starts_with('#'));
        lines.flat_map(str::split_whitespace).next()
    });
    first.unwrap_or(uri).to_owned()
}

/// The mirrors of a distribution and of its security updates.
#[derive(Debug, PartialEq, Eq)]
struct Archive {
    main: String,
    security: String,
    components: &'static str,
}

fn archive(distribution: &str, targets: &[Target]) -> Option<Archive> {
    let labelled = |label: &str| targets.iter().find(|target| target.label == label);
    match distribution {
        "debian" => Some(Archive {
            main: labelled("Debian")?.uri.clone(),
            security: labelled("Debian-Security")?.uri.clone(),
            components: "main",
        }),
        // Ubuntu has the same label for both
        "ubuntu" => {
            let ours = || targets.iter().filter(|target| target.label == "Ubuntu");
            let main = ours().find(|target| !target.release.contains('-'))?;
            let security = ours().find(|target| target.release.ends_with("-security"));
            Some(Archive {
                main: main.uri.clone(),
                security: security.unwrap_or(main).uri.clone(),
                components: "main universe",
            })
        }
        _ => None,
    }
}

impl Archive {
    fn lines(&self, suite: &str) -> Vec<String> {
        let Self {
            main,
            security,
            components,
        } = self;
        let mut lines = vec![format!("deb {main} {suite} {components}")];
        if !matches!(suite, "sid" | "unstable") {
            lines.push(format!("deb {main} {suite}-updates {components}"));
            lines.push(format!("deb {security} {suite}-security {components}"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(label: &str, release: &str, uri: &str) -> Target {
        Target {
            label: label.into(),
            release: release.into(),
            uri: uri.into(),
        }
    }

    #[test]
    fn debian_uses_its_own_archives_and_no_foreign_repositories() {
        let targets = [
            target("", "bookworm", "https://stranger.example/apt"),
            target("Debian", "bookworm", "http://mirror.example/debian/"),
            target("Debian-Security", "bookworm-security", "http://s.example/"),
        ];
        let lines = |suite| archive("debian", &targets).map(|found| found.lines(suite));
        let expected = [
            "deb http://mirror.example/debian/ trixie main",
            "deb http://mirror.example/debian/ trixie-updates main",
            "deb http://s.example/ trixie-security main",
        ];
        assert_eq!(lines("trixie"), Some(expected.map(str::to_owned).to_vec()));
        assert_eq!(
            lines("sid"),
            Some(vec![expected[0].replace("trixie", "sid")])
        );
    }

    #[test]
    fn ubuntu_has_universe_and_a_security_archive() {
        let targets = [
            target("Ubuntu", "noble-security", "http://s.example/ubuntu"),
            target("Ubuntu", "noble", "http://mirror.example/ubuntu"),
        ];
        let lines = archive("ubuntu", &targets).map(|found| found.lines("noble"));
        assert_eq!(
            lines
                .as_deref()
                .and_then(<[String]>::last)
                .map(String::as_str),
            Some("deb http://s.example/ubuntu noble-security main universe")
        );
        assert_eq!(archive("fedora", &targets), None);
    }
}
