//! Resolves the unknown values of a plan, as soon as the host allows it.

use std::path::{Path, PathBuf};

use super::sources::Source;
use super::{Blueprint, Error, source_key};
use crate::host::{Host, layout};
use crate::odoo::modules;
use crate::plan::Unknown;
use crate::plan::requirements;
use crate::plan::requirements::Published;
use crate::plan::resolve::resolve;
use crate::plan::sizing::{self, Pools};
use crate::plan::unknown::is_marked;
use crate::resource::{self, Remote};

impl Blueprint {
    /// Resolves everything that can be resolved now: commits of branches, connections of the server, modules and
    /// requirements in the sources.
    ///
    /// # Errors
    /// If a repository cannot be reached or has no such branch, or if the site asks for something that does not exist.
    pub async fn resolve_unknowns(&mut self, host: &Host) -> Result<(), Error> {
        if self.site.postgres.server.is_none() && !self.asked_for_server {
            self.has_other_server = resource::has_other_server(host)?;
        }
        self.resolve_commits(host, None).await?;
        self.look_for_password(host)?;
        self.resolve_connections(host).await?;
        self.resolve_requirements(host)
    }

    /// Resolves only the value that one step awaits. Nothing else is read, because other steps may be changing it.
    ///
    /// # Errors
    /// As for [`Self::resolve_unknowns`].
    pub async fn resolve_awaited(&mut self, host: &Host, what: &Unknown) -> Result<(), Error> {
        match what {
            Unknown::Connections => {
                self.look_for_password(host)?;
                self.resolve_connections(host).await
            }
            Unknown::Requirements { .. } => self.resolve_requirements(host),
            Unknown::Commit { branch } => self.resolve_commits(host, Some(branch)).await,
        }
    }

    /// Resolves the commits of branches: all of them, or only those of branches named `branch`.
    async fn resolve_commits(&mut self, host: &Host, branch: Option<&str>) -> Result<(), Error> {
        for source in self.sources() {
            let is_unknown = is_marked(&source.commit);
            if branch.is_some_and(|branch| !is_unknown || source.branch != branch) {
                continue;
            }
            let access = source.access.as_ref();
            if let Some(access) = access
                && (is_unknown || host.meta(Path::new(&source.path))?.is_none())
            {
                access.check(host)?;
            }
            if !is_unknown {
                continue;
            }
            let resolved = resolve(host, &source.repository, &source.branch, access).await?;
            if let Some(commit) = resolved {
                self.resolved
                    .insert(source_key(&source.repository, &source.branch), commit);
            }
        }
        Ok(())
    }

    /// Refuses a missing password for the database server, before anything is built.
    fn look_for_password(&self, host: &Host) -> Result<(), Error> {
        let Some(server) = &self.site.postgres.server else {
            return Ok(());
        };
        let text = host.read_text(Path::new(server.password.as_str()))?;
        let reason = match text.as_deref().map(str::trim) {
            None => "is not there",
            Some("") => "is empty",
            Some(text) if text.contains('\n') => "has more than one line",
            Some(_) => return Ok(()),
        };
        Err(Error::Refused(format!(
            "`{}`, which holds the password of `[postgres]`, {reason}; write it there, for root alone: \
             `install -m 0600 /dev/stdin {0}`",
            server.password
        )))
    }

    /// Refuses an owner's `odoo.conf` if `server_wide_modules` has a module that does not exist: Odoo would start
    /// without it, or not at all.
    fn look_for_server_wide(&self, host: &Host, folders: &[PathBuf]) -> Result<(), Error> {
        let (path, text) =
            super::beside::file(&self.folder, "odoo.conf", Some(&self.site.paths.conf))?;
        let said = text.lines().enumerate().find_map(|(index, line)| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "server_wide_modules").then_some((index + 1, value))
        });
        let Some((line, names)) = said.filter(|(_, names)| !names.contains('{')) else {
            return Ok(());
        };
        let names = names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        for name in names {
            let mut there = false;
            for folder in folders {
                there |= host.meta(&folder.join(name))?.is_some();
            }
            if !there {
                return Err(Error::Refused(format!(
                    "`{}` (line {line}) names the module `{name}` in `server_wide_modules`, which is neither in this release nor \
                     in the add-ons; add its repository as `[[addons]]`, or take it out",
                    path.display()
                )));
            }
        }
        Ok(())
    }

    async fn resolve_connections(&mut self, host: &Host) -> Result<(), Error> {
        let server = self.site.postgres.server.as_ref();
        let all = match (server, self.tuning()) {
            (Some(_), _) => {
                let remote = Remote::at(self.service_file());
                remote.max_connections(host).await?
            }
            (None, Some(settings)) if !settings.is_empty() => settings
                .get("max_connections")
                .and_then(|value| value.parse().ok()),
            (None, _) => resource::max_connections(host)?,
        };
        let Some(all) = all else {
            return Ok(());
        };
        let mut taken = 0;
        for name in layout::other_sites(host, self.site.name.as_str())? {
            let conf = host.read_text(&layout::conf(&name))?;
            let server = server.map(|server| server.host.as_str());
            taken += conf.map_or(0, |conf| sizing::demand(&conf, server));
        }
        let sizing = self.sizing();
        if Pools::of(&sizing, all, taken).is_none() {
            return Err(Error::Refused(format!(
                "PostgreSQL allows {all} connections, of which other sites here may hold {taken}: too few for {} \
                 workers; raise its `max_connections`, or write fewer `workers` below `[http]`",
                sizing.workers
            )));
        }
        self.connections = Some((all, taken));
        Ok(())
    }

    /// Resolves the requirements and checks the modules, once all sources are fetched.
    fn resolve_requirements(&mut self, host: &Host) -> Result<(), Error> {
        let sources = self.sources();
        let mut published = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            let found = published_by(host, source)?;
            // Odoo always has requirements; an add-on may have none, which is known only once it is fetched
            let is_there = host.meta(Path::new(&source.path))?.is_some();
            if found.is_empty() && (index == 0 || !is_there) {
                return Ok(());
            }
            published.extend(found);
        }
        self.look_for_modules(host, &sources[1..])?;
        let clashes = requirements::conflicts(
            &published,
            &self.target.overrides,
            &self.target.python.to_string(),
        );
        if !clashes.is_empty() {
            return Err(Error::Refused(clashes.join("\n")));
        }
        let odoo = Path::new(&sources[0].path);
        let addons = sources[1..]
            .iter()
            .map(|addon| PathBuf::from(&addon.target));
        let folders: Vec<PathBuf> = addons
            .chain([odoo.join("addons"), odoo.join("odoo/addons")])
            .collect();
        let asked: Vec<&str> = self.site.odoo.modules.iter().map(AsRef::as_ref).collect();
        let missing = modules::missing(host, &folders, &asked)?;
        if !missing.is_empty() {
            return Err(Error::Refused(missing.join("\n")));
        }
        self.look_for_server_wide(host, &folders)?;
        let published: Vec<&str> = published.iter().map(|file| file.text.as_str()).collect();
        let text = requirements::effective(
            &published,
            &self.target.overrides,
            &self.target.requirements,
        );
        self.requirements = Some(text);
        Ok(())
    }

    /// Refuses a repository of add-ons in which Odoo would find no module. Odoo itself would not report it.
    fn look_for_modules(&self, host: &Host, addons: &[Source]) -> Result<(), Error> {
        let mut reasons = Vec::new();
        for (source, asked) in addons.iter().zip(&self.site.addons) {
            // a path that exists and is not a checkout is refused by its step, `source-NAME`
            if host.meta(&Path::new(&source.path).join(".git"))?.is_none() {
                continue;
            }
            let folder = asked.folder.as_ref().map(AsRef::as_ref);
            if let Some(why) = modules::why_none(host, Path::new(&source.path), folder)? {
                reasons.push(format!(
                    "the add-on `{}` ({}) would be of no use: {why}",
                    source.name, source.repository
                ));
            }
        }
        if reasons.is_empty() {
            return Ok(());
        }
        Err(Error::Refused(reasons.join("\n")))
    }
}

/// The requirements of a source, and the files that they include.
fn published_by(host: &Host, source: &Source) -> Result<Vec<Published>, Error> {
    let of = if source.name == "odoo" {
        "Odoo".to_owned()
    } else {
        format!("the add-on `{}`", source.name)
    };
    let top = Path::new(&source.path);
    let mut left = vec![PathBuf::from("requirements.txt")];
    let mut found: Vec<Published> = Vec::new();
    while let Some(path) = left.pop() {
        let known = found.iter().any(|file| file.path == path);
        let Some(bytes) = (if known {
            None
        } else {
            host.read(&top.join(&path))?
        }) else {
            continue;
        };
        let (files, text) = requirements::taken_in(&requirements::decoded(&bytes));
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        left.extend(files.iter().rev().map(|file| folder.join(file)));
        found.push(Published {
            of: of.clone(),
            path,
            text,
        });
    }
    Ok(found)
}
