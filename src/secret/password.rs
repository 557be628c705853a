//! Passwords: random ones, and hashes as Odoo makes them.

use pbkdf2::pbkdf2_hmac;
use sha2::Sha512;

use crate::host::{Error, Result};

/// A new password with 144 random bits. Its characters need no quoting anywhere.
///
/// # Errors
/// If the kernel gives no random bytes.
pub fn random() -> Result<String> {
    let mut bytes = [0_u8; 18];
    fill(&mut bytes)?;
    Ok(ab64(&bytes).replace('.', "-").replace('/', "_"))
}

/// The hash of `password` in passlib's format for `pbkdf2_sha512`, which Odoo accepts for `admin_passwd` and
/// `res_users.password`: `$pbkdf2-sha512$ROUNDS$SALT$KEY` with a 16 byte salt.
///
/// # Errors
/// If the kernel gives no random bytes.
pub fn hash(password: &str, rounds: u32) -> Result<String> {
    let mut salt = [0_u8; 16];
    fill(&mut salt)?;
    Ok(hash_with(password, rounds, &salt))
}

/// Whether a configuration key names a secret, according to its last word: `db_password`, `smtp-passwd`, `TOKEN` …
#[must_use]
pub fn is_key_of_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('-', "_");
    matches!(
        key.rsplit('_').next(),
        Some("password" | "passwd" | "passphrase" | "secret" | "token")
    )
}

/// Whether `text` has the format of a hash by [`hash`].
#[must_use]
pub fn is_hash(text: &str) -> bool {
    let mut part = text
        .strip_prefix("$pbkdf2-sha512$")
        .unwrap_or_default()
        .split('$');
    let rounds = part
        .next()
        .is_some_and(|rounds| rounds.parse::<u32>().is_ok());
    let rest: Vec<&str> = part.collect();
    rounds && rest.len() == 2 && rest.iter().all(|p| p.len() > 10 && p.bytes().all(is_ab64))
}

fn hash_with(password: &str, rounds: u32, salt: &[u8]) -> String {
    let mut key = [0_u8; 64];
    pbkdf2_hmac::<Sha512>(password.as_bytes(), salt, rounds, &mut key);
    format!("$pbkdf2-sha512${rounds}${}${}", ab64(salt), ab64(&key))
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|e| Error::garbled("the kernel's random numbers", e.to_string()))
}

const AB64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./";

/// Base64 without padding and with `.` instead of `+`, as in passlib.
fn ab64(bytes: &[u8]) -> String {
    let letter = |bits: u32| char::from(AB64[(bits & 63) as usize]);
    let group = |chunk: &[u8]| -> Vec<char> {
        let word = chunk
            .iter()
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        (0..=chunk.len())
            .map(|i| letter(word >> (18 - 6 * i)))
            .collect()
    };
    bytes.chunks(3).flat_map(group).collect()
}

fn is_ab64(byte: u8) -> bool {
    AB64.contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with Python's `hashlib.pbkdf2_hmac` and accepted by passlib 1.7.4.
    #[test]
    fn a_hash_equals_that_of_passlib() {
        let salt: Vec<u8> = (0..16).collect();
        let expected = "$pbkdf2-sha512$600000$AAECAwQFBgcICQoLDA0ODw$oGodwg00Q1XPT2w9fC6oKMB8us1qKZeQv7t0bMg1eaAvGi.\
                        ng8uciPRa7W8WR7xSa/WgdQ1IdA.XJvI.2VcxDQ";
        assert_eq!(hash_with("odoo-deploy-test", 600_000, &salt), expected);
        assert!(is_hash(expected));
    }

    #[test]
    fn other_texts_are_not_mistaken_for_hashes() {
        for text in [
            "admin",
            "",
            "$pbkdf2-sha512$",
            "$pbkdf2-sha512$x$aaaaaaaaaaaa$aaaaaaaaaaaa",
            "$pbkdf2-sha512$1$a$b",
        ] {
            assert!(!is_hash(text), "{text}");
        }
    }

    #[test]
    fn random_passwords_are_long_differ_and_need_no_quoting() {
        let (one, two) = (random().unwrap(), random().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 24);
        assert!(
            one.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
    }
}
