//! The apt packages of a site in three groups, so that the first can be used while the next is installed.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Blueprint;
use super::sources::Source;
use crate::plan::wkhtmltopdf::Chosen;
use crate::secret::access::is_ssh;

/// The packages that are needed to fetch the sources and to compile them to bytecode.
const FETCH: [&str; 3] = ["ca-certificates", "git", "python3"];

/// The packages by group, in the order of installation. No package is in two groups.
#[derive(Debug, Serialize)]
pub(super) struct Turns {
    /// All packages.
    all: Vec<String>,
    /// The packages to fetch the sources with.
    fetch: Vec<String>,
    /// The packages to build the virtualenv with.
    build: Vec<String>,
    /// All other packages.
    rest: Vec<String>,
}

impl Blueprint {
    /// The packages of the release, and those for optional parts of the site. `proxy` are the packages that the proxy
    /// needs. The PostgreSQL server is needed only if the database is on this host.
    pub(super) fn packages(
        &self,
        sources: &[Source],
        wkhtmltopdf: &Chosen,
        proxy: &[&str],
    ) -> Turns {
        let mut fetch: BTreeSet<String> = FETCH.map(str::to_owned).into();
        if sources.iter().any(|source| is_ssh(&source.repository)) {
            fetch.insert("openssh-client".into());
        }
        let (server, build): (BTreeSet<String>, BTreeSet<String>) = self
            .target
            .packages
            .iter()
            .filter(|name| !fetch.contains(*name))
            .cloned()
            .partition(|name| name == "postgresql");
        let mut rest = if self.site.postgres.server.is_some() {
            BTreeSet::from(["postgresql-client".to_owned()])
        } else if self.has_other_server {
            // do not install a second major version beside the server that is there; every server has this package
            BTreeSet::from(["postgresql-common".to_owned()])
        } else {
            server
        };
        if self.site.logs.file {
            rest.insert("logrotate".into());
        }
        rest.extend(self.parts());
        let distribution = self.facts.distribution;
        rest.extend(
            distribution
                .map(|known| known.packages.clone())
                .unwrap_or_default(),
        );
        rest.extend(wkhtmltopdf.packages.iter().cloned());
        rest.extend(proxy.iter().map(|name| (*name).to_owned()));
        rest.retain(|name| !fetch.contains(name) && !build.contains(name));
        let all: BTreeSet<String> = [&fetch, &build, &rest]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let [all, fetch, build, rest] = [all, fetch, build, rest].map(Vec::from_iter);
        Turns {
            all,
            fetch,
            build,
            rest,
        }
    }
}
