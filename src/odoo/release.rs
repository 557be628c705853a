//! What each release of Odoo needs. The data is in `playbooks/releases/` and built into the binary.

mod python;
mod series;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use python::PythonVersion;
pub use series::Series;

use crate::text::diagnostic::{Diagnostic, Diagnostics};

/// What a release of Odoo needs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The release.
    pub series: Series,
    /// The month of its publication, such as `2025-09`.
    pub released: String,
    /// Whether it is in standard support.
    pub status: Status,
    /// The month in which its standard support ends or ended.
    pub supported_until: String,
    /// The oldest major version of `PostgreSQL` that it runs with.
    pub postgresql: u16,
    /// The apt packages that it needs with every version of Python.
    pub packages: Vec<String>,
    /// Further apt packages, by architecture as dpkg names it.
    pub packages_by_architecture: BTreeMap<String, Vec<String>>,
    /// Constraints for the versions of Python packages that are used to build other packages.
    pub build_constraints: Vec<String>,
    /// The versions of Python that it runs with, oldest first.
    pub python: Vec<Python>,
    /// The options of its configuration file.
    pub conf: Conf,
    /// How its master password is hashed.
    pub admin_passwd: AdminPasswd,
    /// What its health page reports.
    pub health: Health,
}

/// Whether a release is in standard support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In standard support.
    Supported,
    /// Standard support has ended.
    Legacy,
}

/// What a release needs with one version of Python.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Python {
    /// The version of Python.
    pub version: PythonVersion,
    /// Further apt packages.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Python packages in addition to the requirements of the release.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// Python packages that replace those in the requirements of the release.
    #[serde(default)]
    pub overrides: Vec<String>,
    /// What was not verified yet, in words for a warning.
    pub unverified: Option<String>,
}

/// The options of the configuration file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conf {
    /// The options that it supports, of those that this program sets.
    pub keys: Vec<String>,
    /// The option for demonstration data.
    pub demo: Demo,
}

/// The option for demonstration data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    /// The name of the option.
    pub key: String,
    /// Its value with demonstration data.
    pub on: String,
    /// Its value without demonstration data.
    pub off: String,
}

/// How the master password is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminPasswd {
    /// The rounds of PBKDF2 with SHA-512.
    pub pbkdf2_rounds: u32,
}

/// What the health page reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Whether `/web/health?db_server_status=1` also checks the database server.
    pub db_server_status: bool,
}

impl Release {
    /// What a release needs.
    #[must_use]
    pub fn of(series: Series) -> &'static Self {
        static ALL: LazyLock<[Release; 4]> = LazyLock::new(|| {
            [
                embedded(
                    "releases/17.0.toml",
                    include_str!("../../playbooks/releases/17.0.toml"),
                ),
                embedded(
                    "releases/18.0.toml",
                    include_str!("../../playbooks/releases/18.0.toml"),
                ),
                embedded(
                    "releases/19.0.toml",
                    include_str!("../../playbooks/releases/19.0.toml"),
                ),
                embedded(
                    "releases/20.0.toml",
                    include_str!("../../playbooks/releases/20.0.toml"),
                ),
            ]
        });
        match series {
            Series::V17 => &ALL[0],
            Series::V18 => &ALL[1],
            Series::V19 => &ALL[2],
            Series::V20 => &ALL[3],
        }
    }

    /// What it needs with one version of Python. `None` if it does not run with that version.
    #[must_use]
    pub fn with_python(&self, version: PythonVersion) -> Option<&Python> {
        self.python.iter().find(|python| python.version == version)
    }
}

/// Parses a data file.
///
/// # Errors
///
/// If the text is wrong: returns the first error, with its place.
pub fn parse<T: DeserializeOwned>(path: &Path, source: &str) -> Result<T, Diagnostics> {
    toml::from_str(source).map_err(|error: toml::de::Error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().next().unwrap_or("not TOML");
        Diagnostics::new(path, source, vec![Diagnostic::new(span, message)])
    })
}

/// Parses a data file that is built into the binary.
pub(crate) fn embedded<T: DeserializeOwned>(path: &str, source: &str) -> T {
    match parse(Path::new(path), source) {
        Ok(data) => data,
        // The file cannot change after the build, and a test parses every file.
        Err(errors) => unreachable!("{errors}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_has_its_own_file_with_sorted_lists() {
        for series in Series::ALL {
            let release = Release::of(series);
            assert_eq!(release.series, series);
            assert!(
                release.python.is_sorted_by_key(|python| python.version),
                "{series}"
            );
            assert!(release.conf.keys.is_sorted(), "{series}");
            assert!(release.packages.is_sorted(), "{series}");
            assert!(
                release.conf.keys.contains(&release.conf.demo.key),
                "{series}"
            );
            for key in [
                "http_interface",
                "http_port",
                "gevent_port",
                "proxy_mode",
                "workers",
            ] {
                assert!(
                    release.conf.keys.iter().any(|known| known == key),
                    "{series} {key}"
                );
            }
        }
    }

    #[test]
    fn the_differences_between_releases() {
        let demo = |series| Release::of(series).conf.demo.key.as_str();
        assert_eq!(
            Series::ALL.map(demo),
            ["without_demo", "without_demo", "with_demo", "with_demo"]
        );
        let postgresql = |series| Release::of(series).postgresql;
        assert_eq!(Series::ALL.map(postgresql), [12, 12, 13, 16]);
        let tells = |series| Release::of(series).health.db_server_status;
        assert_eq!(Series::ALL.map(tells), [false, true, true, true]);
    }

    #[test]
    fn an_unknown_key_is_told_with_its_place() {
        let source = "version = \"3.12\"\npackges = []\n";
        let error = parse::<Python>(Path::new("p.toml"), source).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("p.toml:2:1: unknown field `packges`"),
            "{error}"
        );
        for wrong in ["3", "3.", "3.012", "3.12.1", "-3.1", "+3.1", "3.300", ""] {
            assert!(wrong.parse::<PythonVersion>().is_err(), "{wrong}");
        }
        assert!("3.9".parse::<PythonVersion>().unwrap() < "3.10".parse().unwrap());
    }
}
