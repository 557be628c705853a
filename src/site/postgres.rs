//! The section `[postgres]`.

use super::name::SiteName;
use super::read::Errors;
use super::section::{Section, section};
use super::server::{Server, SslMode};
use crate::text::diagnostic::Diagnostic;
use crate::text::reader::Table;

section! {
    /// PostgreSQL: the server of this host, over its socket; or with `host` a server on another host. `tuning` is for
    /// the former, all other keys are for the latter.
    pub struct Postgres from Written in "[postgres]" {
        /// If `true`, a file of its own sets the server of this host up for the host's cores and memory. `false` takes
        /// that file away again. Without the key the server's settings are left as they are.
        tuning: Option<bool>,
        /// The server, if it is on another host.
        server: Option<Server>,
    }
}

impl Postgres {
    /// Reads the section of the site that is named `site`.
    pub(super) fn read(
        root: &mut Table<'_, '_>,
        site: Option<&SiteName>,
        errors: &mut Errors,
    ) -> Option<Self> {
        let mut written = Self::written(root, errors);
        if written.server.host.absent {
            without_host(&written, errors);
            return Self::value(&written);
        }
        with_host(&written, errors);
        let server = &mut written.server;
        let name = site.and_then(|site| site.as_str().parse().ok());
        server.user.or(name);
        let by_certificate = match server.root_certificate.get() {
            Some(_) => SslMode::VerifyFull,
            None => SslMode::Require,
        };
        server.sslmode.or(Some(by_certificate));
        Self::value(&written)
    }
}

/// Notes keys that are for a server on another host.
fn without_host(written: &Written, errors: &mut Errors) {
    let server = &written.server;
    let alone = [
        (server.port.span(), "port"),
        (server.user.span(), "user"),
        (server.sslmode.span(), "sslmode"),
        (server.root_certificate.span(), "root_certificate"),
    ];
    for (place, key) in alone {
        if let Some(place) = place {
            let message = format!("`{key}` is for a server on another host, and `host` is missing");
            let error = Diagnostic::absent(place, message);
            errors.note(error.hint("name the server: `host = \"…\"`"));
        }
    }
    if let Some((place, _)) = &server.password {
        let message = "`password` is for a server on another host, and `host` is missing";
        let error = Diagnostic::absent(place.clone(), message);
        errors.note(error.hint("the server of this host is reached without a password"));
    }
}

/// Notes what contradicts a server on another host, and what such a server needs.
fn with_host(written: &Written, errors: &mut Errors) {
    if let Some(tuning) = written.tuning.span() {
        let message = "`tuning` is for the server of this host, and `host` names another";
        errors.wrong(tuning, message, "take the line away");
    }
    let server = &written.server;
    if server.password.is_none() {
        let message = "`password` of `[postgres]` is missing";
        let error = Diagnostic::absent(Postgres::place(written), message);
        let error = error.label("a server on another host asks for it");
        let hint = "write it into a file of root's own, and `password = { file = \"/…\" }`";
        errors.note(error.hint(hint));
    }
    if let Some(mode) = &server.sslmode.right
        && mode.get_ref().verifies()
        && server.root_certificate.absent
    {
        let mode_is = format!("`sslmode = \"{}\"`", mode.get_ref());
        let message = format!("{mode_is} needs the certificate of an authority");
        let hint = "name it: `root_certificate = \"/…/ca.pem\"`";
        errors.wrong(mode.span(), message, hint);
    }
}
