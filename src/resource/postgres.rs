//! How PostgreSQL on this host is asked and told.

use std::path::{Path, PathBuf};

use crate::host::command::Cmd;
use crate::host::{Error, Host, Result};

/// Where Debian and Ubuntu keep each major version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The socket of the cluster on the default port.
pub(super) const SOCKET: &str = "/var/run/postgresql/.s.PGSQL.5432";

/// The last line of a whole answer: one that is cut off, or no answer at all, is not "no rows".
const END: &str = "-- odoo-deploy: end";

/// The newest installed `psql`: the binary itself, as Debian's wrapper in Perl costs six times as
/// much. `None` where PostgreSQL is not installed.
pub(super) fn psql(host: &Host) -> Result<Option<PathBuf>> {
    let mut versions: Vec<u32> = host
        .list(Path::new(VERSIONS))?
        .iter()
        .filter_map(|v| v.parse().ok())
        .collect();
    versions.sort_unstable();
    let program = versions
        .last()
        .map(|v| Path::new(VERSIONS).join(v.to_string()).join("bin/psql"));
    Ok(program.filter(|p| host.path(p).exists()))
}

/// The server that is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Server<'a> {
    /// This host's, as its superuser over the socket.
    Local,
    /// The one that the service file at this path names, as Odoo's own role. libpq reads the file, and
    /// the password with it: it is in no argument and no environment.
    Remote(&'a Path),
}

impl Server<'_> {
    /// Whether it can be asked: psql is installed, and the socket or the service file is there.
    pub(super) fn is_up(self, host: &Host) -> Result<bool> {
        let file = match self {
            Self::Local => Path::new(SOCKET),
            Self::Remote(service) => service,
        };
        Ok(psql(host)?.is_some() && host.path(file).exists())
    }

    /// Runs `sql` and answers its rows, fields parted by `|`.
    ///
    /// The statements go through standard input: an argument could be read by anyone.
    pub(super) async fn query(
        self,
        host: &Host,
        database: &str,
        sql: &str,
    ) -> Result<Vec<Vec<String>>> {
        let Some(program) = psql(host)? else {
            return Err(Error::Missing {
                program: "psql".into(),
            });
        };
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
            .stdin(format!("{sql}\n\\echo '{END}'\n"));
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
        let output = host.run(&call).await?;
        let answer = output.stdout.trim_end().strip_suffix(END);
        let answer =
            answer.ok_or_else(|| Error::garbled("the answer of `psql`", "it is cut off"))?;
        let rows = answer.lines().filter(|line| !line.is_empty());
        Ok(rows
            .map(|line| line.split('|').map(str::to_owned).collect())
            .collect())
    }
}

/// `name` as an SQL identifier.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as an SQL literal. Backslashes are taken as they are: `standard_conforming_strings` is on
/// in every supported PostgreSQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_leave_their_quotes() {
        assert_eq!(identifier(r#"a"; drop"#), r#""a""; drop""#);
        assert_eq!(literal("it's"), "'it''s'");
    }
}
