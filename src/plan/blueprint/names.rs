//! All names that playbooks and templates can refer to. `docs/playbook.md` lists them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::sources::Source;
use super::{Blueprint, Error, local, proxy};
use crate::host::layout;
use crate::host::store::digest;
use crate::odoo::release::Release;
use crate::plan::Unknown;
use crate::plan::sizing::{Pools, Sizing};

impl Blueprint {
    /// The names that playbooks and templates can refer to, with their values.
    ///
    /// # Errors
    /// If the site cannot be serialised.
    pub(super) fn names(&self) -> Result<Value, Error> {
        let sources = self.sources();
        let unknown = || self.unknown_requirements().marker();
        let requirements = self.requirements.clone().unwrap_or_else(unknown);
        // everything that the content of the virtualenv depends on
        let content = json!([
            self.target.python,
            self.site.python,
            self.target.build_constraints,
            requirements,
            self.facts.architecture,
        ]);
        let venv = match &self.requirements {
            Some(_) => digest(content.to_string().as_bytes())[..16].to_owned(),
            None => unknown(),
        };
        let venv = format!("{}/venvs/{venv}", self.site.paths.home);
        let wkhtmltopdf = self.wkhtmltopdf()?;
        let sizing = self.sizing();
        let server = self.site.postgres.server.as_ref();
        let tuning = self.tuning();
        let addons: Vec<&str> = sources[1..]
            .iter()
            .map(|addon| addon.link.as_str())
            .collect();
        let nginx = self.facts.distribution.map(|found| found.nginx);
        let proxy = proxy::ProxyNames::of(&self.site, nginx, &addons, &sources[0].link);
        Ok(json!({
            "site": self.site,
            "release": self.target,
            "packages": self.packages(&sources, &wkhtmltopdf, &proxy.packages),
            "wkhtmltopdf": wkhtmltopdf,
            "firewall": self.firewall(),
            "fail2ban": self.fail2ban(),
            "host": self.facts,
            "odoo": sources[0],
            "addons": sources[1..],
            "postgresql": {
                "minimum": Release::of(self.site.odoo.version).postgresql,
                "tuned": tuning.is_some(),
                "settings": tuning,
                "remote": server.is_some(),
                "service": server.map(|_| self.service_file()),
                "host": server.map(|server| &server.host),
                "port": server.map(|server| server.port),
                "user": server.map(|server| &server.user),
                "sslmode": server.map(|server| server.sslmode),
                "root_certificate": server.and_then(|server| server.root_certificate.as_ref()),
                "password": server.map(|server| &server.password),
            },
            "conf": { "secrets": self.secrets() },
            "role": server.map_or(self.site.paths.role.as_str(), |server| server.user.as_str()),
            "proxy": proxy,
            "local": local(self.site.http.interface),
            "gevent": sizing.workers > 0,
            "workers": sizing.workers,
            "cron_threads": sizing.cron_threads,
            "pools": self.pools(&sizing),
            "sizing": sizing,
            "run": layout::RUN,
            "code_only": self.code_only,
            "cleared": self.to_clear(&sources, &venv),
            "mask": crate::resource::MASK,
            "venv": { "path": venv, "requirements": requirements },
        }))
    }

    /// What is to be cleared: one entry for each step `cleared`.
    fn to_clear(&self, sources: &[Source], venv: &str) -> Vec<Value> {
        let clearing = &self.clearing;
        let mut targets = sources.iter().map(|source| source.target.as_str());
        let is_there = |target: &str| clearing.links.contains(Path::new(target));
        let is_changed = !is_there(venv) || !targets.all(is_there);
        let mut asked: Vec<&Path> = sources
            .iter()
            .map(|source| Path::new(&source.path))
            .collect();
        asked.push(Path::new(venv));
        // the plan is compiled several times in a run and must always have the same steps
        let named = clearing.changed.iter().map(|path| {
            let goes = (is_changed || clearing.unchanged.contains(path))
                && !asked.contains(&path.as_path());
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            json!({ "name": name, "path": path, "goes": goes })
        });
        named.collect()
    }

    pub(super) fn unknown_requirements(&self) -> Unknown {
        Unknown::Requirements {
            series: self.site.odoo.version.to_string(),
        }
    }

    /// All values that are not known yet.
    pub(super) fn unknowns(&self) -> Vec<Unknown> {
        let mut unknowns = Vec::new();
        for source in self.sources() {
            let branch = source.branch;
            let commit = Unknown::Commit { branch };
            if source.commit == commit.marker() {
                unknowns.push(commit);
            }
        }
        if self.requirements.is_none() {
            unknowns.push(self.unknown_requirements());
        }
        if self.connections.is_none() {
            unknowns.push(Unknown::Connections);
        }
        unknowns
    }

    /// The secret keys of `odoo.conf`, each with the file that contains its value.
    fn secrets(&self) -> BTreeMap<&str, String> {
        let state = &self.site.paths.state;
        let master = (
            "admin_passwd",
            format!("{state}/secrets/master-password.hash"),
        );
        let server = self.site.postgres.server.as_ref();
        let database = server.map(|server| ("db_password", server.password.to_string()));
        [master].into_iter().chain(database).collect()
    }

    /// The path of the libpq service file that describes the server on another host.
    pub(super) fn service_file(&self) -> PathBuf {
        Path::new(&self.site.paths.state).join("secrets/postgresql.service")
    }

    /// The sizes of the connection pools, or their markers until the server is installed.
    fn pools(&self, sizing: &Sizing) -> Value {
        let pools = self
            .connections
            .and_then(|(all, taken)| Pools::of(sizing, all, taken));
        pools.map_or_else(
            || {
                let unknown = Unknown::Connections.marker();
                json!({ "process": unknown, "gevent": unknown })
            },
            |pools| json!(pools),
        )
    }
}
