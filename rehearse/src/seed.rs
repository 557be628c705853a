//! Files that a machine gets before its first boot: its name, its resolver, and the host's certificate authorities.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::{Error, OnPath, Result};
use super::spec::{Network, Spec};

const LOCAL_AUTHORITIES: &str = "/usr/local/share/ca-certificates";
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// The file in which systemd-resolved lists its upstream servers.
const RESOLVED: &str = "/run/systemd/resolve/resolv.conf";

/// Environment variables that make programs with built-in authorities use the host's instead.
const BUNDLE_VARIABLES: [&str; 4] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
];

/// Writes the files for a machine that reaches its host at `gateway`.
pub(super) fn plant(root: &Path, spec: &Spec, gateway: IpAddr) -> Result<()> {
    let name = &spec.name;
    write(root, "etc/hostname", &format!("{name}\n"))?;
    let mut hosts = format!("127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost\n");
    let aliases = spec.aliases.iter();
    hosts.extend(aliases.map(|alias| format!("{gateway} {alias}\n")));
    write(root, "etc/hosts", &hosts)?;
    write(root, "etc/resolv.conf", &resolver(spec.network)?)?;
    trust_host_authorities(root)
}

/// The host's `resolv.conf`, with only the servers that the machine can reach.
fn resolver(network: Network) -> Result<String> {
    let path = Path::new("/etc/resolv.conf");
    let own = fs::read_to_string(path).on("read", path)?;
    if network == Network::Host {
        return Ok(own);
    }
    // a resolver on the host's loopback is unreachable from another network: use its upstream servers
    [Some(own), fs::read_to_string(RESOLVED).ok()]
        .into_iter()
        .flatten()
        .map(|text| without_loopback(&text))
        .find(|text| text.lines().any(|line| line.starts_with("nameserver")))
        .ok_or(Error::NoNameServer)
}

fn without_loopback(text: &str) -> String {
    let reachable = |line: &&str| {
        let server = line.strip_prefix("nameserver").map(str::trim);
        let server = server.and_then(|server| server.parse::<IpAddr>().ok());
        server.is_none_or(|server| !server.is_loopback())
    };
    let lines = text
        .lines()
        .filter(reachable)
        .map(|line| format!("{line}\n"));
    lines.collect()
}

/// Makes the machine trust the host's local authorities: a proxy or a mirror may need them.
fn trust_host_authorities(root: &Path) -> Result<()> {
    let authorities = certificates(Path::new(LOCAL_AUTHORITIES))?;
    if authorities.is_empty() {
        return Ok(());
    }
    for authority in &authorities {
        let target = root.join(authority.strip_prefix("/").unwrap_or(authority));
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).on("create", folder)?;
        }
        fs::copy(authority, &target).on("copy to", &target)?;
    }
    // the same file that update-ca-certificates writes when a package next runs it
    let mut bundle = Vec::new();
    for folder in ["usr/share/ca-certificates/mozilla", &LOCAL_AUTHORITIES[1..]] {
        for certificate in certificates(&root.join(folder))? {
            bundle.extend(fs::read(&certificate).on("read", &certificate)?);
        }
    }
    write(root, &BUNDLE[1..], &bundle)?;
    write(
        root,
        "etc/pip.conf",
        &format!("[global]\ncert = {BUNDLE}\n"),
    )?;
    let variables = BUNDLE_VARIABLES.map(|variable| format!("{variable}={BUNDLE}\n"));
    write(root, "etc/environment", &variables.concat())
}

fn certificates(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).on("list", folder)?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "crt"))
        .collect();
    found.sort();
    Ok(found)
}

/// Replaces a file of the machine. A link is removed first, because it could lead out of the machine's root.
fn write(root: &Path, name: &str, content: &(impl AsRef<[u8]> + ?Sized)) -> Result<()> {
    let path = root.join(name);
    if path.is_symlink() {
        fs::remove_file(&path).on("remove", &path)?;
    }
    fs::write(&path, content).on("write", &path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).on("open up", &path)
}

/// The variables of a machine's `/etc/environment`.
pub(super) fn environment(root: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(root.join("etc/environment")).unwrap_or_default();
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_servers_are_left_out() {
        let text =
            "search example.org\nnameserver 127.0.0.53\nnameserver ::1\nnameserver 192.0.2.1\n";
        assert_eq!(
            without_loopback(text),
            "search example.org\nnameserver 192.0.2.1\n"
        );
    }
}
