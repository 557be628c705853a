//! The validity of a certificate, and its problems.

use super::{Certificate, Issuer, OPENSSL};
use crate::host::command::Cmd;
use crate::host::{Host, Result};

/// How many days before its end a certificate is renewed. certbot's own timer renews 30 days before the end and must
/// have had time for it.
const AHEAD: u32 = 30;
const AHEAD_OF_ACME: u32 = 15;

impl Certificate {
    /// Returns the end of the validity, and why the certificate cannot be used.
    pub(super) async fn look(&self, host: &Host) -> Result<(Option<String>, Option<String>)> {
        let days = match self.issuer {
            Issuer::Itself | Issuer::Authority { .. } => AHEAD,
            Issuer::Acme { .. } => AHEAD_OF_ACME,
            Issuer::Owner => 0,
        };
        let path = self.path.display().to_string();
        let read = Cmd::new(OPENSSL)
            .args(["x509", "-in", &path, "-noout", "-enddate", "-pubkey"])
            .args(["-checkend", &(days * 24 * 60 * 60).to_string()])
            .accept(1);
        let read = host.run(&read).await?;
        let until = read
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix("notAfter="))
            .map(str::to_owned);
        let Some(end) = until.clone() else {
            return Ok((
                None,
                Some(format!("`{path}` is no certificate in PEM form")),
            ));
        };
        if read.code == Some(1) {
            return Ok((until, Some(format!("it ends on {end}"))));
        }
        let public = self.public_key(host).await?;
        let problem = match public {
            // only reported: the owner made the file and sets its mode
            Some(_) if self.issuer == Issuer::Owner && self.is_exposed(host)? => Some(format!(
                "everybody on this server can read the key `{key}`: `chmod o= {key}`, and have a new one made if anyone \
                 may have read it",
                key = self.key.display()
            )),
            None => Some(format!(
                "`{}` is no key in PEM form without a passphrase",
                self.key.display()
            )),
            Some(public) if !read.stdout.contains(public.trim()) => Some(format!(
                "`{}` is the key of another certificate",
                self.key.display()
            )),
            Some(_) => self.verify(host).await?,
        };
        Ok((until, problem))
    }

    /// Whether accounts other than the owner and the group have any access to the key. The group may have: `ssl-cert`
    /// exists for that.
    fn is_exposed(&self, host: &Host) -> Result<bool> {
        Ok(host
            .meta(&self.key)?
            .is_some_and(|meta| meta.mode & 0o007 != 0))
    }

    /// The public key of the private key; `None` if the private key is not readable without a passphrase.
    async fn public_key(&self, host: &Host) -> Result<Option<String>> {
        let key = self.key.display().to_string();
        let read = Cmd::new(OPENSSL)
            .args(["pkey", "-in", &key, "-pubout"])
            .args(["-passin", "pass:"])
            .accept(1);
        let read = host.run(&read).await?;
        Ok((read.code == Some(0)).then_some(read.stdout))
    }

    /// Returns the problem if the certificate is not for its domain, or not signed by its authority on this server.
    /// Whether visitors trust any other authority cannot be checked here.
    async fn verify(&self, host: &Host) -> Result<Option<String>> {
        let Some(domain) = &self.domain else {
            return Ok(None);
        };
        let path = self.path.display().to_string();
        let trusted = match &self.issuer {
            Issuer::Authority { path, .. } => path.display().to_string(),
            _ => path.clone(),
        };
        let verify = Cmd::new(OPENSSL)
            .args(["verify", "-partial_chain", "-purpose", "sslserver"])
            .args(["-trusted", &trusted, "-verify_hostname", domain, &path])
            .accept(2);
        let verify = host.run(&verify).await?;
        if verify.code == Some(0) {
            return Ok(None);
        }
        let reason = if verify.stderr.contains("hostname mismatch") {
            format!("it is not for `{domain}`")
        } else {
            let line = verify
                .stderr
                .lines()
                .find(|line| line.starts_with("error "));
            let reason = line.and_then(|line| line.rsplit(": ").next());
            reason.unwrap_or("it cannot be verified").to_owned()
        };
        Ok(Some(reason))
    }
}
