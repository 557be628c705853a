//! What playbooks and templates can refer to of nginx before Odoo.

use serde::Serialize;

use crate::host::layout::RUN;
use crate::odoo::distribution::Nginx;
use crate::site::{Site, Tls};

/// Where the authority of this server and its certificates are.
const AUTHORITY: &str = "/etc/ssl/odoo-deploy";

/// The `proxy` of playbooks and templates; where the site has none, all is empty.
#[derive(Debug, Default, Serialize)]
pub(super) struct Proxy {
    present: bool,
    /// Whether it answers HTTPS, with a certificate of any kind.
    tls: bool,
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
        let packages = match tls {
            Tls::None => vec!["nginx"],
            Tls::SelfSigned | Tls::Files => vec!["nginx", "openssl"],
            Tls::Acme => vec!["nginx", "certbot", "openssl"],
        };
        let mut roots: Vec<String> = addons.iter().map(ToString::to_string).collect();
        roots.extend([format!("{odoo}/addons"), format!("{odoo}/odoo/addons")]);
        Self {
            present: true,
            tls: tls != Tls::None,
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
            record: format!("{RUN}/{name}.nginx"),
            nginx,
        }
    }
}
