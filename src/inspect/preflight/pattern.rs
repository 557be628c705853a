//! Patterns of file names, as in a shell.

/// Whether a file name matches a pattern with `*` and `?`. Only a dot in the pattern matches a leading dot.
pub(super) fn is_like(name: &str, pattern: &str) -> bool {
    let hidden = name.starts_with('.') && !pattern.starts_with('.');
    let letters = |text: &str| text.chars().collect::<Vec<_>>();
    !hidden && matches(&letters(name), &letters(pattern))
}

fn matches(name: &[char], pattern: &[char]) -> bool {
    match (name, pattern) {
        ([], []) => true,
        (_, ['*', after @ ..]) => (0..=name.len()).any(|from| matches(&name[from..], after)),
        ([_, name @ ..], ['?', pattern @ ..]) => matches(name, pattern),
        ([letter, name @ ..], [same, pattern @ ..]) if letter == same => matches(name, pattern),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_a_shell() {
        for (name, pattern, expected) in [
            ("odoo.conf", "*", true),
            ("odoo.conf", "*.conf", true),
            ("odoo.conf", "o*o.c*", true),
            ("odoo.conf", "od?o.conf", true),
            ("odoo.conf", "odoo", false),
            ("odoo", "odoo*", true),
            (".odoo", "*", false),
            ("", "?", false),
        ] {
            assert_eq!(is_like(name, pattern), expected, "{name} {pattern}");
        }
    }
}
