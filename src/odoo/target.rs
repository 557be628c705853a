//! Which release of Odoo runs on which distribution, and what it needs there.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::odoo::distribution::Distribution;
use crate::odoo::facts::Facts;
use crate::odoo::release::{
    AdminPasswd, Conf, Health, Python, PythonVersion, Release, Series, Status,
};

/// What a release needs on a distribution. Serialised, it is `release` in playbooks and templates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// The release.
    pub series: Series,
    /// The version of Python that it runs with there.
    pub python: PythonVersion,
    /// The major version of `PostgreSQL` that it runs with there.
    pub postgresql: u16,
    /// The apt packages.
    pub packages: Vec<String>,
    /// Python packages in addition to the requirements of the release.
    pub requirements: Vec<String>,
    /// Python packages that replace those in the requirements of the release.
    pub overrides: Vec<String>,
    /// Constraints for the versions of Python packages that are used to build other packages.
    pub build_constraints: Vec<String>,
    /// The options of its configuration file.
    pub conf: Conf,
    /// How its master password is hashed.
    pub admin_passwd: AdminPasswd,
    /// What its health page reports.
    pub health: Health,
    /// Warnings, shown to the owner before the question.
    pub warnings: Vec<String>,
    #[serde(skip)]
    packages_by_architecture: BTreeMap<String, Vec<String>>,
}

impl Target {
    /// The target on this machine.
    ///
    /// # Errors
    /// If the release does not run on the machine's distribution, or if that is not known, with the way out.
    pub fn on(facts: &Facts, series: Series) -> Result<Self, String> {
        let Some(distribution) = facts.distribution else {
            return Err(format!(
                "{} is not a distribution that this program knows; it knows Debian 12 and 13, and Ubuntu 22.04, 24.04 and 26.04",
                facts.distribution_name
            ));
        };
        let found = target(Release::of(series), distribution).map_err(|e| e.to_string())?;
        Ok(found.on_architecture(&facts.architecture))
    }

    /// Adds the packages for an architecture, named as by `dpkg --print-architecture`.
    #[must_use]
    pub fn on_architecture(mut self, architecture: &str) -> Self {
        let further = self.packages_by_architecture.remove(architecture);
        self.packages.extend(further.unwrap_or_default());
        self.packages.sort();
        self.packages.dedup();
        self
    }
}

/// Why a release does not run on a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What does not fit.
    pub reason: String,
    /// What to choose instead.
    pub way_out: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.reason, self.way_out)
    }
}

impl std::error::Error for Refusal {}

/// What a release needs on a distribution.
///
/// # Errors
///
/// If the release does not run there, or is not known to.
pub fn target(release: &Release, distribution: &Distribution) -> Result<Target, Refusal> {
    let python = fit(release, distribution).map_err(|reasons| Refusal {
        reason: reasons.join(", and "),
        way_out: way_out(release, distribution),
    })?;
    let mut packages = release.packages.clone();
    packages.extend(python.packages.iter().cloned());
    packages.sort();
    packages.dedup();
    let legacy = (release.status == Status::Legacy).then(|| {
        format!(
            "standard support of Odoo {} ended in {}: it gets no security fixes; plan for {} or newer",
            release.series,
            release.supported_until,
            Series::ALL
                .into_iter()
                .find(|series| Release::of(*series).status == Status::Supported)
                .unwrap_or(Series::NEWEST),
        )
    });
    let unverified = python
        .unverified
        .as_ref()
        .map(|what| format!("not verified: {what}"));
    Ok(Target {
        series: release.series,
        python: python.version,
        postgresql: distribution.postgresql,
        packages,
        requirements: python.requirements.clone(),
        overrides: python.overrides.clone(),
        build_constraints: release.build_constraints.clone(),
        conf: release.conf.clone(),
        admin_passwd: release.admin_passwd,
        health: release.health,
        warnings: legacy.into_iter().chain(unverified).collect(),
        packages_by_architecture: release.packages_by_architecture.clone(),
    })
}

/// What the release needs with the distribution's Python, or all reasons why it does not run there.
fn fit<'r>(release: &'r Release, distribution: &Distribution) -> Result<&'r Python, Vec<String>> {
    let Distribution {
        name,
        python,
        postgresql,
        ..
    } = distribution;
    let series = release.series;
    let mut reasons = Vec::new();
    let found = release.with_python(*python);
    if found.is_none() {
        let range = match release.python.as_slice() {
            [] => "none".to_owned(),
            [only] => only.version.to_string(),
            [first, .., last] => format!("{} to {}", first.version, last.version),
        };
        reasons.push(format!(
            "Odoo {series} is known to run with Python {range}, but {name} has {python}"
        ));
    }
    if *postgresql < release.postgresql {
        let oldest = release.postgresql;
        reasons.push(format!(
            "Odoo {series} needs PostgreSQL {oldest} or newer, but {name} has {postgresql}"
        ));
    }
    match found {
        Some(python) if reasons.is_empty() => Ok(python),
        _ => Err(reasons),
    }
}

fn way_out(release: &Release, distribution: &Distribution) -> String {
    let elsewhere: Vec<_> = Distribution::all()
        .iter()
        .filter(|other| fit(release, other).is_ok())
        .map(|other| other.name.as_str())
        .collect();
    let here: Vec<_> = Series::ALL
        .into_iter()
        .filter(|series| fit(Release::of(*series), distribution).is_ok())
        .map(Series::as_str)
        .collect();
    let mut ways = Vec::new();
    if !elsewhere.is_empty() {
        ways.push(format!(
            "Odoo {} runs on {}",
            release.series,
            elsewhere.join(", ")
        ));
    }
    if !here.is_empty() {
        ways.push(format!(
            "on {} choose Odoo {}",
            distribution.name,
            here.join(", ")
        ));
    }
    ways.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row for each release, one column for each distribution: the kinds of warnings, or `ok`.
    const TABLE: &[(Series, &str, &str, &str, &str, &str)] = &[
        (
            Series::V17,
            "legacy, unverified",
            "Python",
            "legacy",
            "legacy",
            "Python",
        ),
        (Series::V18, "ok", "unverified", "ok", "ok", "Python"),
        (Series::V19, "ok", "ok", "unverified", "ok", "Python"),
        (
            Series::V20,
            "Python, PostgreSQL",
            "ok",
            "Python, PostgreSQL",
            "ok",
            "unverified",
        ),
    ];

    fn verdict(series: Series, distribution: &Distribution) -> String {
        let words: Vec<_> = match target(Release::of(series), distribution) {
            Ok(target) => [
                ("legacy", "standard support"),
                ("unverified", "not verified"),
            ]
            .into_iter()
            .filter(|(_, start)| target.warnings.iter().any(|text| text.starts_with(start)))
            .map(|(word, _)| word)
            .collect(),
            Err(refusal) => ["Python", "PostgreSQL"]
                .into_iter()
                .filter(|word| refusal.reason.contains(word))
                .collect(),
        };
        if words.is_empty() {
            "ok".to_owned()
        } else {
            words.join(", ")
        }
    }

    #[test]
    fn every_pair() {
        for (series, bookworm, trixie, jammy, noble, resolute) in TABLE {
            let said: Vec<_> = Distribution::all()
                .iter()
                .map(|d| verdict(*series, d))
                .collect();
            assert_eq!(
                said,
                [*bookworm, *trixie, *jammy, *noble, *resolute],
                "Odoo {series}"
            );
        }
    }

    #[test]
    fn a_refusal_has_a_reason_and_a_way_out() {
        let refused = |series, id, version| {
            let distribution = Distribution::of(id, version).unwrap();
            target(Release::of(series), distribution)
                .unwrap_err()
                .to_string()
        };
        insta::assert_snapshot!(refused(Series::V20, "debian", "12"), @r"
        Odoo 20.0 is known to run with Python 3.12 to 3.14, but Debian 12 has 3.11, and Odoo 20.0 needs PostgreSQL 16 or newer, but Debian 12 has 15; Odoo 20.0 runs on Debian 13, Ubuntu 24.04, Ubuntu 26.04; on Debian 12 choose Odoo 17.0, 18.0, 19.0
        ");
        insta::assert_snapshot!(refused(Series::V19, "ubuntu", "26.04"), @r"
        Odoo 19.0 is known to run with Python 3.10 to 3.13, but Ubuntu 26.04 has 3.14; Odoo 19.0 runs on Debian 12, Debian 13, Ubuntu 22.04, Ubuntu 24.04; on Ubuntu 26.04 choose Odoo 20.0
        ");
    }

    #[test]
    fn the_needs_of_releases_on_distributions() {
        let on = |series, id, version| {
            target(Release::of(series), Distribution::of(id, version).unwrap()).unwrap()
        };
        let noble = on(Series::V18, "ubuntu", "24.04");
        assert!(
            noble
                .requirements
                .contains(&"rl-renderPM==4.0.3".to_owned())
        );
        assert!(!noble.packages.contains(&"g++".to_owned()));
        assert!(
            noble
                .on_architecture("arm64")
                .packages
                .contains(&"g++".to_owned())
        );
        let jammy = on(Series::V19, "ubuntu", "22.04");
        assert!(jammy.overrides.contains(&"PyPDF2==2.12.1".to_owned()));
        let trixie = on(Series::V20, "debian", "13").on_architecture("amd64");
        assert!(trixie.packages.contains(&"libcairo2-dev".to_owned()));
        assert!(trixie.packages.is_sorted());
        let legacy = on(Series::V17, "ubuntu", "24.04");
        assert!(
            legacy
                .requirements
                .contains(&"setuptools>=80,<82".to_owned())
        );
        assert!(
            legacy.warnings[0].contains("plan for 18.0"),
            "{:?}",
            legacy.warnings
        );
    }
}
