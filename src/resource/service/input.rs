//! The inputs of a service, in the form in which its unit records them at a start.

use std::path::Path;

use crate::host::store::digest;
use crate::host::{Error, Host, Result};

/// The number of links that the kernel follows.
const MOST_LINKS: usize = 40;

/// The digest of a file, or the target of a link as `readlink -f` prints it; `None` if there is neither.
///
/// Folders in the path may be links too: `/opt` is one if it was moved to a larger disk.
pub(super) fn file(host: &Host, path: &Path) -> Result<Option<String>> {
    if host.link_target(path)?.is_some() {
        return Ok(Some(host.resolved(path)?.display().to_string()));
    }
    Ok(host.read(path)?.as_deref().map(digest))
}

/// The digest of the certificates in a file; links that root made are followed. `None` if there is no file.
///
/// A key may be in the same file. It is not part of the digest: other accounts can read the record, and a new key
/// comes with a new certificate.
pub(super) fn certificates(host: &Host, path: &Path) -> Result<Option<String>> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Some(target) = host.link_target(&path)? else {
            let bytes = host.read(&path)?;
            return Ok(bytes.map(|bytes| digest(&blocks(&bytes))));
        };
        host.owned_by_root(path.parent().unwrap_or(&path))?;
        path = beside(&path, &target);
    }
    Err(Error::Unsafe {
        path,
        reason: "it is a link that leads nowhere".into(),
    })
}

fn beside(path: &Path, target: &Path) -> std::path::PathBuf {
    path.parent().unwrap_or(path).join(target)
}

/// The lines of certificates in PEM form, exactly as `sed` in the drop-in prints them.
fn blocks(text: &[u8]) -> Vec<u8> {
    let mut blocks = Vec::new();
    let mut inside = false;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (begins, ends) = (
            !inside && frames(line, b"-----BEGIN "),
            inside && frames(line, b"-----END "),
        );
        if inside || begins {
            blocks.extend_from_slice(line);
        }
        inside = (inside || begins) && !ends;
    }
    blocks
}

/// Whether a line is the first or last line of a certificate, including `TRUSTED CERTIFICATE`.
fn frames(line: &[u8], word: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(word) else {
        return false;
    };
    let length = rest.iter().position(|byte| *byte == b'-');
    let (label, rest) = rest.split_at(length.unwrap_or(rest.len()));
    let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    label.iter().all(plain) && label.ends_with(b"CERTIFICATE") && rest.starts_with(b"-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
    const TRUSTED: &str =
        "-----BEGIN TRUSTED CERTIFICATE-----\nMIJ\n-----END TRUSTED CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nMIK\n-----END EC PRIVATE KEY-----\n";

    #[test]
    fn only_certificates_are_taken() {
        let text = format!("subject=x\n{CERTIFICATE}{KEY}issuer=y\n{TRUSTED}");
        let found = blocks(text.as_bytes());
        assert_eq!(
            String::from_utf8(found).unwrap(),
            CERTIFICATE.to_owned() + TRUSTED
        );
        assert!(blocks(KEY.as_bytes()).is_empty());
        assert!(blocks(b"-----BEGIN CERTIFICATE REQUEST-----\nMII\n").is_empty());
    }

    /// The drop-in uses `sed` for this, which must return the same bytes for every file.
    #[test]
    fn sed_returns_the_same_bytes() {
        let template = include_str!("../../../templates/nginx.service");
        let script = template.split("sed -n \"").nth(1).expect("its script");
        let script = script.split('"').next().expect("its end");
        let open = CERTIFICATE.trim_end();
        for text in [
            format!("{KEY}{CERTIFICATE}{TRUSTED}"),
            format!("{open}{KEY}{open}"),
            format!("  {CERTIFICATE}{TRUSTED}").replace('\n', "\r\n"),
            format!("{CERTIFICATE}-----BEGIN CERTIFICATE-----\n{KEY}"),
            "-----BEGIN CERTIFICATE----- -----END CERTIFICATE-----\nx\n".into(),
            "-----BEGIN X-CERTIFICATE-----\nx\n-----BEGIN CERTIFICATE----\n".into(),
            String::new(),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("pem");
            std::fs::write(&path, &text).expect("a file");
            let mut sed = std::process::Command::new("sed");
            let output = sed.args(["-n", script]).arg(&path).output().expect("sed");
            assert!(output.status.success(), "{script}");
            assert_eq!(output.stdout, blocks(text.as_bytes()), "{text}");
        }
    }
}
