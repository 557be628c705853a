//! Types for addresses: host names, ports, package indexes.

use std::net::IpAddr;
use std::ops::Range;

use serde::Serialize;
use toml::de::DeValue;

use super::setting::{Setting, whole_number};
use super::text::{self, refuse, text};
use crate::text::diagnostic::{Invalid, quote};
use crate::text::reader::{FromToml, unexpected};

text! {
    /// A DNS name (RFC 1123) in lower case.
    Domain <- domain, "a domain name", r"^[A-Za-z0-9.-]+$";
    /// The URL of a Python package index, without credentials.
    Index <- index, "an address", r"^(https?://|file:///)";
    /// The URL of a file to download, without credentials.
    Address <- address, "an `https://` address", r"^https://";
}

/// A TCP port that an unprivileged service can listen on: 1024 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Port(u16);

impl Port {
    /// Odoo's port for HTTP.
    pub const HTTP: Self = Self(8069);
    /// Odoo's port for websockets, if it has workers.
    pub const GEVENT: Self = Self(8072);
    /// `PostgreSQL`'s default port.
    pub const POSTGRESQL: Self = Self(5432);

    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl FromToml for Port {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        let number = integer(value, "a port")?;
        match u16::try_from(number) {
            Ok(port @ 1024..) => Ok(Self(port)),
            Ok(port @ 1..) => Err(Invalid::new(format!(
                "port `{port}` needs a privilege that the service does not have"
            ))
            .label("below 1024")
            .hint("keep Odoo on a high port such as `8069`, and put a proxy before it")),
            _ => Err(Invalid::new(format!("`{number}` is not a port")).label("1024 to 65535")),
        }
    }
}

impl Setting for Port {
    fn words() -> String {
        "a port from 1024 to 65535".to_owned()
    }

    fn schema() -> serde_json::Value {
        whole_number(1024, u16::MAX)
    }
}

/// Reads a whole number. For a number in quotes, the error says to remove the quotes.
pub(super) fn integer(value: &DeValue<'_>, what: &str) -> Result<i64, Invalid> {
    match value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| Invalid::new(format!("{} is too large", quote(&number.to_string())))),
        DeValue::String(text) if text.parse::<i64>().is_ok() => {
            Err(unexpected(what, value).hint(format!("without quotes: `{text}`")))
        }
        _ => Err(unexpected(what, value)),
    }
}

impl FromToml for IpAddr {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        let text = text::read(value)?;
        text.parse().map_err(|_| {
            let invalid = refuse(text, "an IP address", "an IPv4 or IPv6 address");
            match text {
                "localhost" => invalid.hint("write `\"127.0.0.1\"`"),
                "*" | "" => invalid.hint("every address of the server is `\"0.0.0.0\"`"),
                _ if text.starts_with('[') => invalid.hint("without the brackets"),
                _ => invalid
                    .hint("this server alone is `\"127.0.0.1\"`, every address is `\"0.0.0.0\"`"),
            }
        })
    }
}

fn domain(text: &str) -> Result<String, Invalid> {
    let label = "letters, digits and dashes, with dots between";
    let refused = || refuse(&without_userinfo(text), "a domain", label);
    if let Some((_, rest)) = text.split_once("://") {
        let (_, rest) = userinfo(rest);
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        return Err(refused().hint(format!("only the name: {}", quote(host))));
    }
    if !text.is_ascii() {
        return Err(refused().hint("write it in its ASCII form, which starts with `xn--`"));
    }
    if text.ends_with('.') {
        return Err(refused().hint("without the dot at the end"));
    }
    if text.contains('*') {
        return Err(refused().hint("one name, not a pattern"));
    }
    host_name(text).ok_or_else(refused)
}

/// The name of a host, with or without a domain, in lower case.
pub(super) fn host_name(text: &str) -> Option<String> {
    let numeric = |label: &str| label.chars().all(|c| c.is_ascii_digit());
    let is_good = is_host_name(text) && !text.rsplit('.').next().is_none_or(numeric);
    is_good.then(|| text.to_ascii_lowercase())
}

/// RFC 1123: labels of 1 to 63 letters, digits and inner dashes, at most 253 in all.
fn is_host_name(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            matches!(label.len(), 1..=63)
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
}

fn index(text: &str) -> Result<String, Invalid> {
    let label = "`https://`, `http://` or `file:///`";
    let refused = || {
        refuse(
            &without_userinfo(text),
            "the address of a package index",
            label,
        )
    };
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(refused().hint("without spaces, and in ASCII"));
    }
    if let Some(path) = text.strip_prefix("file://") {
        let good = path.starts_with('/') && path.len() > 1;
        return good.then(|| text.to_owned()).ok_or_else(refused);
    }
    let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return Err(refused());
    };
    refuse_credentials(
        rest,
        "take away what is before the `@`, and keep it in `/root/.netrc`",
    )?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    is_authority(authority)
        .then(|| text.to_owned())
        .ok_or_else(refused)
}

fn address(text: &str) -> Result<String, Invalid> {
    let refused = || {
        refuse(
            &without_userinfo(text),
            "the address of a file",
            "`https://`",
        )
    };
    if !text
        .chars()
        .all(|c| c.is_ascii_graphic() && c != '\'' && c != '"')
    {
        return Err(refused().hint("without spaces and quotes, and in ASCII"));
    }
    let Some(rest) = text.strip_prefix("https://") else {
        return Err(refused());
    };
    refuse_credentials(rest, "take away what is before the `@`")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    (is_authority(authority) && !path.is_empty())
        .then(|| text.to_owned())
        .ok_or_else(refused)
}

/// Whether `host[:port]` names a host: a name, an IPv4 address or an IPv6 address in brackets.
pub(super) fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            return rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        }
        None => text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port))),
    };
    is_host_name(host) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0) && text.chars().all(|c| c.is_ascii_digit())
}

/// Splits `user:password@host/path` into the part before the `@` and the rest.
pub(super) fn userinfo(rest: &str) -> (Option<&str>, &str) {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    }
}

/// The part of an address that may be a secret, even if the address is malformed: everything before the last `@`,
/// except a plain user name for ssh.
pub(super) fn credentials(address: &str) -> Option<Range<usize>> {
    let start = address.find("://").map_or(0, |at| at + "://".len());
    let end = address.rfind('@').filter(|end| *end > start)?;
    let ssh = matches!(&address[..start], "" | "ssh://");
    (!ssh || address[start..end].contains(':')).then_some(start..end)
}

/// An address without its secret part, as it may be shown.
pub(super) fn without_userinfo(address: &str) -> String {
    match credentials(address) {
        Some(secret) => format!("{}…{}", &address[..secret.start], &address[secret.end..]),
        None => address.to_owned(),
    }
}

/// Refuses an address with a part before `@`: it is a password or a token, and `site.toml` contains no secrets.
pub(super) fn refuse_credentials(rest: &str, hint: &str) -> Result<(), Invalid> {
    match userinfo(rest) {
        (None, _) => Ok(()),
        (Some(_), _) => Err(Invalid::new("credentials are never written in an address")
            .label("the part before `@` is a secret")
            .hint(hint)),
    }
}
