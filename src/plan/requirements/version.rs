//! Versions of Python packages (PEP 440), only those made of numbers. Other versions are not compared.

/// A version made of numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(Vec<u64>);

impl Version {
    /// Parses a version. `None` if it has other parts than numbers.
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts = text.trim().split('.').map(|part| part.parse().ok());
        let mut parts: Vec<u64> = parts.collect::<Option<_>>()?;
        // 1.0 equals 1
        while parts.len() > 1 && parts.last() == Some(&0) {
            parts.pop();
        }
        Some(Self(parts))
    }

    fn begins_with(&self, text: &str) -> Option<bool> {
        let parts = text.split('.').map(|part| part.parse().ok());
        let parts: Vec<u64> = parts.collect::<Option<_>>()?;
        let own = self.0.iter().copied().chain(std::iter::repeat(0));
        Some(own.zip(&parts).all(|(own, part)| own == *part))
    }
}

/// Whether `version` satisfies the specifier of operator `sign` and version `text`, such as `>=` and `1.2`. `None` if
/// that is not known.
pub(super) fn holds(version: &Version, sign: &str, text: &str) -> Option<bool> {
    let text = text.trim();
    if let Some(start) = text.strip_suffix(".*") {
        let begins = version.begins_with(start)?;
        return match sign {
            "==" => Some(begins),
            "!=" => Some(!begins),
            _ => None,
        };
    }
    let other = Version::read(text)?;
    Some(match sign {
        "==" => *version == other,
        "!=" => *version != other,
        ">=" => *version >= other,
        "<=" => *version <= other,
        ">" => *version > other,
        "<" => *version < other,
        "~=" => {
            let (start, _) = text.rsplit_once('.')?;
            *version >= other && version.begins_with(start)?
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_are_compared_as_pep_440_says() {
        for (version, sign, text, expected) in [
            ("4.9.1", "==", "4.9.1", Some(true)),
            ("4.9.0", "==", "4.9", Some(true)),
            ("4.10", ">", "4.9", Some(true)),
            ("4.9.3", "==", "4.9.*", Some(true)),
            ("4.10", "!=", "4.9.*", Some(true)),
            ("4", "==", "4.0.*", Some(true)),
            ("2.3", "~=", "2.2", Some(true)),
            ("3.0", "~=", "2.2", Some(false)),
            ("2.3", "~=", "2.2.1", Some(false)),
            ("1", "<", "2.0rc1", None),
            ("1", "===", "1", None),
        ] {
            let version = Version::read(version).expect("numbers");
            assert_eq!(holds(&version, sign, text), expected, "{sign}{text}");
        }
        assert_eq!(Version::read("1.0.post1"), None);
    }
}
