//! Templates: Tera with strict references. Nothing is escaped, because templates render configuration files, not
//! HTML.

mod strict;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;
use tera::{ErrorKind, Tera};

use self::strict::Reference;
use crate::text::diagnostic::{Diagnostic, Diagnostics, did_you_mean, quote};

/// The values that templates can refer to.
#[derive(Clone, Debug, Default)]
pub struct Context {
    value: Arc<Value>,
    /// The present element, if a step is repeated for each element of a list.
    item: Option<Value>,
    /// The same values for Tera; filled at first use.
    tera: OnceLock<tera::Context>,
}

impl From<Value> for Context {
    fn from(value: Value) -> Self {
        Self {
            value: Arc::new(value),
            ..Self::default()
        }
    }
}

impl Context {
    /// Returns the same context with `item` added.
    pub(crate) fn with_item(&self, item: &Value) -> Self {
        let tera = OnceLock::new();
        // if the values do not convert, the error is reported at the next use
        if let Ok(all) = self.tera() {
            let mut all = all.clone();
            all.insert(ITEM, item);
            let _ = tera.set(all);
        }
        Self {
            value: self.value.clone(),
            item: Some(item.clone()),
            tera,
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        match &self.item {
            Some(item) if name == ITEM => Some(item),
            _ => self.value.get(name),
        }
    }

    fn names(&self) -> Vec<&str> {
        let names = self
            .value
            .as_object()
            .into_iter()
            .flat_map(|all| all.keys());
        let item = self.item.as_ref().map(|_| ITEM);
        names.map(String::as_str).chain(item).collect()
    }

    fn tera(&self) -> Result<&tera::Context, tera::Error> {
        if let Some(tera) = self.tera.get() {
            return Ok(tera);
        }
        let tera = tera::Context::from_serialize(&*self.value)?;
        Ok(self.tera.get_or_init(|| tera))
    }
}

/// The name of the present element in templates.
const ITEM: &str = "item";

/// Renders a template with the values of `context`. An unknown reference is an error everywhere, even in conditions.
/// `is defined` and `default` allow a reference to be absent.
///
/// # Errors
///
/// If the syntax is wrong or a reference is unknown; the errors have their places in the template.
pub fn render(name: &str, source: &str, context: &Context) -> Result<String, Diagnostics> {
    evaluate(source, context).map_err(|errors| Diagnostics::new(Path::new(name), source, errors))
}

/// Checks the syntax of a template without rendering it.
pub(crate) fn check(source: &str) -> Result<(), Diagnostic> {
    compile(source).map(drop)
}

/// Renders a template. Returns all unknown references, or the first error of another kind.
pub(crate) fn evaluate(source: &str, context: &Context) -> Result<String, Vec<Diagnostic>> {
    let wrong = |error| vec![error];
    let template = compile(source).map_err(wrong)?;
    let unknown = strict::unknown(&template.references, context);
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let context = context.tera();
    context
        .and_then(|context| template.tera.render(NAME, context))
        .map_err(|error| wrong(told(&error, source)))
}

/// A parsed template.
struct Template {
    tera: Tera,
    /// The references that must exist in the context.
    references: Vec<Reference>,
}

/// Tera's name for the template. Users never see it, because errors show the path of the file.
const NAME: &str = "template";

/// Cached templates: a run compiles its plan several times from the same templates.
static READ: Mutex<BTreeMap<String, Arc<Template>>> = Mutex::new(BTreeMap::new());

/// The most templates to cache, more than any playbook has. When the cache is full, it is emptied.
const MOST_READ: usize = 512;

fn compile(source: &str) -> Result<Arc<Template>, Diagnostic> {
    let read = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(template) = read().get(source) {
        return Ok(template.clone());
    }
    let template = Arc::new(Template {
        tera: parse(source)?,
        references: strict::references(source),
    });
    let mut read = read();
    if read.len() >= MOST_READ {
        read.clear();
    }
    read.insert(source.to_owned(), template.clone());
    Ok(template)
}

fn parse(source: &str) -> Result<Tera, Diagnostic> {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&str>::new());
    tera.add_raw_template(NAME, source)
        .map_err(|error| told(&error, source))?;
    Ok(tera)
}

fn told(error: &tera::Error, source: &str) -> Diagnostic {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            let range = report.span().range.clone();
            // the message continues with a second sentence about the names that exist
            match report.message().split_once(". Available ") {
                Some((message, known)) => {
                    let (_, known) = known.split_once(": ").unwrap_or_default();
                    let wrong = source.get(range.clone()).unwrap_or_default();
                    let error = Diagnostic::new(range, lower_first(message));
                    error.hint(instead(wrong, known.split(", ")))
                }
                None => Diagnostic::new(range, lower_first(report.message())),
            }
        }
        // an error about an unknown filter or the like is a finished report: a message, with its place below
        other => {
            let report = other.to_string();
            let message = report.lines().next().unwrap_or_default();
            let message = message.trim_start_matches("error: ");
            let span = place_in_report(&report, source).unwrap_or(0..source.len());
            Diagnostic::new(span, lower_first(message))
        }
    }
}

/// The word of `source` at the place `--> template:LINE:COLUMN` in a report of Tera's.
fn place_in_report(report: &str, source: &str) -> Option<Range<usize>> {
    let (_, place) = report.split_once(&format!("--> {NAME}:"))?;
    let (line, column) = place.lines().next()?.split_once(':')?;
    let line = line.parse::<usize>().ok()?.checked_sub(1)?;
    let column = column.parse::<usize>().ok()?.checked_sub(1)?;
    let start: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let (at, _) = source[start..].char_indices().nth(column)?;
    let start = start + at;
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let length = source[start..]
        .find(|c| !word(c))
        .unwrap_or(source.len() - start);
    Some(start..start + length.max(1))
}

/// A hint for an unknown name: the nearest known name, or all known names.
pub(crate) fn instead<'a>(wrong: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = did_you_mean(wrong, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    let known: Vec<_> = known.map(|name| format!("`{name}`")).collect();
    format!("there is {}", known.join(", "))
}

/// `text` with its first letter in lower case, as in all messages.
fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// The parts of a text that consists of exactly one reference, `{{ a.b.c }}`.
pub(crate) fn reference(text: &str) -> Option<Vec<&str>> {
    path(text.strip_prefix("{{")?.strip_suffix("}}")?.trim())
}

/// The parts of a dotted name, `a.b.c`.
pub(crate) fn path(text: &str) -> Option<Vec<&str>> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = |part: &&str| {
        part.starts_with(|c: char| word(c) && !c.is_ascii_digit()) && part.chars().all(word)
    };
    let parts: Vec<_> = text.split('.').collect();
    let good = parts.iter().all(name)
        && !matches!(text, "true" | "false" | "none" | "True" | "False" | "None");
    good.then_some(parts)
}

/// The value of a reference; otherwise an error with a hint.
pub(crate) fn find<'c>(
    context: &'c Context,
    parts: &[&str],
    span: Range<usize>,
) -> Result<&'c Value, Diagnostic> {
    lookup(context, parts).map_err(|(at, known)| {
        let name = parts.join(".");
        let before = parts[..at].join(".");
        let error = Diagnostic::new(span, format!("unknown reference {}", quote(&name)));
        if known.is_empty() {
            return error.hint(format!("{} has no parts", quote(&before)));
        }
        let known: Vec<_> = known
            .iter()
            .map(|key| {
                if at == 0 {
                    (*key).to_owned()
                } else {
                    format!("{before}.{key}")
                }
            })
            .collect();
        let upto = parts[..=at].join(".");
        error.hint(instead(&upto, known.iter().map(String::as_str)))
    })
}

/// The value of a reference; otherwise the index of the unknown part, and the names that exist instead.
fn lookup<'c>(context: &'c Context, parts: &[&str]) -> Result<&'c Value, (usize, Vec<&'c str>)> {
    let first = parts.first().copied().unwrap_or_default();
    let mut value = context.get(first).ok_or_else(|| (0, context.names()))?;
    for (at, part) in parts.iter().enumerate().skip(1) {
        let next = value.as_object().and_then(|map| map.get(*part));
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

    fn context() -> Context {
        json!({"site": {"name": "odoo", "list": ["a", "<b>"], "none": null, "port": 8069, "off": false}}).into()
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
    fn unknown_references_are_errors_everywhere() {
        for source in [
            "{% if site.nam %}{% endif %}",
            "{% if not sight %}{% endif %}",
            "{% if site.port == site.prt %}{% endif %}",
            "{% if site.off %}{{ site.nam }}{% endif %}",
            "{% set x = site.nam %}",
            "{{ site.nam or 1 }}",
            "{{ site.nam ~ 'x' }}",
            "{{ site.list | join(sep=site.nam) }}",
            "{% for x in site.lst %}{{ x }}{% endfor %}",
            "{{ site.name.first }}",
            "{{ site[site.nam] }}",
            "{% for k, v in site %}{{ kk }}{% endfor %}",
        ] {
            let errors = render("t", source, &context()).unwrap_err();
            assert!(
                errors.items()[0].message.starts_with("unknown reference"),
                "{source}: {errors}"
            );
        }
        for source in [
            "{% if site.nam is defined %}{{ site.nam }}{% endif %}",
            "{% if site.nam is not defined %}x{% endif %}",
            "{{ site.nam | default(value='x') }}",
            "{% for x in site.list %}{{ x }}{{ loop.index }}{% endfor %}",
            "{% for k, v in site %}{{ k }}{% if v %}{% endif %}{% endfor %}",
            "{% set x = site.name %}{{ x | upper }}{{ x ~ \"site.nam\" }}",
            "{# site.nam #}{% raw %}{{ site.nam }}{% endraw %}",
            "{{ site.list | join(sep=', ') | trim }}",
            "{% if site.port is number and site.list is containing(pat='a') %}{% endif %}",
            "{%- if site.name == 'odoo' -%} x {%- else -%} y {%- endif -%}",
            "{ site.nam } 100% } {",
        ] {
            if let Err(errors) = render("t", source, &context()) {
                panic!("{source}: {errors}");
            }
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
        error: unknown reference `site.nam`
         --> odoo.conf:2:8
          |
        2 | b = {{ site.nam }}
          |        ^^^^^^^^
          |
          = help: did you mean `site.name`?
        ");
        insta::assert_snapshot!(shown("{{ sight.name }}\n"), @r"
        error: unknown reference `sight.name`
         --> odoo.conf:1:4
          |
        1 | {{ sight.name }}
          |    ^^^^^^^^^^
          |
          = help: there is `site`
        ");
        insta::assert_snapshot!(shown("ä {% if site.name %}\n"), @r"
        error: unexpected end of input
         --> odoo.conf:1:21
          |
        1 | ä {% if site.name %}
          |                     ^
        ");
        insta::assert_snapshot!(shown("{{ site.name | shout }}\n"), @r"
        error: unknown filter `shout`
         --> odoo.conf:1:16
          |
        1 | {{ site.name | shout }}
          |                ^^^^^
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
    fn texts_that_are_only_a_reference_are_recognised() {
        for (text, expected) in [
            ("{{ a.b.c }}", Some(3)),
            ("{{a}}", Some(1)),
            ("{{ a.0 }}", None),
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
