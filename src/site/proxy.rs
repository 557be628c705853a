//! The section `[proxy]`.

use super::fail2ban::{self, Fail2ban};
use super::network::Network;
use super::place::FilePath;
use super::read::Errors;
use super::section::{Given, Section, section};
use super::setting::{choice, number, one_of};
use super::text::{refuse, text};
use crate::text::diagnostic::{Diagnostic, Invalid, did_you_mean};
use crate::text::reader::Table;

section! {
    /// nginx in front of Odoo, for the `domain` of `[site]`. nginx gets a site of its own; other sites of nginx stay,
    /// and nginx is reloaded, never restarted. With this section Odoo has workers, a port for websockets and
    /// `proxy_mode`; keys that contradict it are refused. `/web/database` is closed, and sign-in is limited for each
    /// address: 20 tries at once, then one in two seconds.
    ///
    /// nginx sends static files and attachments itself. For that its processes (`www-data`) may read attachments, but
    /// neither sessions nor `odoo.conf`.
    pub struct Proxy from Written in "[proxy]" {
        /// Where nginx's certificate comes from.
        tls: Tls = Tls::SelfSigned,
        /// The file with the certificate and its chain. Needed with `tls = "files"`, refused otherwise. The certificate
        /// must fit the key and the domain. After a renewal the next run has nginx load the new file; `systemctl reload
        /// nginx` does so at once.
        certificate: Option<FilePath>,
        /// The file with the private key of the certificate. Needed with `tls = "files"`, refused otherwise.
        key: Option<FilePath>,
        /// The e-mail address that Let's Encrypt writes to. Needed with `tls = "acme"`, refused otherwise.
        email: Option<Email>,
        /// The largest request, in MiB.
        body_limit: BodyLimit = BodyLimit::ODOO,
        /// Proxies in front of nginx whose `X-Forwarded-*` headers are believed, such as `"192.0.2.7"` or
        /// `"10.1.0.0/24"`. They are never banned by fail2ban.
        trusted: Vec<Network>,
        /// Addresses and networks of programs that may call as often as they like. They are never banned by fail2ban.
        rpc_clients: Vec<Network>,
        /// Whether programs may call Odoo by XML-RPC, JSON-RPC and `/json/2`. Each address may call 60 times at once
        /// and then once a second; 30 more calls wait, further ones are refused (429). `false` closes these paths,
        /// except for `rpc_clients`.
        rpc: bool = true,
    }
}

text! {
    /// An e-mail address, only of characters that a shell does not interpret.
    Email <- email, "an e-mail address", r"^[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9.-]+$";
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

choice! {
    /// Where the certificate comes from.
    Tls, "a source of certificates", no_source {
        /// From an authority that odoo-deploy makes for this server. Import `/etc/ssl/odoo-deploy/ca.crt` into the
        /// browsers. The first run in the last 30 days of a certificate makes a new one.
        SelfSigned = "self-signed",
        /// From `certificate` and `key`.
        Files = "files",
        /// From Let's Encrypt, by certbot, whose timer renews the certificate. While the certificate is asked for, and
        /// if it cannot be had, nginx goes on with what it answered before.
        Acme = "acme",
        /// No certificate: plain HTTP, behind another proxy.
        None = "none",
    }
}

fn no_source(text: &str, what: &str, sources: &[&'static str]) -> Invalid {
    let invalid = refuse(text, what, &one_of(sources, "`"));
    match did_you_mean(text, sources.iter().copied()) {
        Some(near) => invalid.hint(format!("did you mean `{near}`?")),
        None => invalid,
    }
}

number! {
    /// The largest request, in MiB.
    BodyLimit, "a number of MiB", 1 to 4096 of "MiB", "is not a limit for requests"
}

impl BodyLimit {
    /// The limit of Odoo itself: `DEFAULT_MAX_CONTENT_LENGTH` in its `http.py`.
    pub const ODOO: Self = Self(128);
}

impl Proxy {
    /// Reads the section, if there is one; `domain` is whether `[site]` has a key of that name, right or wrong.
    pub(super) fn read(
        root: &mut Table<'_, '_>,
        domain: bool,
        jail: &fail2ban::Written,
        errors: &mut Errors,
    ) -> Option<Written> {
        let there = root.has(Self::key());
        let written = Self::written(root, errors);
        if !there {
            return None;
        }
        if !domain {
            let message = "`domain` of `[site]` is missing";
            let error = Diagnostic::absent(Self::place(&written), message).label("for which name?");
            errors.note(error.hint("write `domain = \"erp.example.org\"` below `[site]`"));
        }
        // with a wrong `tls`, it is unknown which other keys belong to it
        if let Some(tls) = written.chosen() {
            written.belongs(
                "certificate",
                &written.certificate,
                (tls, Tls::Files),
                errors,
            );
            written.belongs("key", &written.key, (tls, Tls::Files), errors);
            written.belongs("email", &written.email, (tls, Tls::Acme), errors);
            if jail.enabled.get() == Some(&true) {
                written.visitors_are_seen(tls, jail, errors);
            }
        }
        Some(written)
    }
}

impl Written {
    fn chosen(&self) -> Option<Tls> {
        let default = self.tls.absent.then_some(Tls::SelfSigned);
        self.tls.get().copied().or(default)
    }

    /// Notes a key that is absent although `owner` is the chosen source of certificates, or present although it is not.
    fn belongs<T>(
        &self,
        key: &str,
        value: &Given<T>,
        (chosen, owner): (Tls, Tls),
        errors: &mut Errors,
    ) {
        if chosen == owner && value.absent {
            let message = format!("`{key}` of `[proxy]` is missing");
            let error = Diagnostic::absent(Proxy::place(self), message);
            errors.note(error.label(format!("`tls = \"{owner}\"` needs it")));
        } else if let Some(place) = value.span().filter(|_| chosen != owner) {
            let message = format!("`{key}` means nothing with `tls = \"{chosen}\"`");
            let hint = format!("write `tls = \"{owner}\"`, or take `{key}` away");
            errors.wrong(place, message, &hint);
        }
    }

    /// Notes that a jail cannot work if all visitors seem to have one address.
    fn visitors_are_seen(&self, chosen: Tls, jail: &fail2ban::Written, errors: &mut Errors) {
        if chosen != Tls::None || !self.trusted.is_empty() {
            return;
        }
        let message = "behind another proxy all visitors seem to have its address: the first ban would shut out everybody";
        let hint = "write `trusted = [\"192.0.2.7\"]` below `[proxy]`, with the addresses that the other proxy asks from; \
                    if there is none, `trusted = [\"127.0.0.1\"]`";
        let label = "`[proxy]` has `tls = \"none\"` and no `trusted`";
        errors.note(
            Diagnostic::new(Fail2ban::place(jail), message)
                .label(label)
                .hint(hint),
        );
    }
}
