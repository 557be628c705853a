//! What Python packages an Odoo needs, as one requirements file.

/// The requirements of a release as published, less those that are overridden, with the overriding
/// and the additional ones at the end. Comments go: they would change the digest for nothing.
#[must_use]
pub fn effective(published: &[&str], overrides: &[String], additional: &[String]) -> String {
    let overridden: Vec<String> = overrides.iter().filter_map(|line| name(line)).collect();
    let stays = |line: &&str| !name(line).is_some_and(|name| overridden.contains(&name));
    let lines = published
        .iter()
        .flat_map(|text| text.lines())
        .map(without_comment);
    let lines = lines.filter(|line| !line.is_empty()).filter(stays);
    let added = overrides.iter().chain(additional).map(String::as_str);
    lines
        .chain(added)
        .fold(String::new(), |text, line| text + line + "\n")
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

/// The name that a requirement begins with, in the form in which names are compared (PEP 503);
/// `None` for an option.
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
    fn overridden_requirements_go_and_additional_ones_come() {
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
    fn names_are_compared_as_pep_503_says() {
        assert_eq!(name("Zope.__Interface>=1"), Some("zope-interface".into()));
        assert_eq!(name("-r other.txt"), None);
        assert_eq!(
            name("python-ldap[x]==3 ; sys_platform != 'win32'"),
            Some("python-ldap".into())
        );
    }
}
