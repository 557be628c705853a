//! Requests to nginx, as a visitor makes them.

use super::server::Server;

/// The domain of the site.
pub(crate) const DOMAIN: &str = "erp.example.org";

/// The certificate of the server's own authority.
pub(crate) const AUTHORITY: &str = "/etc/ssl/odoo-deploy/ca.crt";

/// The site of every scenario with a proxy.
pub(crate) fn site(domain: &str, proxy: &str) -> String {
    let base = super::server::site("");
    format!("[site]\ndomain = \"{domain}\"\n\n{base}[http]\nworkers = 2\n\n[proxy]\n{proxy}\n")
}

/// The answer to a request over HTTPS. The certificate must be signed by the server's authority.
pub(crate) fn ask(server: &Server, domain: &str, path: &str) -> String {
    let script = format!(
        "printf 'GET {path} HTTP/1.1\\r\\nHost: {domain}\\r\\nConnection: close\\r\\n\\r\\n' \
         | openssl s_client -quiet -connect 127.0.0.1:443 -servername {domain} \
           -CAfile {AUTHORITY} -verify_hostname {domain} -verify_return_error 2>/dev/null | head -c 60000 || true"
    );
    server.sh(&script).replace('\r', "")
}

/// The answer to a request over plain HTTP to `host`.
pub(crate) fn ask_plainly(server: &Server, host: &str, path: &str) -> String {
    let script = format!(
        "perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(\"127.0.0.1:80\") or exit; \
         print $s \"GET {path} HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n\"; print while <$s>'"
    );
    server.sh(&script).replace('\r', "")
}

/// The status of an answer, or 0 if there was none.
pub(crate) fn status(answer: &str) -> u16 {
    let word = answer
        .lines()
        .next()
        .and_then(|line| line.split(' ').nth(1));
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// The main process of a unit.
pub(crate) fn pid(server: &Server, unit: &str) -> String {
    server.sh(&format!("systemctl show -P MainPID {unit}"))
}
