//! Programs of the machine: how to call them, and what they return.

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

/// The `PATH` for finding programs. The caller's `PATH` is never used.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment variable of every process that is to be killed with odoo-deploy. After a crash the next run finds
/// leftover processes by it, even if they have changed their parent or their process group.
pub const MARK: &str = "ODOO_DEPLOY_SITE";

/// The value of [`MARK`] for apt and dpkg: they are never killed, the next run waits for them.
pub const MARK_APT: &str = "(apt)";

/// How many lines of a failed program's output the error keeps.
const TAIL: usize = 20;

/// The largest output of a program, in bytes. The longest that is needed, a simulation of apt's, has 1 MiB.
const MOST: u64 = 16 << 20;

/// One call of one program.
#[derive(Clone, Debug)]
pub struct Cmd {
    /// The program's name or path.
    pub program: String,
    /// Its arguments. Never a secret: everybody can read them in `/proc`.
    pub args: Vec<String>,
    /// Its environment variables in addition to the fixed ones. Never a secret.
    pub env: BTreeMap<String, String>,
    /// The account it runs as; `None` means root.
    pub user: Option<String>,
    /// Its working directory; `None` means `/`.
    pub folder: Option<PathBuf>,
    /// Its standard input, if it reads any. Secrets may be passed here.
    pub stdin: Option<Vec<u8>>,
    /// How long it may take.
    pub deadline: Duration,
    /// The run's log to write to, instead of a pipe. The program then survives the death of odoo-deploy. With a pipe,
    /// dpkg would die at its next line of output and leave a package half unpacked.
    pub log: Option<String>,
    /// The exit codes that are not failures.
    pub accepts: Vec<i32>,
    /// Whether all processes that it starts are killed when it ends.
    pub contained: bool,
}

impl Cmd {
    /// Calls `program` as root, in `/`, without standard input, with a deadline of one minute.
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

    /// Sets one environment variable.
    #[must_use]
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(key.into(), value.into());
        self
    }

    /// Runs the program as `user`, in the user's primary group only.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Runs the program in `folder`.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets the standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Sets the deadline.
    #[must_use]
    pub fn deadline(mut self, seconds: u64) -> Self {
        self.deadline = Duration::from_secs(seconds);
        self
    }

    /// Writes the output to the run's log `name`, after anything that is already there.
    #[must_use]
    pub fn log(mut self, name: impl Into<String>) -> Self {
        self.log = Some(name.into());
        self
    }

    /// Accepts the exit code `code` as well.
    #[must_use]
    pub fn accept(mut self, code: i32) -> Self {
        self.accepts.push(code);
        self
    }

    /// Kills all processes that the program starts when it ends, see `contained.rs`.
    #[must_use]
    pub fn contained(mut self) -> Self {
        self.contained = true;
        self
    }

    /// Sets [`MARK`]: the process may be killed if odoo-deploy dies.
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

/// How a program ended, and its output.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout; the end of its log if it wrote to a log.
    pub stdout: String,
    /// What it wrote to stderr; empty if it wrote to a log.
    pub stderr: String,
}

/// A program that failed.
#[derive(Debug, thiserror::Error)]
pub struct Failure {
    /// The command line, quoted as in a shell.
    pub call: String,
    /// How it ended.
    pub ending: String,
    /// The last lines of its output.
    pub tail: Vec<String>,
    /// The log with the whole output, if there is one.
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

/// A model of a machine's programs, for tests. Returns `None` for a call that does not end by itself.
pub type Model = dyn Fn(&Host, &Cmd) -> Option<Output>;

/// What handles calls of programs.
#[derive(Clone)]
pub enum Programs {
    /// The machine's own programs.
    Real,
    /// A model of them, for tests.
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
    /// Calls a program and waits for its end.
    ///
    /// The program gets its own process group, no terminal and a fixed environment. After its deadline the whole
    /// process group is killed.
    ///
    /// # Errors
    /// If it cannot be started, ends with a code that `cmd` does not accept, or exceeds its deadline.
    pub async fn run(&self, cmd: &Cmd) -> Result<Output> {
        tracing::debug!(%cmd, user = cmd.user, "run");
        let output = match &self.programs {
            Programs::Real => self.run_real(cmd).await?,
            Programs::Model(model) => {
                // other tasks run meanwhile, as they would beside a real program
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
            // if called as root, the standard library drops the supplementary groups as well
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
                // the program may end before it has read everything: its exit code says more than this error
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
        // cut output must not pass for the whole output
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

    /// The environment of every child process. It is fixed, except for the proxy variables: how to reach the network
    /// is the administrator's decision.
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

/// The ending of a call that has exceeded its deadline.
fn too_late(cmd: &Cmd) -> String {
    let seconds = cmd.deadline.as_secs();
    format!("did not end within {seconds} s and was killed")
}

/// Everything that comes out of a pipe; `None` if that is more than [`MOST`]. Always reads to the end: a program that
/// writes to a full pipe would wait for ever.
async fn all_of(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let Some(mut pipe) = pipe else {
        return Ok(Some(bytes));
    };
    (&mut pipe).take(MOST).read_to_end(&mut bytes).await?;
    let beyond = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok((beyond == 0).then_some(bytes))
}

/// Finds `program` in [`PATH`]; a name with a slash is used as a path.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Path::new(program).exists().then(|| program.into());
    }
    which::which_in(program, Some(PATH), "/").ok()
}

/// The end of a log, at most 16 KiB, without the output of earlier calls.
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
