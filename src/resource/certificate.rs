//! A TLS certificate with its key.

mod issue;
mod look;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::host::{Error, Host, Mode, Ownership, Result};
use crate::resource::{Moved, Resource};

/// The program that makes and reads certificates. It is called, not linked: every server has it for
/// `ca-certificates`, and the distribution maintains it.
const OPENSSL: &str = "/usr/bin/openssl";

/// A certificate and its private key. If both are in one file, one rename replaces both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The file of the certificate, with its chain.
    pub path: PathBuf,
    /// The file of the private key.
    pub key: PathBuf,
    /// The name that the certificate is for; none for an authority.
    #[serde(default)]
    pub domain: Option<String>,
    /// Where the certificate comes from.
    pub issuer: Issuer,
}

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Issuer {
    /// The certificate itself: it is an authority, made once for all sites of the server.
    Itself,
    /// An authority on this server.
    Authority {
        /// The certificate of the authority.
        path: PathBuf,
        /// The key of the authority.
        key: PathBuf,
    },
    /// The owner of the server, who provides the files.
    Owner,
    /// Let's Encrypt, by certbot with a webroot.
    Acme {
        /// The name of the certificate in certbot.
        name: String,
        /// The folder from which nginx serves the answers to challenges.
        webroot: PathBuf,
        /// The address for letters of the issuer.
        email: String,
    },
}

/// The state of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The end of the validity, as openssl prints it; `None` if the certificate has not been made yet.
    until: Option<String>,
    /// Why the certificate cannot be used.
    problem: Option<String>,
    /// The permission bits of the key, if this program sets them.
    mode: Option<Mode>,
}

impl Certificate {
    /// Whether this program makes the files itself.
    fn is_ours(&self) -> bool {
        matches!(self.issuer, Issuer::Itself | Issuer::Authority { .. })
    }
}

impl Resource for Certificate {
    type State = State;

    fn subject(&self) -> String {
        self.path.display().to_string()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        for path in [&self.path, &self.key] {
            if host.meta(path)?.is_none() {
                let problem = format!("there is no `{}`", path.display());
                return Ok((self.issuer == Issuer::Owner).then_some(State {
                    until: None,
                    problem: Some(problem),
                    mode: None,
                }));
            }
        }
        if host.meta(OPENSSL.as_ref())?.is_none() {
            return Ok(None);
        }
        let (until, problem) = self.look(host).await?;
        let mode = host
            .meta(&self.key)?
            .filter(|_| self.is_ours())
            .map(|meta| meta.mode.into());
        Ok(Some(State {
            until,
            problem,
            mode,
        }))
    }

    fn want(&self, now: Option<&State>) -> Option<State> {
        let fine = now.filter(|now| now.problem.is_none());
        Some(State {
            until: fine.and_then(|now| now.until.clone()),
            problem: None,
            mode: self.is_ours().then(|| Mode::from(0o600)),
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        if self.is_ours() {
            host.clear_prepared(&self.key)?;
            host.clear_prepared(&self.path)?;
        }
        let Some(to) = to else {
            return self.take_away(host, from.is_some()).await;
        };
        if from == Some(to) {
            return Ok(Moved::Applied);
        }
        if from.is_some_and(|from| from.problem == to.problem) {
            host.set_owner(&self.key, Ownership::root(0o600))?;
            return Ok(Moved::Applied);
        }
        match &self.issuer {
            Issuer::Itself => self.found(host).await?,
            Issuer::Authority { path, key } => self.sign(host, path, key).await?,
            Issuer::Acme {
                name,
                webroot,
                email,
            } => self.obtain(host, name, webroot, email).await?,
            Issuer::Owner => {
                return Err(Error::impossible(self.refuses(from).unwrap_or_default()));
            }
        }
        Ok(Moved::Applied)
    }

    fn refuses(&self, now: Option<&State>) -> Option<String> {
        let problem = now?.problem.as_ref()?;
        (self.issuer == Issuer::Owner).then(|| {
            format!(
                "the certificate of `[proxy]` will not do: {problem}; put a good one with its chain at `{}`, its key at `{}`",
                self.path.display(),
                self.key.display()
            )
        })
    }

    /// A rollback keeps a reissued certificate: it is equivalent, and the old key no longer exists.
    fn rollback_target(
        &self,
        now: Option<&State>,
        before: Option<&State>,
        _after: Option<&State>,
    ) -> Option<State> {
        before.and(now).cloned()
    }

    /// Visitors have imported the authority into their browsers.
    fn holds_data(&self) -> bool {
        self.issuer == Issuer::Itself
    }

    /// Other sites have certificates from this authority.
    fn is_shared(&self) -> bool {
        self.issuer == Issuer::Itself
    }

    fn residue(&self, from: Option<&State>) -> Option<&'static str> {
        match self.issuer {
            Issuer::Acme { .. } => Some(
                "the account with Let's Encrypt, certbot's logs, and public records of the certificate",
            ),
            Issuer::Itself | Issuer::Authority { .. } if from.is_some() => {
                Some("a renewed certificate")
            }
            _ => None,
        }
    }

    fn summary(&self, from: Option<&State>, _to: Option<&State>) -> String {
        let what = match &self.issuer {
            Issuer::Itself => "a new authority of this server, for browsers to import",
            Issuer::Authority { .. } => "signed by the authority of this server",
            Issuer::Acme { .. } => "asked of Let's Encrypt",
            Issuer::Owner => "looked at once openssl is there",
        };
        match from.and_then(|from| from.problem.as_ref()) {
            Some(problem) => format!("{what}: {problem}"),
            None if from.is_none() => what.to_owned(),
            None => String::new(),
        }
    }
}
