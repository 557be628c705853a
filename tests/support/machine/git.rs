//! `git`: the branches of remote repositories, and one commit of each at a time.

use odoo_deploy::host::command::Cmd;

use super::universe::{OLD, PRIVATE, REPOSITORIES, Repository, TOKEN};
use super::{Answer, Model};

/// A file of a repository: its name and its text.
type File = &'static (&'static str, &'static str);

/// The list of files that a sparse checkout writes.
const LIST: &str = ".git/info/sparse-checkout";

impl Model {
    pub(super) fn git(&self, cmd: &Cmd, args: &[&str]) -> Answer {
        let (mut folder, mut words, mut is_lean) = (None, Vec::new(), false);
        let mut iter = args.iter().copied();
        while let Some(arg) = iter.next() {
            match arg {
                "-c" => _ = iter.next(),
                "-C" => folder = iter.next(),
                "--file" => words.extend(iter.next()),
                "--filter=blob:none" => is_lean = true,
                arg if arg.starts_with("--") || arg == "-z" => (),
                word => words.push(word),
            }
        }
        if let Some(folder) = folder
            && !self.disk.exists(folder)
        {
            return Err((128, format!("fatal: cannot change to '{folder}'")));
        }
        let folder = folder.unwrap_or_default();
        match words[..] {
            ["ls-remote", url, branch, _] => {
                self.let_in(cmd, url)?;
                ls_remote(url, branch)
            }
            ["config", file, "safe.directory", "*"] => {
                self.may_write(cmd, file)?;
                let owner = self.caller(cmd);
                let text = "[safe]\n\tdirectory = *\n";
                self.fuse
                    .effect(|| self.disk.put_as(file, text, owner, 0o644));
                Ok(String::new())
            }
            ["config", key, value] => self.set_key(cmd, folder, key, value),
            ["init"] => self.init(cmd, folder),
            ["fetch", "origin"] => self.fetch_blobs(cmd, folder),
            ["fetch", "origin", what] => {
                let Some(url) = self.configured(folder, "remote.origin.url") else {
                    let words = "fatal: 'origin' does not appear to be a git repository";
                    return Err((128, words.into()));
                };
                self.let_in(cmd, &url)?;
                if is_lean {
                    self.set_key(cmd, folder, "remote.origin.promisor", "true")?;
                }
                self.fetch(cmd, folder, &url, what)
            }
            ["fetch", url, what] => {
                self.let_in(cmd, url)?;
                self.fetch(cmd, folder, url, what)
            }
            ["checkout", commit] => self.checkout(cmd, folder, commit),
            ["read-tree", commit] => self.read_tree(cmd, folder, commit),
            ["ls-files", ref patterns @ ..] => self.ls_files(cmd, folder, patterns),
            ["checkout-index"] => self.checkout_index(cmd, folder),
            _ => panic!("no model of git {args:?}"),
        }
    }

    fn configured(&self, folder: &str, key: &str) -> Option<String> {
        let text = self.disk.text(&format!("{folder}/.git/config"));
        let mut lines = text.lines();
        lines.find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(" = ")?.to_owned()))
    }

    fn set_key(&self, cmd: &Cmd, folder: &str, key: &str, value: &str) -> Answer {
        let path = format!("{folder}/.git/config");
        self.may_write(cmd, &path)?;
        let (owner, text) = (self.caller(cmd), self.disk.text(&path));
        let new = format!("{key} = {value}");
        let mut lines: Vec<&str> = text.lines().collect();
        let is_it = |line: &&mut &str| line.starts_with(&format!("{key} = "));
        match lines.iter_mut().find(is_it) {
            Some(line) => *line = &new,
            None => lines.push(&new),
        }
        let text = lines.join("\n") + "\n";
        self.fuse
            .effect(|| self.disk.put_as(&path, text, owner, 0o644));
        Ok(String::new())
    }

    /// The repository whose commit was fetched into a folder.
    fn fetched(&self, folder: &str) -> Option<Repository> {
        let head = self.disk.text(&format!("{folder}/.git/FETCH_HEAD"));
        let (commit, url) = head.trim().split_once(' ')?;
        all_at(url).find(|(_, _, at, _)| *at == commit)
    }

    /// Fetches blobs by their hashes, read from standard input.
    fn fetch_blobs(&self, cmd: &Cmd, folder: &str) -> Answer {
        let (url, _, _, files) = self.fetched(folder).expect("a commit was fetched before");
        self.let_in(cmd, url)?;
        let asked = String::from_utf8(cmd.stdin.clone().unwrap_or_default()).unwrap();
        for blob in asked.lines() {
            if !files.iter().any(|file| blob_of(file) == blob) {
                let words = format!("fatal: remote error: upload-pack: not our ref {blob}");
                return Err((128, words));
            }
        }
        // they go into git's object store, which no other program reads
        self.fuse.effect(|| ());
        Ok(String::new())
    }

    fn index(cmd: &Cmd) -> &str {
        cmd.env.get("GIT_INDEX_FILE").expect("never git's own")
    }

    fn read_tree(&self, cmd: &Cmd, folder: &str, commit: &str) -> Answer {
        let known = self.fetched(folder).filter(|(_, _, at, _)| *at == commit);
        if known.is_none() {
            let words = format!("fatal: not a tree object: {commit}");
            return Err((128, words));
        }
        let index = Self::index(cmd);
        self.may_write(cmd, index)?;
        let owner = self.caller(cmd);
        self.fuse
            .effect(|| self.disk.put_as(index, commit, owner, 0o644));
        Ok(String::new())
    }

    /// The files in an index, or none if there is no index.
    fn indexed(&self, cmd: &Cmd, folder: &str) -> &'static [(&'static str, &'static str)] {
        let commit = self.disk.text(Self::index(cmd));
        let fetched = self.fetched(folder).filter(|(_, _, at, _)| *at == commit);
        fetched.map_or(&[], |(.., files)| files)
    }

    fn ls_files(&self, cmd: &Cmd, folder: &str, patterns: &[&str]) -> Answer {
        let files = self.indexed(cmd, folder).iter();
        let is_asked = |name: &str| patterns.iter().any(|pattern| matches(name, pattern));
        let asked = files.filter(|(name, _)| patterns.is_empty() || is_asked(name));
        Ok(asked
            .map(|file| format!("100644 {} 0\t{}\0", blob_of(file), file.0))
            .collect())
    }

    fn checkout_index(&self, cmd: &Cmd, folder: &str) -> Answer {
        let names = String::from_utf8(cmd.stdin.clone().unwrap_or_default()).unwrap();
        let names: Vec<&str> = names.split_terminator('\0').collect();
        let files = self.indexed(cmd, folder).iter();
        let files: Vec<File> = files.filter(|(name, _)| names.contains(name)).collect();
        if files.len() < names.len() {
            return Err((128, "git checkout-index: not in the cache".into()));
        }
        self.write_files(cmd, folder, &files, || ());
        Ok(String::new())
    }

    /// Writes files. If killed in the middle, it has written half of the first file.
    fn write_files(&self, cmd: &Cmd, folder: &str, files: &[File], then: impl FnOnce()) {
        let owner = self.caller(cmd);
        let write = |(name, text): File, length: usize| {
            let path = format!("{folder}/{name}");
            self.disk.put_as(&path, &text[..length], owner, 0o644);
        };
        let (first, rest) = files.split_at(files.len().min(1));
        self.fuse.halves(
            || first.iter().for_each(|file| write(file, file.1.len() / 2)),
            |()| {
                for file in first.iter().chain(rest) {
                    write(file, file.1.len());
                }
                then();
            },
        );
    }

    /// Asks for a token, as the server of a private repository does. git gets the token from the credential
    /// helper for this server, which runs as the caller.
    fn let_in(&self, cmd: &Cmd, url: &str) -> Result<(), (i32, String)> {
        if !PRIVATE.contains(&url) {
            return Ok(());
        }
        let mut helpers = cmd.args.iter().filter_map(|arg| {
            arg.strip_prefix("credential.https://git.example.org.helper=")?
                .strip_suffix("; }; f")
        });
        let file = helpers.next().and_then(|helper| helper.rsplit(' ').next());
        let account = self.caller(cmd);
        let answered = file.filter(|file| self.disk.readable(file, account));
        if answered.is_some_and(|file| self.disk.text(file).contains(TOKEN)) {
            return Ok(());
        }
        let words = "fatal: could not read Username for 'https://git.example.org': terminal prompts disabled";
        Err((128, words.into()))
    }

    fn init(&self, cmd: &Cmd, folder: &str) -> Answer {
        let head = format!("{folder}/.git/HEAD");
        self.may_write(cmd, &format!("{folder}/.git"))?;
        let owner = self.caller(cmd);
        self.fuse.halves(
            || {
                self.disk.folder_as(&format!("{folder}/.git"), owner, 0o755);
            },
            |()| {
                self.disk
                    .put_as(&head, "ref: refs/heads/main\n", owner, 0o644);
            },
        );
        Ok(String::new())
    }

    fn fetch(&self, cmd: &Cmd, folder: &str, url: &str, what: &str) -> Answer {
        if !self.disk.exists(&format!("{folder}/.git/HEAD")) {
            return Err((128, "fatal: not a git repository".into()));
        }
        if at(url).is_none() {
            return Err((128, format!("fatal: unable to access '{url}/'")));
        }
        let found = all_at(url).find(|(_, branch, commit, _)| [branch, commit].contains(&&what));
        let Some((_, _, commit, _)) = found else {
            let is_commit = what.len() == super::universe::ODOO_COMMIT.len();
            let words = if is_commit {
                format!("fatal: remote error: upload-pack: not our ref {what}")
            } else {
                format!("fatal: couldn't find remote ref {what}")
            };
            return Err((128, words));
        };
        let owner = self.caller(cmd);
        let fetched = format!("{folder}/.git/FETCH_HEAD");
        let partial = format!("{folder}/.git/objects.partial");
        self.fuse.halves(
            || self.disk.put_as(&partial, "", owner, 0o644),
            |()| {
                self.disk.remove(&partial);
                self.disk
                    .put_as(&fetched, format!("{commit} {url}\n"), owner, 0o644);
            },
        );
        Ok(String::new())
    }

    fn checkout(&self, cmd: &Cmd, folder: &str, commit: &str) -> Answer {
        let known = self.fetched(folder).filter(|(_, _, at, _)| *at == commit);
        let Some((url, _, _, files)) = known else {
            let words = format!("fatal: reference is not a tree: {commit}");
            return Err((128, words));
        };
        if self.configured(folder, "remote.origin.promisor").is_some() {
            // git now fetches the blobs that the partial clone left out
            self.let_in(cmd, url)?;
            if url == OLD {
                let words = "error: Server does not allow request for unadvertised object";
                return Err((128, words.into()));
            }
        }
        let is_sparse = self.configured(folder, "core.sparseCheckout").is_some();
        let list = self.disk.text(&format!("{folder}/{LIST}"));
        let is_laid_out = |name: &str| {
            let patterns = list.lines().filter(|line| !line.starts_with('#'));
            // the last matching pattern decides
            patterns.fold(!is_sparse, |is, pattern| match pattern.strip_prefix('!') {
                Some(pattern) if matches(name, pattern) => false,
                None if matches(name, pattern) => true,
                _ => is,
            })
        };
        let files: Vec<File> = files.iter().filter(|file| is_laid_out(file.0)).collect();
        let owner = self.caller(cmd);
        self.write_files(cmd, folder, &files, || {
            let head = format!("{folder}/.git/HEAD");
            self.disk.put_as(&head, format!("{commit}\n"), owner, 0o644);
        });
        Ok(String::new())
    }
}

/// Whether a sparse-checkout pattern matches a file: all files, a suffix, or a name.
fn matches(name: &str, pattern: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    match pattern {
        "/*" => true,
        pattern if pattern.starts_with("*/") => name.ends_with(&pattern[1..]),
        pattern if pattern.starts_with('*') => file.ends_with(&pattern[1..]),
        pattern => file == pattern,
    }
}

/// A hash of a file's text, as long as git's.
fn blob_of(file: File) -> String {
    odoo_deploy::host::store::digest(file.1.as_bytes())[..40].to_owned()
}

fn at(url: &str) -> Option<Repository> {
    all_at(url).next()
}

/// The commits of a repository, one for each branch.
fn all_at(url: &str) -> impl Iterator<Item = Repository> {
    REPOSITORIES
        .iter()
        .copied()
        .filter(move |(at, ..)| *at == url)
}

fn ls_remote(url: &str, name: &str) -> Answer {
    let Some((_, branch, commit, _)) = at(url) else {
        return Err((128, format!("fatal: unable to access '{url}/'")));
    };
    if name == format!("refs/heads/{branch}") {
        Ok(format!("{commit}\t{name}\n"))
    } else {
        Err((2, String::new()))
    }
}
