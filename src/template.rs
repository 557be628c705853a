//! Templates: Tera, strict, and without escaping, since what is rendered are configuration files.

use std::ops::Range;
use std::path::Path;

use serde_json::Value;
use tera::{Context, ErrorKind, Tera};

use crate::diagnostic::{Diagnostic, Diagnostics};

/// What is wrong with a template, and which bytes of it.
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) span: Range<usize>,
}

/// Renders a template with the keys of `context`.
///
/// # Errors
///
/// Bad syntax and unknown references, with their place in the template.
pub fn render(name: &str, source: &str, context: &Value) -> Result<String, Diagnostics> {
    evaluate(source, context).map_err(|wrong| {
        let error = Diagnostic::new(wrong.span, wrong.message);
        Diagnostics::new(Path::new(name), source, vec![error])
    })
}

/// Reads a template without rendering it.
pub(crate) fn check(source: &str) -> Result<(), Wrong> {
    compile(source).map(drop)
}

/// Renders a template.
pub(crate) fn evaluate(source: &str, context: &Value) -> Result<String, Wrong> {
    let tera = compile(source)?;
    let wrong = |error| told(&error, source);
    let context = Context::from_serialize(context).map_err(wrong)?;
    tera.render(NAME, &context).map_err(wrong)
}

/// Nobody sees it: errors are told with the path of the file.
const NAME: &str = "template";

fn compile(source: &str) -> Result<Tera, Wrong> {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&str>::new());
    tera.add_raw_template(NAME, source)
        .map_err(|error| told(&error, source))?;
    Ok(tera)
}

fn told(error: &tera::Error, source: &str) -> Wrong {
    let (message, span) = match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            (report.message().to_owned(), report.span().range.clone())
        }
        other => (other.to_string(), 0..source.len()),
    };
    Wrong {
        message: lower_first(message.trim_end_matches('.')),
        span,
    }
}

/// The text with its first letter in lower case, as all messages are.
fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// The parts of a text that is only one reference, `{{ a.b.c }}`.
pub(crate) fn reference(text: &str) -> Option<Vec<&str>> {
    path(text.strip_prefix("{{")?.strip_suffix("}}")?.trim())
}

/// The parts of `a.b.c`: names, and numbers for places in a list.
pub(crate) fn path(text: &str) -> Option<Vec<&str>> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let parts: Vec<_> = text.split('.').collect();
    let good = parts
        .iter()
        .all(|part| !part.is_empty() && part.chars().all(word))
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && !matches!(text, "true" | "false" | "none" | "True" | "False" | "None");
    good.then_some(parts)
}

/// The value a reference names; otherwise the part that is unknown, and the names there are instead.
pub(crate) fn lookup<'c>(
    context: &'c Value,
    parts: &[&str],
) -> Result<&'c Value, (usize, Vec<&'c str>)> {
    let mut value = context;
    for (at, part) in parts.iter().enumerate() {
        let next = match value {
            Value::Object(map) => map.get(*part),
            Value::Array(list) => part.parse().ok().and_then(|at: usize| list.get(at)),
            _ => None,
        };
        value = next.ok_or_else(|| {
            let known = value.as_object().into_iter().flat_map(|map| map.keys());
            (at, known.map(String::as_str).collect())
        })?;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn context() -> Value {
        json!({"site": {"name": "odoo", "list": ["a", "<b>"], "none": null, "port": 8069, "off": false}})
    }

    #[test]
    fn rendered() {
        for (source, expected) in [
            ("", ""),
            ("a\n", "a\n"),
            ("{{ site.name }}:{{ site.port }}\n", "odoo:8069\n"),
            ("{% for x in site.list %}{{ x }},{% endfor %}", "a,<b>,"),
            (
                "{% if site.none %}x{% else %}y{% endif %}{{ site.off }}",
                "yfalse",
            ),
        ] {
            assert_eq!(render("t", source, &context()).unwrap(), expected);
        }
    }

    #[test]
    fn errors_have_their_place() {
        let shown = |source| {
            render("odoo.conf", source, &context())
                .unwrap_err()
                .render(80, false)
        };
        insta::assert_snapshot!(shown("a = 1\nb = {{ site.nam }}\n"), @r"
        error: field `nam` is not defined. Available fields: list, name, none, off, port
         --> odoo.conf:2:13
          |
        2 | b = {{ site.nam }}
          |             ^^^
        ");
        insta::assert_snapshot!(shown("{{ sight.name }}\n"), @r"
        error: variable `sight` is not defined. Available variables: site
         --> odoo.conf:1:4
          |
        1 | {{ sight.name }}
          |    ^^^^^
        ");
        insta::assert_snapshot!(shown("ä {% if site.name %}\n"), @r"
        error: unexpected end of input
         --> odoo.conf:1:21
          |
        1 | ä {% if site.name %}
          |                     ^
        ");
        insta::assert_snapshot!(shown("{{ site.name | shout }}\n"), @r"
        error: error: Unknown filter `shout`
                --> template:1:16
                 |
               1 | {{ site.name |
               shout }}
                 |                ^^^^^
         --> odoo.conf:1:1
          |
        1 | {{ site.name | shout }}
          | ^^^^^^^^^^^^^^^^^^^^^^^
        ");
        insta::assert_snapshot!(shown("{{ site.name / 2 }}\n"), @r"
        error: math operations can only be done on numbers, found `string`
         --> odoo.conf:1:4
          |
        1 | {{ site.name / 2 }}
          |    ^^^^
        ");
    }

    #[test]
    fn what_is_only_a_reference() {
        for (text, expected) in [
            ("{{ a.b.c }}", Some(3)),
            ("{{a}}", Some(1)),
            ("{{ a.0 }}", Some(2)),
            ("x{{ a }}", None),
            ("{{ a }} ", None),
            ("{{ a }}{{ b }}", None),
            ("{{ a | upper }}", None),
            ("{{ a..b }}", None),
            ("{{ 1 }}", None),
            ("{{ true }}", None),
            ("{{ }}", None),
            ("{{}}", None),
            ("{{", None),
        ] {
            assert_eq!(reference(text).map(|parts| parts.len()), expected, "{text}");
        }
    }
}
