//! A commit of a git repository, at a path that carries it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::access::{self, Access, Introduction};
use crate::event::Event;
use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};
use crate::resource::{Moved, Resource, tree};

/// One commit of a repository, without its history.
///
/// Made beside its place and moved there when whole; never changed afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkout {
    /// Where it comes to lie; its folder is the builder's.
    pub path: PathBuf,
    /// What git can fetch from.
    pub url: String,
    /// The branch that the commit was found on.
    pub branch: String,
    /// The commit, in 40 hex digits.
    pub commit: String,
    /// The account that fetches it: neither root nor the service.
    pub builder: String,
    /// The site, by which a later agent finds what a killed one left running.
    pub site: String,
    /// What opens the repository, where it is private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
}

/// The commit that is checked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    commit: String,
}

impl Checkout {
    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// What tells it from others that are fetched at the same time.
    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Where it is made.
    fn partial(&self) -> PathBuf {
        tree::partial(&self.path)
    }

    fn as_builder(&self, program: &str) -> Cmd {
        Cmd::new(program)
            .user(&self.builder)
            .folder(self.folder())
            .env("HOME", self.partial().display().to_string())
            .killable(&self.site)
            .deadline(1800)
    }

    fn git(&self, args: &[&str]) -> Cmd {
        let tree = self.partial().join("tree").display().to_string();
        self.as_builder("git")
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "protocol.ext.allow=never",
                "-c",
                "gc.auto=0",
            ])
            .args([
                "-c",
                "advice.detachedHead=false",
                "-c",
                "init.defaultBranch=main",
                "-C",
                &tree,
            ])
            .args(args.iter().copied())
            .env("GIT_TERMINAL_PROMPT", "0")
    }

    /// Fetches with what opens the repository, lent for that time.
    async fn fetch(&self, host: &Host) -> Result<()> {
        let (builder, access) = (&self.builder, self.access.as_ref());
        let told = access::lend(host, builder, &self.name(), &self.url, access)?;
        let fetched = self.fetch_by(host, &told).await;
        access::take_back(host, builder, &self.name())?;
        fetched
    }

    /// Fetches what `args` name.
    async fn fetch_one(&self, host: &Host, told: &Introduction, args: &[&str]) -> Result<()> {
        let options: Vec<&str> = told.options.iter().map(String::as_str).collect();
        let words = [&options[..], &["fetch", "--quiet", "--no-tags"], args].concat();
        let fetch = self.git(&words).env("GIT_SSH_COMMAND", &told.ssh);
        let log = format!("git-fetch-{}", self.name());
        host.run(&fetch.log(log)).await.map(drop)
    }

    async fn fetch_by(&self, host: &Host, told: &Introduction) -> Result<()> {
        let tree = self.partial().join("tree").display().to_string();
        host.run(&self.as_builder("mkdir").args(["-p", "--", &tree]))
            .await?;
        // a local repository is somebody else's folder, which git asks to be told of; this cannot
        // be said on the command line, as the serving end does not look there
        let config = self.partial().join(".gitconfig").display().to_string();
        let safe =
            self.as_builder("git")
                .args(["config", "--file", &config, "safe.directory", "*"]);
        host.run(&safe).await?;
        host.run(&self.git(&["init", "--quiet", "--template="]))
            .await?;
        let exact = ["--depth=1", "--", &self.url, &self.commit];
        if let Err(error) = self.fetch_one(host, told, &exact).await {
            if !refused_a_commit(&error) {
                return Err(error);
            }
            let text =
                "the repository gives no single commits; fetching its branch with all history"
                    .to_owned();
            host.events().tell(Event::Note { text });
            let branch = ["--", &self.url, &self.branch];
            self.fetch_one(host, told, &branch).await?;
        }
        host.run(&self.git(&["checkout", "--quiet", "--detach", &self.commit]))
            .await?;
        Ok(())
    }
}

impl Resource for Checkout {
    type State = State;

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let head = host.text(&self.path.join(".git/HEAD"))?;
        Ok(head.map(|text| State {
            commit: text.trim().to_owned(),
        }))
    }

    fn want(&self, _now: Option<&State>) -> Option<State> {
        Some(State {
            commit: self.commit.clone(),
        })
    }

    /// Whatever its HEAD was bent to, no other commit ever lies at this path.
    fn back(
        &self,
        _now: Option<&State>,
        before: Option<&State>,
        _after: Option<&State>,
    ) -> Option<State> {
        before.and_then(|_| self.want(before))
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        access::take_back(host, &self.builder, &self.name())?;
        tree::clear(host, &self.path)?;
        if from == to && to.is_some() {
            return Ok(Moved::There);
        }
        // also what is no checkout any more, its `.git` being gone
        tree::take_away(host, &self.path)?;
        if to.is_some() {
            self.fetch(host).await?;
            tree::put(host, &self.partial().join("tree"), &self.path)?;
        }
        Ok(Moved::There)
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        if from == to {
            String::new()
        } else {
            format!("{} of {}", self.branch, self.url)
        }
    }
}

/// Whether a server said that it gives branches only, no single commits.
fn refused_a_commit(error: &Error) -> bool {
    let text = error.to_string();
    ["not our ref", "unadvertised object", "not advertised"]
        .iter()
        .any(|said| text.contains(said))
}
