//! What playbooks and templates can refer to of nginx before Odoo.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::odoo::distribution::Nginx;
use crate::site::{Site, Tls};

/// Where the authority of this server and its certificates are.
const AUTHORITY: &str = "/etc/ssl/odoo-deploy";

/// The `proxy` of playbooks and templates; where the site has none, all is empty.
#[derive(Debug, Default, Serialize)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a condition of a playbook"
)]
pub(super) struct Proxy {
    present: bool,
    /// Whether it answers HTTPS, with a certificate of any kind.
    tls: bool,
    self_signed: bool,
    files: bool,
    acme: bool,
    /// The packages it needs.
    #[serde(skip)]
    pub(super) packages: Vec<&'static str>,
    domain: String,
    certificate: String,
    key: String,
    email: String,
    /// The folder of the authority of this server.
    authority: &'static str,
    /// Whose word the check of the site takes for its certificate, where it is in no browser.
    trust: String,
    /// Where certbot puts what the issuer asks for.
    webroot: String,
    trusted: Vec<String>,
    /// Where nginx serves Odoo's own printer.
    printer: String,
    /// Where the static files of modules are, in the order of `addons_path`.
    roots: Vec<String>,
    /// What the names of its variables in nginx begin with.
    variable: String,
    /// The files that nginx runs, by the step of the playbook that makes them.
    inputs: BTreeMap<&'static str, String>,
    /// The same, without their steps.
    reads: Vec<String>,
    /// The certificate, by the step of the playbook that makes it or looks at it.
    certificates: BTreeMap<&'static str, String>,
    /// Where nginx writes down what it runs.
    record: String,
    /// What the nginx of the distribution understands.
    nginx: Option<Nginx>,
}

impl Proxy {
    /// `addons` are the links of further folders of addons, in order; `odoo` is that of the release.
    pub(super) fn of(site: &Site, nginx: Option<Nginx>, addons: &[&str], odoo: &str) -> Self {
        let (Some(proxy), Some(domain)) = (&site.proxy, &site.domain) else {
            return Self::default();
        };
        let (name, home, tls) = (&site.name, &site.paths.home, proxy.tls);
        let (certificate, key) = match tls {
            Tls::SelfSigned => {
                let both = format!("{AUTHORITY}/{name}.pem");
                (both.clone(), both)
            }
            Tls::Acme => {
                let live = format!("/etc/letsencrypt/live/{name}");
                (
                    format!("{live}/fullchain.pem"),
                    format!("{live}/privkey.pem"),
                )
            }
            Tls::Files | Tls::None => {
                let text = |path: &Option<_>| path.as_ref().map(ToString::to_string);
                let certificate = text(&proxy.certificate).unwrap_or_default();
                (certificate, text(&proxy.key).unwrap_or_default())
            }
        };
        let mut inputs = BTreeMap::from([
            ("proxy", format!("/etc/nginx/sites-available/{name}.conf")),
            (
                "proxy-link",
                format!("/etc/nginx/sites-enabled/{name}.conf"),
            ),
            (
                "http",
                format!("/etc/nginx/sites-available/{name}.http.conf"),
            ),
            (
                "http-link",
                format!("/etc/nginx/sites-enabled/{name}.http.conf"),
            ),
        ]);
        let (mut packages, mut certificates) = (vec!["nginx"], BTreeMap::new());
        match tls {
            Tls::SelfSigned => {
                packages.push("openssl");
                certificates.insert("certificate", certificate.clone());
            }
            Tls::Files => {
                packages.push("openssl");
                certificates.insert("certificate-file", certificate.clone());
            }
            Tls::Acme => {
                packages.extend(["certbot", "openssl"]);
                certificates.insert("certificate-acme", certificate.clone());
            }
            Tls::None => _ = inputs.remove("http"),
        }
        let mut roots: Vec<String> = addons.iter().map(ToString::to_string).collect();
        roots.extend([format!("{odoo}/addons"), format!("{odoo}/odoo/addons")]);
        Self {
            present: true,
            tls: tls != Tls::None,
            self_signed: tls == Tls::SelfSigned,
            files: tls == Tls::Files,
            acme: tls == Tls::Acme,
            packages,
            domain: domain.to_string(),
            certificate,
            key,
            email: proxy
                .email
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            authority: AUTHORITY,
            trust: match tls {
                Tls::SelfSigned => format!("{AUTHORITY}/ca.crt"),
                _ => String::new(),
            },
            webroot: format!("{home}/acme"),
            trusted: proxy.trusted.iter().map(ToString::to_string).collect(),
            printer: site.printer(),
            roots,
            // a name may have a dash and no capital letter, a variable the other way round
            variable: format!("site_{}", name.as_str().replace('-', "D")),
            reads: inputs.values().cloned().collect(),
            inputs,
            certificates,
            record: format!("/run/odoo-deploy/{name}.nginx"),
            nginx,
        }
    }
}
