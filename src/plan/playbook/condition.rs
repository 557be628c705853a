//! Parses the values of `when` and `each`.

use toml::Spanned;

use super::{Condition, Reference};
use crate::text::diagnostic::{Diagnostic, quote};
use crate::text::template;

/// Parses the value of `when`.
pub(super) fn condition(when: &Spanned<String>) -> Result<Condition, Diagnostic> {
    let text = when.get_ref().as_str();
    let compared = [("==", false), ("!=", true)]
        .into_iter()
        .find_map(|(sign, negated)| {
            let (name, value) = text.split_once(sign)?;
            Some((negated, name.trim(), Some(value.trim())))
        });
    let (negated, name, equals) = compared.unwrap_or_else(|| match text.strip_prefix("not ") {
        Some(name) => (true, name.trim_start(), None),
        None => (false, text, None),
    });
    if equals.is_some_and(|value| value.is_empty() || value.contains(char::is_whitespace)) {
        let error = Diagnostic::new(
            when.span(),
            format!("{} compares with no word", quote(text)),
        );
        return Err(error.hint("one word without quotes, such as `site.proxy.tls == acme`"));
    }
    let reference = reference(&Spanned::new(when.span(), name.to_owned()), "when")?;
    Ok(Condition {
        negated,
        reference,
        equals: equals.map(str::to_owned),
    })
}

/// Parses a reference without braces. `key` is the key that it is the value of.
pub(super) fn reference(name: &Spanned<String>, key: &str) -> Result<Reference, Diagnostic> {
    let text = name.get_ref();
    if let Some(parts) = template::path(text) {
        let parts = parts.into_iter().map(str::to_owned).collect();
        return Ok(Reference {
            parts,
            span: name.span(),
        });
    }
    let error = Diagnostic::new(name.span(), format!("{} is not a reference", quote(text)))
        .label("a reference such as `site.apt.upgrade`");
    Err(match template::reference(text) {
        Some(parts) => error.hint(format!(
            "without the braces: `{key} = \"{}\"`",
            parts.join(".")
        )),
        None if key == "when" => error.hint(
            "a reference to `true` or `false`, with `not ` before it if need be; or `a.b == word`",
        ),
        None => error.hint("a reference to a list"),
    })
}
