//! The Python packages that a site needs, combined into one requirements file.

mod conflict;
mod marker;
mod version;

use std::path::PathBuf;

pub use conflict::conflicts;

/// A requirements file in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The owner of the file, as named in messages: Odoo, or an add-on.
    pub of: String,
    /// Its path in the source.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Decodes a requirements file as pip does: by its byte order mark, or else as UTF-8.
#[must_use]
pub fn decoded(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        String::from_utf16_lossy(&units.collect::<Vec<_>>())
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Returns the files that a requirements file includes (`-r`, `-c`), and the text without these lines. A line with a
/// path outside of the file's folder stays in the text.
#[must_use]
pub fn taken_in(text: &str) -> (Vec<String>, String) {
    let mut files = Vec::new();
    let line = |line: &str| {
        let option = ["--requirement", "--constraint", "-r", "-c"]
            .into_iter()
            .find_map(|option| line.trim().strip_prefix(option));
        let file = option
            .map(|rest| without_comment(rest).trim_start_matches(['=', ' ', '\t']))
            .filter(|file| !file.is_empty() && !file.contains("://") && !file.starts_with('/'));
        match file {
            Some(file) if !file.split('/').any(|part| part == "..") => {
                files.push(file.to_owned());
                // an empty line, so that the lines below keep their numbers
                "\n".to_owned()
            }
            _ => format!("{line}\n"),
        }
    };
    let text = text.lines().map(line).collect();
    (files, text)
}

/// The published requirements without the overridden ones, then the overriding and the additional ones. Comments
/// are removed, because a changed comment would change the digest and so rebuild the virtualenv.
#[must_use]
pub fn effective(published: &[&str], overrides: &[String], additional: &[String]) -> String {
    let overridden: Vec<String> = overrides.iter().filter_map(|line| name(line)).collect();
    let stays = |line: &String| !name(line).is_some_and(|name| overridden.contains(&name));
    let lines = published.iter().flat_map(|text| lines(text));
    let lines = lines.map(|(_, line)| line).filter(stays);
    let added = overrides.iter().chain(additional).cloned();
    lines
        .chain(added)
        .fold(String::new(), |text, line| text + &line + "\n")
}

/// The requirements of a text, each with the number of its first line. Continuation lines are joined. Comments and
/// hashes are removed: pip wants hashes for all requirements or for none, and other files have none.
fn lines(text: &str) -> Vec<(usize, String)> {
    let (mut all, mut open) = (Vec::new(), None::<(usize, String)>);
    for (number, line) in (1..).zip(text.lines()) {
        let (first, mut whole) = open.take().unwrap_or((number, String::new()));
        match line.strip_suffix('\\') {
            Some(line) if !line.trim_start().starts_with('#') => {
                open = Some((first, whole + line));
                continue;
            }
            _ => whole += without_comment(line),
        }
        all.push((first, whole));
    }
    all.extend(open);
    let without_digests = |(number, line): (usize, String)| {
        let line = line.split(" --hash").next().unwrap_or_default().trim();
        (!line.is_empty()).then(|| (number, line.to_owned()))
    };
    all.into_iter().filter_map(without_digests).collect()
}

fn without_comment(line: &str) -> &str {
    let line = if line.trim_start().starts_with('#') {
        ""
    } else {
        line
    };
    line.split_once(" #")
        .map_or(line, |(requirement, _)| requirement)
        .trim()
}

/// The name at the beginning of a requirement, normalised for comparison (PEP 503). `None` for an option.
fn name(line: &str) -> Option<String> {
    let name: String = line
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .collect();
    if name.is_empty() || name.starts_with('-') {
        return None;
    }
    let mut normal = String::new();
    for part in name
        .to_lowercase()
        .split(['-', '_', '.'])
        .filter(|part| !part.is_empty())
    {
        if !normal.is_empty() {
            normal.push('-');
        }
        normal.push_str(part);
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overridden_requirements_are_removed_and_additional_ones_appended() {
        let published = "# The pins\nBabel==2.9.1 ; python_version < '3.11'  # (Jammy)\ngevent==21.8.0 ; x\nzope.interface==1\n\n";
        let overrides = ["GEVENT==22.10.2".to_owned(), "zope_interface==2".to_owned()];
        let found = effective(
            &[published, "extra\n"],
            &overrides,
            &["setuptools<82".to_owned()],
        );
        assert_eq!(
            found,
            "Babel==2.9.1 ; python_version < '3.11'\nextra\nGEVENT==22.10.2\nzope_interface==2\nsetuptools<82\n"
        );
    }

    #[test]
    fn files_are_decoded_as_pip_does() {
        let wide = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("\u{feff}{text}")
                .encode_utf16()
                .flat_map(unit)
                .collect()
        };
        for bytes in [
            b"lxml==5\n".to_vec(),
            "\u{feff}lxml==5\n".as_bytes().to_vec(),
            wide("lxml==5\n", u16::to_le_bytes),
            wide("lxml==5\n", u16::to_be_bytes),
        ] {
            assert_eq!(decoded(&bytes), "lxml==5\n", "{bytes:?}");
        }
        let text =
            "# \\\nlxml==5 \\\n  --hash=sha256:00 \\\n  --hash=sha256:11\nBabel\\\n>=2 # why\n";
        let expected = [(2, "lxml==5".to_owned()), (5, "Babel>=2".to_owned())];
        assert_eq!(lines(text), expected);
        let (files, text) =
            taken_in("-r a.txt\nx\n-rb/c.txt # why\n--requirement=d\n-r ../e\n-r https://f\n");
        assert_eq!(files, ["a.txt", "b/c.txt", "d"]);
        assert_eq!(text, "\nx\n\n\n-r ../e\n-r https://f\n");
    }

    #[test]
    fn names_are_compared_as_pep_503_says() {
        assert_eq!(name("Zope.__Interface>=1"), Some("zope-interface".into()));
        assert_eq!(name("-r other.txt"), None);
        assert_eq!(
            name("python-ldap[x]==3 ; sys_platform != 'win32'"),
            Some("python-ldap".into())
        );
    }
}
