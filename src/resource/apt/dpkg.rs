//! The package database of dpkg, read from its status file without running dpkg.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::host::{Host, Result};

const STATUS: &str = "/var/lib/dpkg/status";

/// The packages of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::resource) struct Dpkg {
    /// Completely installed packages, whatever dpkg is to do with them: a held package is `hold ok installed`.
    pub(in crate::resource) installed: BTreeMap<String, Package>,
    /// Partly installed packages, with their versions.
    pub(in crate::resource) unfinished: BTreeMap<String, String>,
}

/// An installed package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::resource) struct Package {
    pub(in crate::resource) version: String,
    /// Each entry is a list of alternatives, one of which must be installed.
    depends: Vec<Vec<String>>,
    provides: Vec<String>,
}

impl Dpkg {
    /// Reads the host's status file.
    pub(in crate::resource) fn read(host: &Host) -> Result<Self> {
        Ok(Self::parse(
            &host.read_text(Path::new(STATUS))?.unwrap_or_default(),
        ))
    }

    fn parse(status: &str) -> Self {
        let mut dpkg = Self::default();
        for paragraph in status.split("\n\n") {
            let (mut name, mut state, mut package) = ("", "", Package::default());
            for line in paragraph.lines() {
                let Some((key, value)) = line.split_once(": ") else {
                    continue;
                };
                match key {
                    "Package" => name = value,
                    "Status" => state = value,
                    "Version" => value.clone_into(&mut package.version),
                    "Depends" | "Pre-Depends" => package.depends.extend(choices(value)),
                    "Provides" => package.provides = choices(value).concat(),
                    _ => (),
                }
            }
            if name.is_empty() {
                continue;
            }
            match state {
                _ if state.ends_with(" ok installed") => {
                    dpkg.installed.insert(name.to_owned(), package);
                }
                _ if [
                    "half-installed",
                    "unpacked",
                    "half-configured",
                    "triggers-awaited",
                    "triggers-pending",
                ]
                .iter()
                .any(|s| state.ends_with(s)) =>
                {
                    dpkg.unfinished.insert(name.to_owned(), package.version);
                }
                _ => (),
            }
        }
        dpkg
    }

    /// Every installed package with its version; a partly installed package is marked `(unfinished)`.
    pub(in crate::resource) fn versions(&self) -> BTreeMap<String, String> {
        let whole = self
            .installed
            .iter()
            .map(|(name, package)| (name.clone(), package.version.clone()));
        let half = self
            .unfinished
            .iter()
            .map(|(name, version)| (name.clone(), format!("{version} (unfinished)")));
        whole.chain(half).collect()
    }

    /// The packages in `candidates` that `roots` depend on, directly or indirectly.
    pub(in crate::resource) fn needed(
        &self,
        roots: BTreeSet<String>,
        candidates: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        let mut needed = BTreeSet::new();
        let mut open: Vec<String> = roots.into_iter().collect();
        while let Some(name) = open.pop() {
            let Some(package) = self.installed.get(&name) else {
                continue;
            };
            for choice in &package.depends {
                let providers: Vec<&String> = choice
                    .iter()
                    .flat_map(|name| self.providers(name))
                    .collect();
                if providers.iter().any(|name| !candidates.contains(*name)) {
                    continue;
                }
                for provider in providers {
                    if needed.insert(provider.clone()) {
                        open.push(provider.clone());
                    }
                }
            }
        }
        needed
    }

    fn providers<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s String> {
        let provides = move |(installed, package): &(&'s String, &'s Package)| {
            *installed == name || package.provides.iter().any(|provided| provided == name)
        };
        self.installed.iter().filter(provides).map(|(name, _)| name)
    }
}

/// Parses a dependency field: `a (>= 1) | b, c:any` becomes `[[a, b], [c]]`.
fn choices(value: &str) -> Vec<Vec<String>> {
    let name = |entry: &str| {
        let entry = entry
            .trim()
            .split([' ', '(', ':'])
            .next()
            .unwrap_or_default();
        (!entry.is_empty()).then(|| entry.to_owned())
    };
    value
        .split(',')
        .map(|choice| choice.split('|').filter_map(name).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "\
Package: git\nStatus: hold ok installed\nVersion: 1:2.39\nDepends: libc6 (>= 2.36), perl:any | mini-perl\n
Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n
Package: half\nStatus: install ok half-configured\nVersion: 1\n
Package: libc6\nStatus: install ok installed\nVersion: 2.36\n
Package: perl-base\nStatus: install ok installed\nVersion: 5\nProvides: mini-perl (= 5), other\n
Package: server\nStatus: install ok installed\nVersion: 3\nPre-Depends: git\n";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn only_completely_installed_packages_count() {
        let dpkg = Dpkg::parse(STATUS);
        assert_eq!(
            dpkg.installed.keys().collect::<Vec<_>>(),
            ["git", "libc6", "perl-base", "server"]
        );
        assert_eq!(dpkg.unfinished.keys().collect::<Vec<_>>(), ["half"]);
        assert_eq!(dpkg.versions()["half"], "1 (unfinished)");
        assert_eq!(dpkg.versions()["git"], "1:2.39");
    }

    #[test]
    fn dependencies_are_found_indirectly_and_through_provides() {
        let dpkg = Dpkg::parse(STATUS);
        let candidates = set(&["git", "perl-base"]);
        assert_eq!(dpkg.needed(set(&["server"]), &candidates), candidates);
        assert_eq!(dpkg.needed(set(&["libc6"]), &candidates), set(&[]));
        // an alternative that another package satisfies needs none of the candidates
        assert_eq!(dpkg.needed(set(&["server"]), &set(&["git"])), set(&["git"]));
    }
}
