//! What stands before Odoo: the settings of `[proxy]`.

use std::fmt;

use serde::Serialize;
use toml::de::DeValue;

use super::net::integer;
use super::text::{self, refuse, text};
use crate::text::diagnostic::{Invalid, did_you_mean};
use crate::text::reader::FromToml;

text! {
    /// An e-mail address, of characters that mean nothing to a shell.
    Email <- email;
}

fn email(text: &str) -> Result<String, Invalid> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let good = text.len() <= 254
        && text.split_once('@').is_some_and(|(user, host)| {
            let starts = user.starts_with(|c: char| c.is_ascii_alphanumeric());
            starts
                && user.chars().all(plain)
                && host.contains('.')
                && super::net::is_authority(host)
                && !host.contains([':', '['])
        });
    if good {
        return Ok(text.to_owned());
    }
    Err(refuse(
        text,
        "an e-mail address",
        "such as `it@example.org`",
    ))
}

/// Where the certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// From an authority of this server's own, whose certificate is to be imported by those who visit.
    SelfSigned,
    /// From the owner's own, as files.
    Files,
    /// From Let's Encrypt, by certbot.
    Acme,
    /// There is none: plain HTTP, behind another proxy.
    None,
}

impl Tls {
    const ALL: [(&str, Self); 4] = [
        ("self-signed", Self::SelfSigned),
        ("files", Self::Files),
        ("acme", Self::Acme),
        ("none", Self::None),
    ];
}

impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::ALL.iter().find(|(_, tls)| tls == self);
        f.write_str(known.map_or("", |(name, _)| name))
    }
}

impl FromToml for Tls {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        let text = text::read(value)?;
        if let Some((_, tls)) = Self::ALL.iter().find(|(name, _)| *name == text) {
            return Ok(*tls);
        }
        let names = Self::ALL.map(|(name, _)| name);
        let label = "`self-signed`, `files`, `acme` or `none`";
        let invalid = refuse(text, "a source of certificates", label);
        Err(match did_you_mean(text, names) {
            Some(near) => invalid.hint(format!("did you mean `{near}`?")),
            None => invalid,
        })
    }
}

/// The largest request, in MiB: 1 to 4096.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct BodyLimit(u16);

impl BodyLimit {
    /// What Odoo itself takes at most: `DEFAULT_MAX_CONTENT_LENGTH` in its `http.py`.
    pub const ODOO: Self = Self(128);
}

impl FromToml for BodyLimit {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        let number = integer(value, "a number of MiB")?;
        match u16::try_from(number) {
            Ok(limit @ 1..=4096) => Ok(Self(limit)),
            _ => Err(
                Invalid::new(format!("`{number}` is not a limit for requests"))
                    .label("1 to 4096, in MiB"),
            ),
        }
    }
}
