//! A PostgreSQL server on another host: the key `host` of `[postgres]`, and the keys that need it.

use std::net::IpAddr;
use std::ops::Range;

use super::about::Key;
use super::net::{Port, host_name};
use super::place::FilePath;
use super::section::{Field, Section, section};
use super::setting::choice;
use super::text::{refuse, text};
use crate::text::diagnostic::{Diagnostic, Invalid, did_you_mean, quote};
use crate::text::reader::Table;

section! {
    /// A PostgreSQL server on another host.
    pub struct Server from Written in "[postgres]" {
        /// The server, if PostgreSQL runs on another host. The role is tried before anything is built, and only its own
        /// database is touched.
        host: ServerName => "none: the server of this host, over its socket",
        /// The port of that server.
        port: Port = Port::POSTGRESQL,
        /// The role to sign in as. The role must be allowed to create databases, and must not be a superuser.
        user: RoleName => "the `name` of `[site]`",
        /// How the connection is secured (libpq's `sslmode`). Modes that fall back to clear text are refused.
        sslmode: SslMode => "`\"verify-full\"` with a `root_certificate`, else `\"require\"`",
        /// The file with the certificate of the authority that the server's certificate must come from. Odoo's service
        /// must be able to read the file.
        root_certificate: Option<FilePath>,
        /// The password of the role.
        password: FilePath as Password => "none; needed with `host`",
    }
}

section! {
    /// The password of the role on a PostgreSQL server of another host.
    pub(super) struct Password from WrittenPassword in "password = { … }" {
        /// The file with the password. Only root may read the file.
        file: FilePath,
    }
}

text! {
    /// The host of a server: a name or an address.
    ServerName <- server, "a host name or an IP address", r"^[A-Za-z0-9.:-]+$";
    /// A role in `PostgreSQL`.
    RoleName <- role, "the name of a role", r"^[a-z_][a-z0-9_.-]{0,62}$";
}

fn server(text: &str) -> Result<String, Invalid> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    if text.starts_with('/') {
        let invalid = refuse(text, "a server", "a name or an address");
        return Err(invalid.hint("without `host` the server of this host is used, over its socket"));
    }
    host_name(text).ok_or_else(|| {
        let invalid = refuse(text, "a server", "a name or an address");
        match text.rsplit_once(':') {
            Some((_, port)) if port.parse::<u16>().is_ok() => {
                invalid.hint(format!("the port goes below it: `port = {port}`"))
            }
            _ => invalid,
        }
    })
}

fn role(text: &str) -> Result<String, Invalid> {
    if text == "postgres" {
        return Err(
            Invalid::new("Odoo refuses to run as `postgres`, who may do anything")
                .label("a superuser")
                .hint("make a role that may create databases: `createuser --createdb --pwprompt odoo`"),
        );
    }
    let is_good = text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text
            .chars()
            .all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-' | '.'));
    if is_good && !text.starts_with("pg_") {
        return Ok(text.to_owned());
    }
    let label = "a lower case letter, then up to 62 of `a-z 0-9 _ - .`";
    Err(refuse(text, "a role", label))
}

choice! {
    /// How the connection to a server is secured (libpq's `sslmode`). The modes that fall back to clear text are left
    /// out: an attacker on the network could force the fallback.
    SslMode, "a mode of TLS", no_mode {
        /// In clear text: for a tunnel or a wire of your own.
        Disable = "disable",
        /// Encrypted. The server's certificate is not checked.
        Require = "require",
        /// The certificate must come from the authority of `root_certificate`.
        VerifyCa = "verify-ca",
        /// The certificate must also be for the name of the server.
        VerifyFull = "verify-full",
    }
}

impl SslMode {
    /// Whether the certificate of the server is checked against a known authority.
    #[must_use]
    pub fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

fn no_mode(text: &str, what: &str, modes: &[&'static str]) -> Invalid {
    if matches!(text, "allow" | "prefer") {
        let message = format!("{} falls back to a connection in clear text", quote(text));
        return Invalid::new(message)
            .label("not encrypted, if anyone on the way likes")
            .hint("write `\"require\"`, or `\"verify-full\"` with a `root_certificate`");
    }
    let invalid = refuse(text, what, &format!("`{}`", modes.join("`, `")));
    match did_you_mean(text, modes.iter().copied()) {
        Some(near) => invalid.hint(format!("did you mean `\"{near}\"`?")),
        None => invalid,
    }
}

/// The keys of a server. Without `host` there is no server.
impl Field for Option<Server> {
    type Value = Self;
    type Written = Written;

    fn take(table: &mut Table<'_, '_>, _: &'static str) -> Written {
        Server::take(table)
    }

    fn value(written: &Written) -> Option<Self> {
        if written.host.absent {
            return Some(None);
        }
        Server::value(written).map(Some)
    }

    fn keys(_: Key) -> Vec<Key> {
        Server::about().keys
    }
}

/// The table `password`, which names the file.
impl Field for Password {
    type Value = FilePath;
    /// The place of the table and the file that it names.
    type Written = Option<(Range<usize>, Option<FilePath>)>;

    fn take(table: &mut Table<'_, '_>, key: &'static str) -> Self::Written {
        if !table.has(key) {
            return None;
        }
        let mut inner = table.table(key);
        let file = <Self as Section>::take(&mut inner).file;
        let place = inner.span();
        let mut found = inner.finish();
        if file.absent && found.is_empty() {
            let error = Diagnostic::absent(place.clone(), "`file` of `password` is missing");
            found.push(error.hint("name the file that holds it: `{ file = \"/…\" }`"));
        }
        for error in found {
            table.error(error);
        }
        Some((place, file.get().cloned()))
    }

    fn value(written: &Self::Written) -> Option<FilePath> {
        written.as_ref()?.1.clone()
    }

    fn keys(key: Key) -> Vec<Key> {
        vec![key.nests::<Self>()]
    }
}
