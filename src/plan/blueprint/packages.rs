//! The packages of apt, by what is done with them: what comes later is installed while the earlier is at work.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Blueprint, Source};
use crate::plan::wkhtmltopdf::Chosen;
use crate::secret::access::is_ssh;

/// What fetches the sources, and compiles them.
const FETCH: [&str; 3] = ["ca-certificates", "git", "python3"];

/// The packages in the order in which they come; none is named twice.
#[derive(Debug, Serialize)]
pub(super) struct Packages {
    /// All of them.
    all: Vec<String>,
    /// Those that fetch the sources.
    fetch: Vec<String>,
    /// Those that the virtualenv is made with.
    build: Vec<String>,
    /// Those that the site runs with.
    rest: Vec<String>,
}

impl Blueprint {
    /// Those of the release, and what the site needs beside them; `proxy` is what its proxy does. The
    /// server is needed where it is this host's.
    pub(super) fn packages(
        &self,
        sources: &[Source],
        wkhtmltopdf: &Chosen,
        proxy: &[&str],
    ) -> Packages {
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
            // what every server has: another major version beside it is nobody's wish
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
        Packages {
            all,
            fetch,
            build,
            rest,
        }
    }
}
