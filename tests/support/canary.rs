//! Secrets that tests search for in everything that a run writes or shows, in every encoding in which they
//! could have got there.

use std::fmt::Write as _;

/// Where each secret may be stored: files that only its intended readers can read. The model machine and the
/// real one share this list; a new secret gets a line here.
pub const HOMES: &[(&str, &[&str])] = &[
    (
        "the password of Odoo's first user",
        &["/var/lib/odoo-deploy/odoo/secrets/admin-password"],
    ),
    (
        "its hash",
        &["/var/lib/odoo-deploy/odoo/secrets/admin-password.hash"],
    ),
    (
        "the master password",
        &["/var/lib/odoo-deploy/odoo/secrets/master-password"],
    ),
    (
        "its hash",
        &[
            "/var/lib/odoo-deploy/odoo/secrets/master-password.hash",
            "/etc/odoo.conf",
            "/var/lib/odoo-deploy/odoo/blobs/",
        ],
    ),
    // stored in memory while git runs, if the site names the key
    (
        "root's SSH key",
        &["/root/.ssh/id_ed25519", "/run/odoo-deploy/odoo-build-lent-"],
    ),
    // the owner's file, and the backup made before odoo-deploy replaces it
    (
        "a password in an earlier odoo.conf",
        &[
            "/etc/odoo.conf",
            "/etc/odoo.conf.kept-",
            "/var/lib/odoo-deploy/odoo/blobs/",
        ],
    ),
    // stored in memory while git runs
    (
        "the token of a repository",
        &["/etc/private.token", "/run/odoo-deploy/odoo-build-lent-"],
    ),
    // Odoo reads the password in its configuration; all other programs read the file of services
    (
        "the password of a role on another host",
        &[
            "/etc/db.password",
            "/etc/odoo.conf",
            "/var/lib/odoo-deploy/odoo/secrets/postgresql.service",
            "/var/lib/odoo-deploy/odoo/blobs/",
        ],
    ),
];

/// A secret.
#[derive(Clone, Debug)]
pub struct Canary {
    what: &'static str,
    homes: &'static [&'static str],
    forms: Vec<(&'static str, String)>,
}

impl Canary {
    /// Creates the canary for `value`, a secret of the kind in line `number` of [`HOMES`].
    pub fn new(number: usize, value: &str) -> Self {
        let (what, homes) = HOMES[number];
        Self {
            what,
            homes,
            forms: forms(value),
        }
    }

    /// Returns how `text` gives the secret away, if it does. `place` is the path of the text on a machine; the
    /// secret's own homes are exempt.
    pub fn leak(&self, place: &str, text: &[u8]) -> Option<String> {
        if self.homes.iter().any(|home| place.starts_with(home)) {
            return None;
        }
        let found = self
            .forms
            .iter()
            .find(|(_, form)| contains(text, form.as_bytes()));
        found.map(|(form, _)| format!("{}, {form}, in {place}", self.what))
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    // a search for the first byte skips nearly everything
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == part[0]) {
        rest = &rest[at..];
        if rest.starts_with(part) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// Returns the leaks of `canaries` in `texts`, which are pairs of place and text.
pub fn leaks<'t>(
    canaries: &[Canary],
    texts: impl IntoIterator<Item = (&'t str, &'t [u8])>,
) -> Vec<String> {
    let texts = texts.into_iter();
    texts
        .flat_map(|(place, text)| canaries.iter().filter_map(move |c| c.leak(place, text)))
        .collect()
}

/// The forms of a secret to search for: as it is, encoded, quoted, and cut.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    assert!(secret.len() >= 16, "too short to be told from chance");
    let hex = |format: fn(&mut String, u8)| {
        let mut text = String::new();
        secret.bytes().for_each(|byte| format(&mut text, byte));
        text
    };
    let mut forms = vec![
        ("raw", secret.to_owned()),
        ("its end", secret[secret.len() - 8..].to_owned()),
        (
            "in hex",
            hex(|text, byte| write!(text, "{byte:02x}").unwrap()),
        ),
        (
            "in upper hex",
            hex(|text, byte| write!(text, "{byte:02X}").unwrap()),
        ),
        ("URL-quoted", url(secret)),
        ("shell-quoted", secret.replace('\'', r"'\''")),
        (
            "in JSON",
            serde_json::to_string(secret)
                .unwrap()
                .trim_matches('"')
                .to_owned(),
        ),
    ];
    // in a longer text, the base64 form depends on the offset at which the secret begins
    for offset in 0..3 {
        let standard = base64(secret.as_bytes(), offset, *b"+/");
        let safe = base64(secret.as_bytes(), offset, *b"-_");
        forms.extend([("in base64", standard), ("in URL-safe base64", safe)]);
    }
    forms
}

fn url(text: &str) -> String {
    let mut quoted = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            quoted.push(byte.into());
        } else {
            write!(quoted, "%{byte:02X}").unwrap();
        }
    }
    quoted
}

/// The base64 of `bytes` that begin `offset` bytes into a group of three, without the letters that also depend
/// on neighbouring bytes.
fn base64(bytes: &[u8], offset: usize, last: [u8; 2]) -> String {
    let letters: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .chain(last)
        .collect();
    let bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
        .collect();
    // skip to the first letter that depends on `bytes` alone
    let skipped = (6 - offset * 8 % 6) % 6;
    let groups = bits[skipped..].chunks_exact(6);
    groups
        .map(|group| {
            let value = group.iter().fold(0, |value, bit| value << 1 | bit);
            char::from(letters[usize::from(value)])
        })
        .collect()
}
