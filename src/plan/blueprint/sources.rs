//! The sources of Odoo and of its add-ons.

use serde::Serialize;

use super::Blueprint;
use crate::plan::Unknown;
use crate::secret::access::Access;

/// A git repository with code, and what is known about it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) repository: String,
    pub(super) branch: String,
    pub(super) commit: String,
    pub(super) path: String,
    /// The link through which the service finds the code.
    pub(super) link: String,
    /// The target of the link: the folder with the modules.
    pub(super) target: String,
    /// The credentials, if the repository is private.
    pub(super) access: Option<Access>,
}

impl Blueprint {
    /// The sources: Odoo first, then the add-ons in order.
    pub(super) fn sources(&self) -> Vec<Source> {
        let (site, home) = (&self.site, &self.site.paths.home);
        let source = |name: &str,
                      repository: String,
                      branch: String,
                      commit: Option<String>,
                      link: String| {
            let recorded = || {
                self.resolved
                    .get(&source_key(&repository, &branch))
                    .cloned()
            };
            let commit = commit.or_else(recorded).unwrap_or_else(|| {
                let branch = branch.clone();
                Unknown::Commit { branch }.marker()
            });
            let path = if name == "odoo" {
                format!("{home}/releases/{commit}")
            } else {
                format!("{home}/releases/{name}-{commit}")
            };
            Source {
                name: name.to_owned(),
                repository,
                branch,
                commit,
                target: path.clone(),
                path,
                link,
                access: None,
            }
        };
        let odoo = &site.odoo;
        let first = Source {
            access: odoo.access.clone(),
            ..source(
                "odoo",
                odoo.repository.to_string(),
                odoo.branch.to_string(),
                odoo.commit.as_ref().map(ToString::to_string),
                format!("{home}/current"),
            )
        };
        let addons = site.addons.iter().map(|addons| {
            let source = source(
                addons.name.as_str(),
                addons.repository.to_string(),
                addons.branch.to_string(),
                addons.commit.as_ref().map(ToString::to_string),
                format!("{home}/addons/{}", addons.name),
            );
            let folder = addons.folder.iter();
            Source {
                access: addons.access.clone(),
                target: folder.fold(source.path.clone(), |path, folder| {
                    format!("{path}/{folder}")
                }),
                ..source
            }
        });
        std::iter::once(first).chain(addons).collect()
    }
}

/// The key for a branch of a repository in journals.
#[must_use]
pub fn source_key(repository: &str, branch: &str) -> String {
    format!("{repository} {branch}")
}
