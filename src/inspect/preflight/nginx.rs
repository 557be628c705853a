//! Configuration of nginx by others that would take this site's requests, or prevent nginx from serving this site.

mod listen;
mod read;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::listen::Listen;
use self::read::Directive;
use super::{Found, Inspected, Trouble};
use crate::host::command::Cmd;
use crate::host::{Host, Result};
use crate::site::{Site, Tls};

const PROGRAM: &str = "/usr/sbin/nginx";

/// The folder of enabled sites, which has ours too.
const ENABLED: &str = "/etc/nginx/sites-enabled";

/// The group that may read the data folder.
const GROUP: &str = "www-data";

/// Checks what others have configured, and whether nginx accepts its configuration.
pub(super) async fn look(inspected: &Inspected<'_>, found: &mut Found) -> Result<()> {
    let (host, site) = (inspected.host, inspected.site);
    let Some(proxy) = &site.proxy else {
        return Ok(());
    };
    let all = read::whole(host)?;
    let mut reasons = frame(&all, site);
    let ports: &[u16] = if proxy.tls == Tls::None {
        &[80]
    } else {
        &[80, 443]
    };
    let asked = if proxy.tls == Tls::None { 80 } else { 443 };
    for block in &all {
        for server in block.all("server").filter(|server| !is_own(server, site)) {
            let stream = block.name() == "stream";
            for port in ports {
                reasons.extend(meets(server, site, *port, stream, *port == asked));
            }
        }
    }
    // only if anything is to be changed, and no other reason explains the error
    if reasons.is_empty() && !inspected.observed.is_settled() {
        reasons.extend(broken(host, site).await?);
    }
    for reason in reasons {
        found.trouble(inspected, reason);
    }
    Ok(())
}

/// Problems of the main configuration file.
fn frame(all: &[Directive], site: &Site) -> BTreeSet<Trouble> {
    let mut reasons = BTreeSet::new();
    let Some(http) = all.iter().find(|directive| directive.name() == "http") else {
        return reasons;
    };
    let own = Path::new(ENABLED).join(format!("{}.conf", site.name));
    let mut patterns = http.all("include").flat_map(Directive::values);
    if !patterns.any(|pattern| read::names(pattern, &own)) {
        reasons.insert(Trouble::new(
            format!("nginx reads no sites below `{ENABLED}`"),
            format!(
                "write `include {ENABLED}/*;` into the block `http` that begins at {}",
                http.place()
            ),
        ));
    }
    // the processes that serve attachments must be able to read them
    let user = all.iter().find(|directive| directive.name() == "user");
    let group = user.and_then(|user| user.values().last());
    if let Some((user, group)) = user.zip(group)
        && group != GROUP
    {
        reasons.insert(Trouble::new(
            format!(
                "nginx's processes run as the group `{group}`, by {}, and could read no attachments, which are lent to `{GROUP}`",
                user.place()
            ),
            format!("write `user {} {GROUP};` there", user.values()[0]),
        ));
    }
    reasons
}

/// How another server block conflicts with this site on `port`. `asked` says whether this program sends requests to
/// that port from the server itself.
fn meets(
    server: &Directive,
    site: &Site,
    port: u16,
    stream: bool,
    asked: bool,
) -> BTreeSet<Trouble> {
    let mut reasons = BTreeSet::new();
    let mut listens: Vec<(Listen, &Directive)> = server
        .all("listen")
        .filter_map(|listen| Some((Listen::of(listen)?, listen)))
        .collect();
    if listens.is_empty() && server.all("listen").next().is_none() {
        listens.push((Listen::default(), server));
    }
    listens.retain(|(listen, _)| listen.takes(port));
    for (listen, directive) in &listens {
        let (place, words) = (directive.place(), directive.words.join(" "));
        let reason = if stream {
            Trouble::new(
                format!(
                    "`{words}` in {place} is a server of `stream` and takes port {port} from all sites"
                ),
                "let it hand the name of this site on to nginx on another host, or take it away",
            )
        } else if listen.has("proxy_protocol") {
            Trouble::new(
                format!(
                    "`{words}` in {place} holds for all sites on that port: visitors who do not come through that proxy are \
                     turned away, those of this site too"
                ),
                "give it an address of its own, or take `proxy_protocol` away",
            )
        } else if listen.has("ipv6only=off") {
            Trouble::new(
                format!(
                    "`{words}` in {place} takes the port for IPv4 too, where this site listens by itself"
                ),
                format!("write `listen {port}` beside it and take `ipv6only=off` away"),
            )
        } else if let Some(address) = &listen.address
            && (!listen.is_loopback() || asked)
        {
            Trouble::new(
                format!(
                    "`{words}` in {place} takes all that is asked at {address} away from this site"
                ),
                format!(
                    "write `listen {port}` there (nginx then tells sites apart by their names), or take that site away"
                ),
            )
        } else {
            continue;
        };
        reasons.insert(reason);
    }
    let domain = site.domain.as_ref().map(ToString::to_string);
    let names = server.all("server_name");
    let same = |name: &&Directive| name.values().iter().any(|n| Some(n) == domain.as_ref());
    if let Some(name) = names.filter(same).find(|_| !listens.is_empty() && !stream) {
        reasons.insert(Trouble::new(
            format!(
                "nginx has a site for `{}` already, in {}",
                domain.unwrap_or_default(),
                name.place()
            ),
            "take that one away, or choose another `site.domain`",
        ));
    }
    reasons
}

/// All paths of this site's files.
fn files(site: &Site) -> [PathBuf; 4] {
    let name = &site.name;
    let of = |folder: &str, kind: &str| PathBuf::from(format!("/etc/nginx/{folder}/{name}{kind}"));
    [
        of("sites-enabled", ".conf"),
        of("sites-enabled", ".http.conf"),
        of("sites-available", ".conf"),
        of("sites-available", ".http.conf"),
    ]
}

fn is_own(server: &Directive, site: &Site) -> bool {
    files(site).iter().any(|own| **own == *server.file)
}

/// nginx's error, if it rejects the present configuration and the plan does not rewrite the file with the error.
async fn broken(host: &Host, site: &Site) -> Result<Option<Trouble>> {
    if !host.path(Path::new(PROGRAM)).exists() {
        return Ok(None);
    }
    let test = Cmd::new("nginx").args(["-q", "-t"]).accept(1);
    let output = host.run(&test).await?;
    if output.code == Some(0) {
        return Ok(None);
    }
    let line = output
        .stderr
        .lines()
        .find_map(|line| Some(line.split_once("[emerg] ")?.1));
    let words = line.unwrap_or(output.stderr.trim());
    // `1000#1000: ` is the process that reports the error
    let said_by = words.split_once(": ").filter(|(who, _)| {
        who.contains('#') && who.chars().all(|c| c.is_ascii_digit() || c == '#')
    });
    let words = said_by.map_or(words, |(_, words)| words);
    let proxy = site.proxy.as_ref();
    let certificate = proxy.and_then(|proxy| proxy.certificate.as_ref());
    let key = proxy.and_then(|proxy| proxy.key.as_ref());
    let mut own: Vec<String> = files(site).map(|path| path.display().to_string()).into();
    own.extend(certificate.into_iter().chain(key).map(ToString::to_string));
    own.push(format!("/etc/ssl/odoo-deploy/{}.pem", site.name));
    own.push(format!("/etc/letsencrypt/live/{}/", site.name));
    if own.iter().any(|path| words.contains(path.as_str())) {
        return Ok(None);
    }
    Ok(Some(Trouble::new(
        format!(
            "nginx refuses its configuration as it is, and would not take up this site: {words}"
        ),
        "mend that (`nginx -t` says whether it is), then run this again",
    )))
}

#[cfg(test)]
mod tests;
