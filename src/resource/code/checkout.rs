//! A commit of a git repository, at a path that contains the commit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::gate;
use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};
use crate::resource::code::translations::{self, Languages};
use crate::resource::code::tree;
use crate::resource::{Footprint, Moved, Resource};
use crate::secret::access::{self, Access, GitCredentials};

/// Git settings that override the server's `/etc/gitconfig`. A tree must be the commit byte for byte, whatever the
/// server's administrators have configured, and git's own files must be where this program reads them. Settings of
/// the network are left to `/etc/gitconfig`.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "advice.detachedHead=false",
    "core.attributesFile=/dev/null",
    "core.autocrlf=false",
    "core.eol=lf",
    "core.fileMode=true",
    "core.fsmonitor=false",
    "core.sparseCheckoutCone=false",
    "core.symlinks=true",
    "fetch.recurseSubmodules=false",
    "init.defaultBranch=main",
    "init.defaultObjectFormat=sha1",
    "init.defaultRefFormat=files",
    "submodule.recurse=false",
];

/// One commit of a repository, without its history.
///
/// Made beside its place and moved there when whole; afterwards translations alone come and go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Checkout {
    /// The folder of the checkout, in a folder of the builder.
    pub path: PathBuf,
    /// The address of the repository, as git takes it.
    pub url: String,
    /// The branch on which the commit was found.
    pub branch: String,
    /// The commit, in 40 hex digits.
    pub commit: String,
    /// The account that fetches: neither root nor the account of the service.
    pub builder: String,
    /// The name of the site. It marks the processes that this step starts, so that a later run finds those of a killed
    /// one.
    pub site: String,
    /// The key or token that opens a private repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// The languages whose translations are fetched; all, if the field is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub languages: Option<BTreeSet<String>>,
    /// The interpreter for which Odoo's code is compiled; without one Odoo compiles it at every start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<PathBuf>,
}

/// What is checked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    commit: String,
    /// The languages with complete translations; `None` means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    languages: Languages,
}

impl Checkout {
    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// A name that distinguishes this checkout from others that are fetched at the same time.
    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The folder of an unfinished checkout.
    fn partial(&self) -> PathBuf {
        tree::partial(&self.path)
    }

    /// The tree, while it is being made.
    fn tree(&self) -> PathBuf {
        self.partial().join("tree")
    }

    fn as_builder(&self, program: &str) -> Cmd {
        Cmd::new(program)
            .user(&self.builder)
            .folder(self.folder())
            .env("HOME", self.partial().display().to_string())
            .killable(&self.site)
            .contained()
            .deadline(1800)
    }

    fn git(&self, tree: &Path, args: &[&str]) -> Cmd {
        let tree = tree.display().to_string();
        let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
        self.as_builder("git")
            .args(settings)
            .args(["-C", &tree])
            .args(args.iter().copied())
            .env("GIT_TERMINAL_PROMPT", "0")
    }

    fn grant(&self, host: &Host) -> Result<GitCredentials> {
        let (builder, access) = (&self.builder, self.access.as_ref());
        access::grant(host, builder, &self.name(), &self.url, access)
    }

    /// Makes the tree. The builder has the credentials of the repository only during this time.
    async fn make(&self, host: &Host, languages: &Languages) -> Result<()> {
        let told = self.grant(host)?;
        let made = self.make_by(host, &told, languages).await;
        access::revoke(host, &self.builder, &self.name())?;
        made
    }

    async fn make_by(
        &self,
        host: &Host,
        told: &GitCredentials,
        languages: &Languages,
    ) -> Result<()> {
        if languages.is_some() {
            match self.make_lean(host, told, languages).await {
                Err(error) if refused_an_object(&error) => tree::clear(host, &self.path)?,
                made => return made,
            }
        }
        self.fetch_whole(host, told).await?;
        self.lay_out(host, told, languages).await
    }

    /// Fetches only the files that will be checked out (a partial clone).
    async fn make_lean(
        &self,
        host: &Host,
        told: &GitCredentials,
        languages: &Languages,
    ) -> Result<()> {
        self.begin(host).await?;
        // git can fetch the omitted files later only from a named remote
        let url = ["config", "remote.origin.url", &self.url];
        host.run(&self.git(&self.tree(), &url)).await?;
        let exact = ["--depth=1", "--filter=blob:none", "origin", &self.commit];
        self.fetch(host, told, &exact).await?;
        self.lay_out(host, told, languages).await
    }

    async fn fetch_whole(&self, host: &Host, told: &GitCredentials) -> Result<()> {
        self.begin(host).await?;
        let exact = ["--depth=1", "--", &self.url, &self.commit];
        match self.fetch(host, told, &exact).await {
            Err(error) if refused_an_object(&error) => (),
            fetched => return fetched,
        }
        let text = "the repository gives no single commits; fetching its branch with all history"
            .to_owned();
        host.events().tell(Event::Note { text });
        self.fetch(host, told, &["--", &self.url, &self.branch])
            .await
    }

    /// Initialises an empty repository.
    async fn begin(&self, host: &Host) -> Result<()> {
        let tree = self.tree();
        self.make_folder(host, &tree).await?;
        self.trust(host).await?;
        let init = ["init", "--quiet", "--template="];
        host.run(&self.git(&tree, &init)).await.map(drop)
    }

    /// Makes git trust all folders: a local repository belongs to another account, and git refuses such a folder.
    /// This needs a configuration file, because the serving git process ignores options of the command line.
    async fn trust(&self, host: &Host) -> Result<()> {
        let config = self.partial().join(".gitconfig").display().to_string();
        let safe =
            self.as_builder("git")
                .args(["config", "--file", &config, "safe.directory", "*"]);
        host.run(&safe).await.map(drop)
    }

    async fn make_folder(&self, host: &Host, path: &Path) -> Result<()> {
        let path = path.display().to_string();
        let make = self.as_builder("mkdir").args(["-p", "--", &path]);
        host.run(&make).await.map(drop)
    }

    /// A git command that may fetch, with the credentials of the repository.
    fn introduced(&self, tree: &Path, told: &GitCredentials, args: &[&str]) -> Cmd {
        let options = told.options.iter().map(String::as_str);
        let words: Vec<&str> = options.chain(args.iter().copied()).collect();
        self.git(tree, &words)
            .env("GIT_SSH_COMMAND", &told.ssh)
            .log(format!("git-fetch-{}", self.name()))
    }

    /// Fetches the objects that `args` name.
    async fn fetch(&self, host: &Host, told: &GitCredentials, args: &[&str]) -> Result<()> {
        let words = [&["fetch", "--quiet", "--no-tags"], args].concat();
        let fetch = self.introduced(&self.tree(), told, &words);
        host.run(&fetch).await.map(drop)
    }

    /// Checks out the fetched commit. git now fetches the files that a partial clone omitted.
    async fn lay_out(
        &self,
        host: &Host,
        told: &GitCredentials,
        languages: &Languages,
    ) -> Result<()> {
        let tree = self.tree();
        let words = ["checkout", "--quiet", "--detach", &self.commit];
        let mut checkout = self.git(&tree, &words);
        if languages.is_some() {
            let lean = ["config", "core.sparseCheckout", "true"];
            host.run(&self.git(&tree, &lean)).await?;
            let config = host.text(&tree.join(".git/config"))?;
            if !config.is_some_and(|config| config.contains("sparseCheckout")) {
                let text = "`git config` ended well and did not set `core.sparseCheckout`";
                return Err(Error::impossible(text));
            }
            self.say(host, &tree, languages).await?;
            checkout = self.introduced(&tree, told, &words);
        }
        host.run(&checkout).await?;
        self.compile(host).await
    }

    /// Compiles the code that every start of Odoo loads. The service may not write here, so it would compile the code
    /// at every start.
    async fn compile(&self, host: &Host) -> Result<()> {
        let Some(python) = &self.python else {
            return Ok(());
        };
        let folder = self.tree().join("odoo");
        let code = folder.display().to_string();
        let compile = self.as_builder(&python.display().to_string()).args([
            "-m",
            "compileall",
            "-q",
            "-j",
            "0",
            "-x",
            "/tests/",
            &code,
        ]);
        host.run(&compile).await?;
        if host.meta(&folder)?.is_some() && host.meta(&folder.join("__pycache__"))?.is_none() {
            let text = format!("`compileall` ended well and did not compile `{code}`");
            return Err(Error::impossible(text));
        }
        Ok(())
    }

    /// Records which translations are complete, for git and for later runs.
    async fn say(&self, host: &Host, tree: &Path, languages: &Languages) -> Result<()> {
        let list = tree.join(translations::LIST);
        if let Some(folder) = list.parent() {
            self.make_folder(host, folder).await?;
        }
        let of = format!("of={}", list.display());
        let write = self
            .as_builder("dd")
            .args([&of, "conv=fsync", "status=none"]);
        host.run(&write.stdin(translations::list(languages)))
            .await
            .map(drop)
    }

    /// Adds translations and removes unwanted ones while the service runs. The record never names a language with
    /// missing files. Objects that git fetched for this stay in its store.
    async fn translate(&self, host: &Host, from: &Languages, to: &Languages) -> Result<()> {
        // checked first: changes of somebody else must not be recorded as ours
        let is_ours = gate::change_tree(host, &self.path)?;
        let missing = translations::missing(from, to);
        if !missing.is_empty() {
            self.bring(host, &missing).await?;
            host.sync(&self.path)?;
        }
        if from != to {
            self.say(host, &self.path, to).await?;
        }
        // if somebody has changed the tree, the translations stay: some may be theirs
        if let Some(languages) = to
            && is_ours
        {
            let others = translations::others(languages);
            let find = self.as_builder("find");
            let prune = gate::remove_translations(host, &self.path, find, others)?;
            host.run(&prune).await?;
        }
        host.sync(&self.path)?;
        if is_ours {
            gate::note_tree(host, &self.path, &self.path)?;
        }
        Ok(())
    }

    /// Writes the files of the commit that have these names, also if a killed run left part of a file. Uses a
    /// separate index: a kill would leave git's own index locked, and git would take the existing files for local
    /// changes.
    async fn bring(&self, host: &Host, names: &BTreeSet<String>) -> Result<()> {
        self.make_folder(host, &self.partial()).await?;
        let index = self.partial().join("index").display().to_string();
        let git = |args: &[&str]| self.git(&self.path, args).env("GIT_INDEX_FILE", &index);
        let whole = ["-c", "core.sparseCheckout=false", "read-tree"];
        host.run(&git(&whole).arg(&self.commit)).await?;
        let listed = host.run(&git(&["ls-files", "--stage", "-z"])).await?.stdout;
        let files: Vec<(&str, &str)> = listed.split_terminator('\0').filter_map(entry).collect();
        if files.is_empty() {
            return Err(Error::garbled("`git ls-files`", "a commit without files"));
        }
        let wanted = files.iter().copied();
        let wanted = wanted.filter(|(_, path)| translations::has_name(path, names));
        let (blobs, paths): (Vec<&str>, Vec<&str>) = wanted.unzip();
        self.fetch_blobs(host, &blobs).await?;
        let write = git(&["checkout-index", "--quiet", "--force", "-z", "--stdin"]);
        let all: String = paths.iter().flat_map(|path| [path, "\0"]).collect();
        host.run(&write.stdin(all)).await?;
        for path in paths {
            if host.meta(&self.path.join(path))?.is_none() {
                let text = format!("`git checkout-index` ended well and did not write `{path}`");
                return Err(Error::impossible(text));
            }
        }
        tree::clear(host, &self.path)
    }

    /// Fetches the blobs that a partial clone omitted, in one request. git itself would request them one by one.
    async fn fetch_blobs(&self, host: &Host, blobs: &[&str]) -> Result<()> {
        let config = host.text(&self.path.join(".git/config"))?;
        if blobs.is_empty() || !config.is_some_and(|config| config.contains("promisor")) {
            return Ok(());
        }
        self.trust(host).await?;
        // the address of the repository may have changed since the clone
        let url = ["config", "remote.origin.url", &self.url];
        host.run(&self.git(&self.path, &url)).await?;
        // the same options as in git's own `promisor-remote.c`
        let words = [
            "-c",
            "fetch.negotiationAlgorithm=noop",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--recurse-submodules=no",
            "--filter=blob:none",
            "--stdin",
            "origin",
        ];
        let told = self.grant(host)?;
        let fetch = self.introduced(&self.path, &told, &words);
        let fetched = host.run(&fetch.stdin(blobs.join("\n") + "\n")).await;
        access::revoke(host, &self.builder, &self.name())?;
        fetched.map(drop)
    }
}

/// Splits an entry of git's index, `100644 BLOB 0<tab>NAME`, into blob and name.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (stage, name) = line.split_once('\t')?;
    Some((stage.split(' ').nth(1)?, name))
}

impl Resource for Checkout {
    type State = State;

    fn footprint(&self, from: Option<&State>) -> Vec<Footprint> {
        if from.is_some() {
            return Vec::new();
        }
        // only few add-on repositories are larger
        let is_odoo = self.languages.is_some();
        let (megabytes, thousands) = if is_odoo { (1500, 50) } else { (100, 5) };
        vec![Footprint::new(&self.path, megabytes, thousands).that_runs()]
    }

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        let Some(head) = host.text(&self.path.join(".git/HEAD"))? else {
            return Ok(None);
        };
        let list = host.text(&self.path.join(translations::LIST))?;
        Ok(Some(State {
            commit: head.trim().to_owned(),
            languages: translations::said(list.as_deref()),
        }))
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        let now = now.filter(|now| now.commit == self.commit);
        let asked = self.languages.clone();
        Some(State {
            commit: self.commit.clone(),
            languages: now.map_or_else(
                || asked.clone(),
                |now| translations::union(&now.languages, &asked),
            ),
        })
    }

    /// This path only ever holds this commit, even if somebody has changed its HEAD.
    fn rollback_target(
        &self,
        _now: Option<&State>,
        before: Option<&State>,
        _after: Option<&State>,
    ) -> Option<State> {
        match before {
            Some(before) if before.commit == self.commit => Some(before.clone()),
            _ => before.and_then(|_| self.want(before)),
        }
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        access::revoke(host, &self.builder, &self.name())?;
        tree::clear(host, &self.path)?;
        if let (Some(from), Some(to)) = (from, to)
            && from.commit == to.commit
        {
            self.translate(host, &from.languages, &to.languages).await?;
            return Ok(Moved::Applied);
        }
        // also a folder that is no longer a checkout because its `.git` is gone
        gate::take_tree_away(host, &self.path, true)?;
        if let Some(to) = to {
            self.make(host, &to.languages).await?;
            tree::put(host, &self.tree(), &self.path)?;
        }
        Ok(Moved::Applied)
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (from, to) if from == to => String::new(),
            (Some(from), Some(to)) if from.commit == to.commit => "more translations".into(),
            _ => format!("{} of {}", self.branch, self.url),
        }
    }
}

/// Whether the server refused to send a single commit or file: such a server sends only branches.
fn refused_an_object(error: &Error) -> bool {
    let text = error.to_string();
    ["not our ref", "unadvertised object", "not advertised"]
        .iter()
        .any(|said| text.contains(said))
}
