//! The names that playbooks and templates have for the nginx in front of Odoo.

use serde::Serialize;

use crate::host::layout::RUN;
use crate::odoo::distribution::Nginx;
use crate::site::{Site, Tls};

/// The folder with this server's certificate authority and its certificates.
const AUTHORITY: &str = "/etc/ssl/odoo-deploy";

/// `proxy` in playbooks and templates. If the site has no proxy, all fields are empty.
#[derive(Debug, Default, Serialize)]
pub(super) struct ProxyNames {
    present: bool,
    /// Whether nginx serves HTTPS, with a certificate from any source.
    tls: bool,
    /// The packages that the proxy needs.
    #[serde(skip)]
    pub(super) packages: Vec<&'static str>,
    domain: String,
    certificate: String,
    key: String,
    email: String,
    /// The folder of this server's certificate authority.
    authority: &'static str,
    /// The authority that the check of the site trusts, if browsers do not know it.
    trust: String,
    /// The folder in which certbot puts its answers to the issuer.
    webroot: String,
    trusted: Vec<String>,
    /// The address at which nginx serves wkhtmltopdf's requests to Odoo.
    printer: String,
    /// The folders with static files of modules, in the order of `addons_path`.
    roots: Vec<String>,
    /// The prefix of this site's variables in nginx.
    variable: String,
    /// The file in which nginx's unit records what nginx runs of this site.
    record: String,
    /// What the distribution's version of nginx supports.
    nginx: Option<Nginx>,
}

impl ProxyNames {
    /// `addons` are the links to the add-on folders, in order; `odoo` is the link to the release.
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
            // a site's name may have a dash and no capital letter; a variable may have a capital letter and no dash
            variable: format!("site_{}", name.as_str().replace('-', "D")),
            record: format!("{RUN}/{name}.nginx"),
            nginx,
        }
    }
}
