//! Queries and statements for a PostgreSQL server, through psql.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::host::command::{Cmd, Programs};
use crate::host::{Error, Host, Output, Result};
use crate::resource::postgres::clusters::{Configured, configured};
use crate::text::sql::{identifier, literal};

/// The folder in which Debian and Ubuntu keep PostgreSQL's programs, by major version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The socket of the cluster on the default port.
pub(super) const SOCKET: &str = "/var/run/postgresql/.s.PGSQL.5432";

/// The database that every server has.
const ENTRANCE: &str = "postgres";

/// Rows, each as a list of fields.
type Rows = Vec<Vec<String>>;

/// Texts in errors if even the superuser is rejected: from the server, in its configured language, and from libpq.
const LOCKED_OUT: &[&str] = &["pg_hba.conf", "uthent", "utent", "fe_sendauth"];

/// The end of psql if it could not connect: exit code 2.
const UNCONNECTED: &str = "ended with 2";

/// The exit code of `pg_isready` if the server is starting and rejects connections.
const STARTING: i32 = 1;

/// How often psql is tried again while the server starts, and the pause in milliseconds.
const OPENS: u32 = 50;
const PAUSE: u64 = 200;

/// The last line of a complete output: an output that was cut off, or is empty, does not mean "no rows".
const END: &str = "-- odoo-deploy: end";

/// The newest installed `psql`; `None` if PostgreSQL is not installed. This is the program itself, because Debian's
/// wrapper in Perl takes six times as long.
pub(super) fn psql(host: &Host) -> Result<Option<PathBuf>> {
    let mut versions: Vec<u32> = host
        .list(Path::new(VERSIONS))?
        .iter()
        .filter_map(|v| v.parse().ok())
        .collect();
    versions.sort_unstable();
    let programs = versions.iter().rev();
    let mut programs = programs.map(|v| Path::new(VERSIONS).join(v.to_string()).join("bin/psql"));
    // the folder of a removed version may still exist
    Ok(programs.find(|program| host.path(program).exists()))
}

/// A PostgreSQL server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Server<'a> {
    /// The server of this host, as its superuser over the socket.
    Local,
    /// The server in the service file at this path, as Odoo's role. libpq reads the password from that file, so it is
    /// in no argument and no environment.
    Remote(&'a Path),
}

/// Runs a read-only statement on this host's server; `None` if the server is not running.
///
/// # Errors
/// If the statement fails.
pub async fn ask_local(host: &Host, sql: &str) -> Result<Option<Vec<Vec<String>>>> {
    if !Server::Local.is_up(host)? {
        return Ok(None);
    }
    Server::Local.query(host, ENTRANCE, sql).await.map(Some)
}

/// Runs a read-only statement on this host's server, like [`Server::ask_if_open`].
///
/// # Errors
/// If the statement fails.
pub async fn ask_beside(host: &Host, sql: &str) -> Result<Vec<Vec<String>>> {
    Server::Local.ask_if_open(host, ENTRANCE, sql).await
}

impl Server<'_> {
    /// Whether the server can be asked: psql is installed, and the socket or the service file exists.
    pub(super) fn is_up(self, host: &Host) -> Result<bool> {
        let file = match self {
            Self::Local => Path::new(SOCKET),
            Self::Remote(service) => service,
        };
        Ok(psql(host)?.is_some() && host.path(file).exists() && self.listens(host))
    }

    /// Whether a server listens on the socket: a killed server leaves the socket behind.
    fn listens(self, host: &Host) -> bool {
        if let (Self::Local, Programs::Real) = (self, host.programs()) {
            let tried = UnixStream::connect(host.path(Path::new(SOCKET)));
            return tried
                .err()
                .is_none_or(|e| e.kind() != ErrorKind::ConnectionRefused);
        }
        true
    }

    /// Runs a read-only statement and returns its rows, like [`Self::query`]. On this host's server, concurrent
    /// statements are batched into one call of psql, and a statement returns no rows if its database does not exist
    /// or accepts no connections.
    pub(super) async fn ask(self, host: &Host, database: &str, sql: &str) -> Result<Rows> {
        let Self::Local = self else {
            return self.query(host, database, sql).await;
        };
        let all =
            async |questions: Vec<_>| self.call(host, ENTRANCE, &parts(&questions)).await.ok();
        let question = (database.to_owned(), sql.to_owned());
        if let Some(rows) = host.batches().postgresql.ask(question.clone(), all).await {
            return Ok(rows);
        }
        let rows = self.call(host, ENTRANCE, &parts(&[question])).await?;
        Ok(rows.concat())
    }

    /// Like [`Self::ask`], but returns no rows if the server cannot be reached or rejects the connection; the steps
    /// report that.
    ///
    /// # Errors
    /// If the statement fails.
    pub(super) async fn ask_if_open(self, host: &Host, database: &str, sql: &str) -> Result<Rows> {
        if !self.is_up(host)? {
            return Ok(Vec::new());
        }
        match self.ask(host, database, sql).await {
            Err(Error::Command(failure)) if failure.ending == UNCONNECTED => Ok(Vec::new()),
            answer => answer,
        }
    }

    /// Runs `sql` and returns its rows. Fields are separated by `|`.
    pub(super) async fn query(self, host: &Host, database: &str, sql: &str) -> Result<Rows> {
        let rows = self.call(host, database, &[sql.to_owned()]).await?;
        Ok(rows.concat())
    }

    /// A call that finds out whether the server accepts connections. psql's own errors cannot be used, because they
    /// are in the server's configured language.
    fn is_ready(self, psql: &Path) -> Cmd {
        let program = psql.with_file_name("pg_isready");
        let call = Cmd::new(program.display().to_string())
            .args(["--quiet", "--timeout=10"])
            .accept(STARTING)
            .deadline(60);
        match self {
            Self::Local => call.args(["--host=/var/run/postgresql", "--port=5432"]),
            Self::Remote(service) => call
                .env("PGSERVICEFILE", service.display().to_string())
                .arg("--dbname=service=odoo"),
        }
    }

    /// Runs the parts of a script, the first part in `database`, and returns the rows of each part.
    ///
    /// The statements go through standard input, because every account can read arguments.
    async fn call(self, host: &Host, database: &str, parts: &[String]) -> Result<Vec<Rows>> {
        let Some(program) = psql(host)? else {
            return Err(Error::Missing {
                program: "psql".into(),
            });
        };
        let script = parts.iter().map(|sql| format!("{sql}\n\\echo '{END}'\n"));
        let call = Cmd::new(program.display().to_string())
            .args([
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "--no-align",
                "--no-password",
                "--set=ON_ERROR_STOP=1",
                "--file=-",
            ])
            .env("PGCONNECT_TIMEOUT", "10")
            .env("PGAPPNAME", "odoo-deploy")
            .deadline(300)
            .stdin(script.collect::<String>());
        let call = match self {
            Self::Local => call.user("postgres").args([
                "--host=/var/run/postgresql",
                "--port=5432",
                &format!("--dbname={database}"),
            ]),
            Self::Remote(service) => call
                .env("PGSERVICEFILE", service.display().to_string())
                .arg(format!("--dbname=service=odoo dbname={database}")),
        };
        // boxed, because several futures await this one and would each contain all its state
        let is_ready = self.is_ready(&program);
        let answer = Box::pin(when_open(host, &call, &is_ready)).await;
        let output = match (self, answer) {
            (Self::Local, Err(error)) => return Err(locked_out(host, error)?),
            (_, answer) => answer?,
        };
        let mut answers: Vec<Rows> = vec![Vec::new()];
        for line in output.stdout.lines() {
            if line == END {
                answers.push(Vec::new());
            } else if let Some(rows) = answers.last_mut()
                && !line.is_empty()
            {
                rows.push(line.split('|').map(str::to_owned).collect());
            }
        }
        let beyond = answers.pop().unwrap_or_default();
        if answers.len() != parts.len() || !beyond.is_empty() {
            return Err(Error::garbled("the answer of `psql`", "it is cut off"));
        }
        Ok(answers)
    }
}

/// Runs psql, and tries again for some seconds while the server starts, or recovers from a crash, and rejects
/// connections.
async fn when_open(host: &Host, call: &Cmd, is_ready: &Cmd) -> Result<Output> {
    for _ in 0..OPENS {
        match host.run(call).await {
            Err(Error::Command(failure)) if failure.ending == UNCONNECTED => {
                let told = host.run(is_ready).await;
                if told.is_ok_and(|told| told.code == Some(STARTING)) {
                    host.pause(PAUSE).await?;
                } else {
                    return Err(Error::Command(failure));
                }
            }
            answer => return answer,
        }
    }
    host.run(call).await
}

/// If the server rejects its own superuser, an error with the line to write; otherwise `error` itself.
fn locked_out(host: &Host, error: Error) -> Result<Error> {
    let said = error.to_string();
    let mut lines = said.lines();
    let Some(words) = lines.find(|line| LOCKED_OUT.iter().any(|words| line.contains(words))) else {
        return Ok(error);
    };
    let words = words
        .rsplit_once("failed: ")
        .map_or(words, |(_, words)| words);
    let clusters = configured(host)?;
    let cluster = clusters
        .iter()
        .find(|found| found.is_alive() && found.port == 5432);
    let file = cluster.map_or(
        Path::new("/etc/postgresql/*/*").to_owned(),
        Configured::folder,
    );
    Ok(Error::impossible(format!(
        "PostgreSQL does not let its own superuser in over the socket ({}); write `local all postgres peer` above all other \
         lines of `{}`, then `systemctl reload postgresql`",
        words.trim(),
        file.join("pg_hba.conf").display()
    )))
}

/// The parts of one script that begins in [`ENTRANCE`]. A statement for another database runs only if that database
/// exists.
fn parts(questions: &[(String, String)]) -> Vec<String> {
    let mut parts = Vec::new();
    for (index, (database, sql)) in questions.iter().enumerate() {
        if database == ENTRANCE {
            parts.push(sql.clone());
            continue;
        }
        let name = literal(database);
        // a complete connection string, because psql interprets some names as more than a name; psql removes the
        // quotes
        let value = database.replace('\\', "\\\\").replace('\'', "\\'");
        let place = literal(&identifier(&format!("dbname='{value}'")));
        let back = if index + 1 == questions.len() {
            String::new()
        } else {
            format!("\\connect {ENTRANCE}\n")
        };
        parts.push(format!(
            "select exists (select from pg_database where datname = {name} and datallowconn and datconnlimit <> -2) \
             as there, {place} as place \\gset\n\
             \\if :there\n\\connect -reuse-previous=on :place\n{sql}\n{back}\\endif"
        ));
    }
    parts
}
