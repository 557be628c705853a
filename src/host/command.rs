//! Programs of the machine: how they are called, and what they answered.

mod contained;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use crate::host::{Error, Host, Result};

/// Where programs are looked for; never taken from the caller's environment.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Marks every process that is started to be killed when its agent is: a later agent finds such
/// stragglers by it, whatever they did to their parents and groups.
pub const MARK: &str = "ODOO_DEPLOY_SITE";

/// The value of [`MARK`] for apt and dpkg, which are never killed but waited for.
pub const MARK_APT: &str = "(apt)";

/// How many lines of a failed program's output its error holds.
const TAIL: usize = 20;

/// How many bytes an answer may have; the longest that is read, a simulation of apt's, has one.
const MOST: u64 = 16 << 20;

/// One call of one program.
#[derive(Clone, Debug)]
pub struct Cmd {
    /// The program's name or path.
    pub program: String,
    /// Its arguments. Never a secret: anyone may read them in `/proc`.
    pub args: Vec<String>,
    /// Its environment beyond the fixed one. Never a secret.
    pub env: BTreeMap<String, String>,
    /// The account it runs as; root where there is none.
    pub user: Option<String>,
    /// Its folder; `/` where there is none.
    pub folder: Option<PathBuf>,
    /// What it reads, where it reads anything; here secrets may pass.
    pub stdin: Option<Vec<u8>>,
    /// How long it may take.
    pub deadline: Duration,
    /// Writes into a log of the run instead of a pipe, so that it lives on when the agent dies:
    /// a package half unpacked because nobody read the pipe any more would be worse.
    pub log: Option<String>,
    /// Exit codes that are answers, not failures.
    pub accepts: Vec<i32>,
    /// Whether nothing that it starts may outlive it.
    pub contained: bool,
}

impl Cmd {
    /// Calls `program` as root, from `/`, with nothing to read, for a minute at most.
    #[must_use]
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            user: None,
            folder: None,
            stdin: None,
            deadline: Duration::from_secs(60),
            log: None,
            accepts: vec![0],
            contained: false,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets one variable of its environment.
    #[must_use]
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(key.into(), value.into());
        self
    }

    /// Runs it as `user`, with no other group than the user's own.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Runs it in `folder`.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Gives it `bytes` to read.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Lets it take `seconds`.
    #[must_use]
    pub fn deadline(mut self, seconds: u64) -> Self {
        self.deadline = Duration::from_secs(seconds);
        self
    }

    /// Writes what it says to the run's log `name`, below what was said there before.
    #[must_use]
    pub fn log(mut self, name: impl Into<String>) -> Self {
        self.log = Some(name.into());
        self
    }

    /// Takes exit `code` for an answer too.
    #[must_use]
    pub fn accept(mut self, code: i32) -> Self {
        self.accepts.push(code);
        self
    }

    /// Lets nothing that it starts outlive it, see `contained.rs`.
    #[must_use]
    pub fn contained(mut self) -> Self {
        self.contained = true;
        self
    }

    /// Sets [`MARK`]: on the agent's death it may be killed.
    #[must_use]
    pub fn killable(self, site: &str) -> Self {
        self.env(MARK, site)
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        for arg in &self.args {
            let plain = !arg.is_empty()
                && arg
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_=./:,+@%".contains(&b));
            if plain {
                write!(f, " {arg}")?;
            } else {
                write!(f, " '{}'", arg.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

/// What a program answered.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout; the tail of the log where it wrote one.
    pub stdout: String,
    /// What it wrote to stderr; empty where it wrote a log.
    pub stderr: String,
}

/// A program that did not do what it was called for.
#[derive(Debug, thiserror::Error)]
pub struct Failure {
    /// The call, as it would be typed.
    pub call: String,
    /// How it ended.
    pub ending: String,
    /// The last lines it wrote.
    pub tail: Vec<String>,
    /// Where the rest of it is.
    pub log: Option<PathBuf>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.call, self.ending)?;
        for line in &self.tail {
            write!(f, "\n    {line}")?;
        }
        if let Some(log) = &self.log {
            write!(f, "\n    all of it: {}", log.display())?;
        }
        Ok(())
    }
}

/// A model of a machine's programs, for tests. `None` where a call does not end by itself.
pub type Model = dyn Fn(&Host, &Cmd) -> Option<Output>;

/// Who answers a call.
#[derive(Clone)]
pub enum Programs {
    /// The machine's own programs.
    Real,
    /// A model of them.
    Model(Rc<Model>),
}

impl fmt::Debug for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Real => "Real",
            Self::Model(_) => "Model",
        })
    }
}

impl Host {
    /// Calls a program and waits for its answer.
    ///
    /// It runs in a process group of its own, with no terminal, no more environment than it is
    /// given, and a deadline after which the whole group is killed.
    ///
    /// # Errors
    /// If it cannot be started, ends with a code that `cmd` does not accept, or takes too long.
    pub async fn run(&self, cmd: &Cmd) -> Result<Output> {
        tracing::debug!(%cmd, user = cmd.user, "run");
        let output = match &self.programs {
            Programs::Real => self.run_real(cmd).await?,
            Programs::Model(model) => {
                // whoever works beside the caller has its turn, as while a real program runs
                tokio::task::yield_now().await;
                let Some(output) = model(self, cmd) else {
                    tokio::time::sleep(cmd.deadline).await;
                    return Err(self.failure(cmd, too_late(cmd), &Output::default()));
                };
                output
            }
        };
        if output.code.is_some_and(|code| cmd.accepts.contains(&code)) {
            return Ok(output);
        }
        let ending = match output.code {
            Some(127) if output.stdout.is_empty() && output.stderr.is_empty() => {
                return Err(Error::Missing {
                    program: cmd.program.clone(),
                });
            }
            Some(code) => format!("ended with {code}"),
            None => "was killed".to_owned(),
        };
        Err(self.failure(cmd, ending, &output))
    }

    fn failure(&self, cmd: &Cmd, ending: String, output: &Output) -> Error {
        let said = if output.stderr.trim().is_empty() {
            &output.stdout
        } else {
            &output.stderr
        };
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..]
            .iter()
            .map(|l| (*l).to_owned())
            .collect();
        let log = cmd
            .log
            .as_deref()
            .and_then(|name| self.store().ok().map(|s| s.log_path(name)));
        Error::Command(Box::new(Failure {
            call: cmd.to_string(),
            ending,
            tail,
            log,
        }))
    }

    async fn run_real(&self, cmd: &Cmd) -> Result<Output> {
        let Some(program) = find(&cmd.program) else {
            return Err(Error::Missing {
                program: cmd.program.clone(),
            });
        };
        let start = |source| {
            let ending = format!("could not be started: {source}");
            self.failure(cmd, ending, &Output::default())
        };
        let account = match &cmd.user {
            Some(user) => Some(self.accounts()?.user(user)?.clone()),
            None => None,
        };
        let mut command = match &account {
            Some(account) if cmd.contained => {
                contained::command(account.uid, account.gid, &program).map_err(start)?
            }
            _ => tokio::process::Command::new(program),
        };
        command
            .args(&cmd.args)
            .env_clear()
            .envs(self.environment(cmd)?)
            .envs(&cmd.env);
        command.current_dir(cmd.folder.as_deref().unwrap_or(Path::new("/")));
        command.process_group(0);
        command.stdin(if cmd.stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        if let Some(account) = account.filter(|_| !cmd.contained) {
            // as root the standard library drops the supplementary groups too
            command.uid(account.uid).gid(account.gid);
        }
        let mut log = None;
        if let Some(name) = &cmd.log {
            let mut file = self.store()?.open_log(name, &cmd.to_string())?;
            let said_before = file.seek(SeekFrom::End(0)).map_err(start)?;
            let clone = |f: &std::fs::File| f.try_clone().map_err(start);
            command.stdout(clone(&file)?).stderr(clone(&file)?);
            log = Some((file, said_before));
        } else {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let mut child = command.spawn().map_err(start)?;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw);
        let stdin = child.stdin.take();
        let feed = async {
            if let (Some(mut pipe), Some(bytes)) = (stdin, &cmd.stdin) {
                // a program may end without having read all of it: its exit code tells more
                let _ = pipe.write_all(bytes).await;
            }
        };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let waiting = async { tokio::join!(child.wait(), all_of(stdout), all_of(stderr), feed) };
        let ended = tokio::select! {
            ended = waiting => Ok(ended),
            () = tokio::time::sleep(cmd.deadline) => Err(too_late(cmd)),
            () = self.stop().forced() => Err("was killed, as a second signal asked".to_owned()),
        };
        let ended = match ended {
            Ok(ended) => ended,
            Err(ending) => {
                if let Some(group) = group {
                    let _ = killpg(group, Signal::SIGKILL);
                }
                let said = Output {
                    stdout: log.map(tail_of).unwrap_or_default(),
                    ..Output::default()
                };
                return Err(self.failure(cmd, ending, &said));
            }
        };
        let (status, stdout, stderr, ()) = ended;
        let (status, stdout, stderr) = (
            status.map_err(start)?,
            stdout.map_err(start)?,
            stderr.map_err(start)?,
        );
        // an answer that is cut must not be taken for a whole one
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            let ending = format!("said more than {} MiB", MOST >> 20);
            return Err(self.failure(cmd, ending, &Output::default()));
        };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Output {
            code: status.code(),
            stdout: log.map_or_else(|| text(stdout), tail_of),
            stderr: text(stderr),
        })
    }

    /// The environment of every child: fixed, but for the way to the network, which is the
    /// administrator's to say.
    fn environment(&self, cmd: &Cmd) -> Result<BTreeMap<String, String>> {
        let (user, home) = match &cmd.user {
            Some(user) => (user.clone(), self.accounts()?.user(user)?.home.clone()),
            None => ("root".to_owned(), "/root".to_owned()),
        };
        let mut env: BTreeMap<String, String> =
            [("PATH", PATH), ("LANG", "C.UTF-8"), ("LC_ALL", "C.UTF-8")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into();
        env.insert("HOME".into(), home);
        env.insert("USER".into(), user.clone());
        env.insert("LOGNAME".into(), user);
        let network = [
            "http_proxy",
            "https_proxy",
            "ftp_proxy",
            "no_proxy",
            "all_proxy",
        ];
        for name in network
            .iter()
            .flat_map(|n| [(*n).to_owned(), n.to_uppercase()])
        {
            if let Ok(value) = std::env::var(&name) {
                env.insert(name, value);
            }
        }
        Ok(env)
    }
}

/// How a call ended whose deadline has passed.
fn too_late(cmd: &Cmd) -> String {
    let seconds = cmd.deadline.as_secs();
    format!("did not end within {seconds} s and was killed")
}

/// All that comes out of a pipe; `None` where that is more than [`MOST`]. It is read to its end in
/// any case: a program whose pipe is full would wait for ever.
async fn all_of(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let Some(mut pipe) = pipe else {
        return Ok(Some(bytes));
    };
    (&mut pipe).take(MOST).read_to_end(&mut bytes).await?;
    let beyond = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok((beyond == 0).then_some(bytes))
}

/// Where `program` is; a path is taken as it is.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Path::new(program).exists().then(|| program.into());
    }
    which::which_in(program, Some(PATH), "/").ok()
}

/// The end of a log, at most 16 KiB of it, and nothing of what was said before.
fn tail_of((mut file, said_before): (std::fs::File, u64)) -> String {
    let length = file.seek(SeekFrom::End(0)).unwrap_or(0);
    let mut bytes = Vec::new();
    let read = file
        .seek(SeekFrom::Start(
            said_before.max(length.saturating_sub(16 * 1024)),
        ))
        .and_then(|_| std::io::Read::read_to_end(&mut file, &mut bytes));
    if read.is_err() {
        return String::new();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
