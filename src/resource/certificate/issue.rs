//! Issuing certificates, with openssl or through certbot.

use std::path::Path;

use super::{Certificate, Issuer, OPENSSL};
use crate::gate;
use crate::host::command::Cmd;
use crate::host::store::digest;
use crate::host::{Host, Ownership, Result};
use crate::resource::Moved;

/// The validity of certificates, in days. Browsers reject server certificates that are valid for more than 398 days,
/// except from authorities that a user imported; 397 is accepted in any case.
const AUTHORITY: u32 = 3650;
const SERVER: u32 = 397;

impl Certificate {
    /// Makes the authority. Writes the key first, because a certificate without its key is useless.
    pub(super) async fn found(&self, host: &Host) -> Result<()> {
        let key = new_key(host).await?;
        let request = self_signed(AUTHORITY, "odoo-deploy on this server")
            .args(["-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"])
            .args(["-addext", "keyUsage=critical,keyCertSign,cRLSign"])
            .args(["-addext", "subjectKeyIdentifier=hash"])
            .stdin(key.clone());
        let certificate = host.run(&request).await?.stdout;
        put(host, &self.key, &key, 0o600)?;
        put(host, &self.path, &certificate, 0o644)
    }

    /// Makes a certificate that the authority at `path` signs. The key is stored in the same file.
    pub(super) async fn sign(&self, host: &Host, path: &Path, key: &Path) -> Result<()> {
        let own = new_key(host).await?;
        let domain = self.domain.as_deref().unwrap_or_default();
        let request = self_signed(SERVER, "Odoo")
            .args(["-CA", &path.display().to_string()])
            .args(["-CAkey", &key.display().to_string()])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-addext", "keyUsage=critical,digitalSignature"])
            .args(["-addext", "extendedKeyUsage=serverAuth"])
            // the domain is not in the subject, because a common name is limited to 64 characters
            .args(["-addext", &format!("subjectAltName=DNS:{domain}")])
            .args(["-addext", "subjectKeyIdentifier=hash"])
            .args(["-addext", "authorityKeyIdentifier=keyid"])
            .stdin(own.clone());
        let certificate = host.run(&request).await?.stdout;
        let both = certificate + &own;
        put(host, &self.path, &both, 0o600)
    }

    /// Obtains a certificate from Let's Encrypt, which requests a file in `webroot` from nginx. The pre-hook makes
    /// nginx load the site that serves this file. certbot's own timer renews the certificate in the same way.
    pub(super) async fn obtain(
        &self,
        host: &Host,
        name: &str,
        webroot: &Path,
        email: &str,
    ) -> Result<()> {
        let domain = self.domain.as_deref().unwrap_or_default();
        let obtain = Cmd::new("certbot")
            .args(["certonly", "--non-interactive", "--agree-tos", "--webroot"])
            .args(["--webroot-path", &webroot.display().to_string()])
            .args(["--cert-name", name, "--domain", domain, "--email", email])
            .args(["--pre-hook", "systemctl reload-or-restart nginx.service"])
            .args(["--deploy-hook", "systemctl reload nginx.service"])
            .arg("--keep-until-expiring")
            .deadline(300);
        // noted before certbot runs, so that a later run knows the certificate even if this run is killed
        if host.meta(&self.path)?.is_none() {
            host.store()?.note_made(&gate::lineage_key(name), domain)?;
        }
        host.run(&obtain).await?;
        host.sync(&self.path)
    }

    /// Removes the certificate and half-made files, if a run made them.
    pub(super) async fn take_away(&self, host: &Host, is_there: bool) -> Result<Moved> {
        match &self.issuer {
            Issuer::Owner if is_there => return Ok(Moved::Kept("it is the owner's".into())),
            Issuer::Itself | Issuer::Authority { .. } => {
                for path in [&self.path, &self.key] {
                    if let Err(reason) = gate::remove_made(host, path)? {
                        return Ok(Moved::Kept(reason));
                    }
                }
            }
            Issuer::Acme { name, .. } if is_there => match gate::remove_lineage(host, name)? {
                Ok(delete) => {
                    host.run(&delete).await?;
                }
                Err(reason) => return Ok(Moved::Kept(reason)),
            },
            Issuer::Owner | Issuer::Acme { .. } => (),
        }
        Ok(Moved::Applied)
    }
}

/// Writes a file and notes its digest, so that later runs recognise it. A file of somebody else at this path is moved
/// aside.
fn put(host: &Host, path: &Path, text: &str, mode: u32) -> Result<()> {
    gate::make_room(host, path)?;
    host.store()?.note_written(path, &digest(text.as_bytes()))?;
    host.write(path, text.as_bytes(), Ownership::root(mode))
}

async fn new_key(host: &Host) -> Result<String> {
    let make = Cmd::new(OPENSSL)
        .args(["genpkey", "-algorithm", "EC"])
        .args(["-pkeyopt", "ec_paramgen_curve:P-256"]);
    Ok(host.run(&make).await?.stdout)
}

/// A call that makes a self-signed certificate. The key comes through standard input, so that no file contains it
/// yet; the system's `openssl.cnf` is ignored.
fn self_signed(days: u32, name: &str) -> Cmd {
    Cmd::new(OPENSSL)
        .args(["req", "-x509", "-new", "-config", "/dev/null"])
        .args(["-key", "/dev/stdin", "-sha256", "-days", &days.to_string()])
        .args(["-subj", &format!("/O=odoo-deploy/CN={name}")])
}
