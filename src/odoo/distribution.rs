//! The supported distributions. The data is in `playbooks/distributions/` and built into the binary.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::odoo::release::{PythonVersion, embedded};

/// A distribution, and what it offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// Its name, such as `Debian 12`.
    pub name: String,
    /// `ID` of `/etc/os-release`.
    pub id: String,
    /// `VERSION_ID` of `/etc/os-release`.
    pub version_id: String,
    /// Its codename, such as `bookworm`.
    pub codename: String,
    /// The suites of apt that belong to it.
    pub suites: Vec<String>,
    /// The version of its package `python3`.
    pub python: PythonVersion,
    /// The major version of its package `postgresql`.
    pub postgresql: u16,
    /// Packages that Odoo needs on it, in addition to those of the release.
    #[serde(default)]
    pub packages: Vec<String>,
    /// What its package `nginx` supports; later versions support it, too.
    pub nginx: Nginx,
}

/// What a version of nginx supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nginx {
    /// The directive `http2` instead of the parameter of `listen`: since 1.25.1.
    pub http2_directive: bool,
    /// The directive `proxy_cookie_flags`: since 1.19.3.
    pub cookie_flags: bool,
}

macro_rules! data {
    ($($file:literal),*) => {
        [$(embedded(
            concat!("distributions/", $file),
            include_str!(concat!("../../playbooks/distributions/", $file)),
        )),*]
    };
}

impl Distribution {
    /// All supported distributions, by name and then oldest first.
    #[must_use]
    pub fn all() -> &'static [Self] {
        static ALL: LazyLock<[Distribution; 5]> = LazyLock::new(|| {
            data!(
                "debian-12.toml",
                "debian-13.toml",
                "ubuntu-22.04.toml",
                "ubuntu-24.04.toml",
                "ubuntu-26.04.toml"
            )
        });
        &*ALL
    }

    /// The distribution with this `ID` and `VERSION_ID` of `/etc/os-release`, if it is supported.
    #[must_use]
    pub fn of(id: &str, version_id: &str) -> Option<&'static Self> {
        let same = |known: &&Self| known.id == id && known.version_id == version_id;
        Self::all().iter().find(same)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_by_what_os_release_says() {
        for (id, version_id, codename) in [
            ("debian", "12", Some("bookworm")),
            ("debian", "13", Some("trixie")),
            ("ubuntu", "22.04", Some("jammy")),
            ("ubuntu", "24.04", Some("noble")),
            ("ubuntu", "26.04", Some("resolute")),
            ("ubuntu", "25.10", None),
            ("debian", "", None),
            ("fedora", "43", None),
        ] {
            let found = Distribution::of(id, version_id).map(|found| found.codename.as_str());
            assert_eq!(found, codename);
        }
    }

    #[test]
    fn suites_start_with_the_codename() {
        for distribution in Distribution::all() {
            let own = |suite: &String| suite.starts_with(&distribution.codename);
            assert!(distribution.suites.iter().all(own), "{}", distribution.name);
        }
    }
}
