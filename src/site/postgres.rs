//! A PostgreSQL server on another host.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;
use toml::de::DeValue;

use super::net::host_name;
use super::text::{self, refuse, text};
use crate::text::diagnostic::{Invalid, did_you_mean, quote};
use crate::text::reader::FromToml;

text! {
    /// The host of a server: a name or an address.
    ServerName <- server;
    /// A role in `PostgreSQL`.
    RoleName <- role;
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

/// How the connection to a server is secured (libpq's `sslmode`). The modes that fall back to a
/// connection in clear text are left out: whoever is on the way would choose them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// In clear text: for a tunnel or a wire of one's own.
    Disable,
    /// Encrypted; whoever answers is believed.
    Require,
    /// The certificate must come from the authority that is known.
    VerifyCa,
    /// And it must be for the name of the server.
    VerifyFull,
}

impl SslMode {
    const NAMES: [(&str, Self); 4] = [
        ("disable", Self::Disable),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    /// Whether the certificate of the server is held against a known authority.
    #[must_use]
    pub fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, mode)| mode == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

impl FromToml for SslMode {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        let text = text::read(value)?;
        if let Some((_, mode)) = Self::NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*mode);
        }
        let names = Self::NAMES.map(|(name, _)| name);
        if matches!(text, "allow" | "prefer") {
            let message = format!("{} falls back to a connection in clear text", quote(text));
            return Err(Invalid::new(message)
                .label("not encrypted, if anyone on the way likes")
                .hint("write `\"require\"`, or `\"verify-full\"` with a `root_certificate`"));
        }
        let invalid = refuse(text, "a mode of TLS", &format!("`{}`", names.join("`, `")));
        Err(match did_you_mean(text, names) {
            Some(near) => invalid.hint(format!("did you mean `\"{near}\"`?")),
            None => invalid,
        })
    }
}
