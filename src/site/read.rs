//! Parses a text to a [`Site`] and collects every error.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::path::Path;

use toml::Spanned;

use super::secret::{self, Found};
use super::section::Section;
use super::{
    Addons, Apt, Fail2ban, Firewall, Head, Http, Logs, Odoo, Paths, Postgres, Proxy, Python, Site,
    Wkhtmltopdf,
};
use crate::text::diagnostic::{Diagnostic, Diagnostics, Kind};
use crate::text::reader::{self, Table};

/// The errors so far, and the ends of the lines of the text.
pub(super) struct Errors {
    ends: Vec<usize>,
    pub(super) items: Vec<Diagnostic>,
}

impl Errors {
    /// Adds an error.
    pub(super) fn note(&mut self, error: Diagnostic) {
        self.items.push(error);
    }

    /// Adds an error with what to write instead.
    pub(super) fn wrong(&mut self, place: Range<usize>, message: impl Into<String>, hint: &str) {
        self.note(Diagnostic::new(place, message).hint(hint));
    }

    /// Returns the line on which a value begins.
    pub(super) fn line(&self, place: &Range<usize>) -> usize {
        self.ends.partition_point(|end| *end < place.start) + 1
    }
}

pub(super) fn site(path: &Path, source: &str) -> Result<Site, Diagnostics> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let (table, syntax) = reader::parse(source);
    let mut found = Found::default();
    found.look(table.get_ref());
    let mut errors = Errors {
        ends: source.match_indices('\n').map(|(at, _)| at).collect(),
        items: Vec::new(),
    };
    let refused: HashSet<_> = found
        .errors
        .iter()
        .map(|error| error.span.clone())
        .chain(found.values.iter().cloned())
        .collect();
    let mut root = Table::new("", table.span(), table.get_ref());
    let site = sections(&mut root, &mut errors);
    let mut rest = root.finish();
    rest.append(&mut errors.items);
    // Do not report a secret a second time as an unknown key, nor a key with a syntax error as missing or wrong.
    let broken: BTreeSet<_> = syntax
        .iter()
        .map(|error| errors.line(&error.span))
        .collect();
    rest.retain(|error| {
        let absent = !broken.is_empty() && error.kind == Kind::Absent;
        !absent && !broken.contains(&errors.line(&error.span)) && !refused.contains(&error.span)
    });
    rest.append(&mut found.errors);
    rest.extend(syntax);
    match site {
        Some(site) if rest.is_empty() => Ok(site),
        _ => {
            let masked = secret::mask(source, &found.values);
            Err(Diagnostics::new(path, &masked, rest))
        }
    }
}

/// Reads all sections and collects their errors. Returns `None` if a needed value is absent or wrong. The hint about an
/// unknown section lists the sections in the order of this function.
fn sections(root: &mut Table<'_, '_>, errors: &mut Errors) -> Option<Site> {
    let head = Head::written(root, errors);
    let has_domain = !head.domain.absent;
    let head = Head::value(&head);
    let name = head.as_ref().map(|head| &head.name);
    let odoo = Odoo::read(root, name, errors);
    let version = odoo.as_ref().map(|odoo| odoo.version);
    let addons = Addons::read(root, version, errors);
    let python = Python::written(root, errors);
    let apt = Apt::written(root, errors);
    let wkhtmltopdf = Wkhtmltopdf::read(root, errors);
    let firewall = Firewall::written(root, errors);
    let fail2ban = Fail2ban::written(root, errors);
    let postgres = Postgres::read(root, name, errors);
    let logs = Logs::written(root, errors);
    let proxy = Proxy::read(root, has_domain, &fail2ban, errors);
    let behind = proxy
        .as_ref()
        .map(|proxy| errors.line(&Proxy::place(proxy)));
    let http = Http::read(root, behind, errors);
    let Head { name, domain } = head?;
    Some(Site {
        paths: Paths::of(&name),
        name,
        domain,
        odoo: odoo?,
        addons: addons?,
        python: Python::value(&python)?,
        apt: Apt::value(&apt)?,
        http: http?,
        wkhtmltopdf: wkhtmltopdf?,
        firewall: Firewall::value(&firewall)?,
        fail2ban: Fail2ban::value(&fail2ban)?,
        postgres: postgres?,
        logs: Logs::value(&logs)?,
        proxy: match proxy {
            Some(proxy) => Some(Proxy::value(&proxy)?),
            None => None,
        },
    })
}

/// Adds an error for every value that the list has twice.
pub(super) fn unique<T: Ord + std::fmt::Display>(
    values: &[Spanned<T>],
    what: &str,
    errors: &mut Errors,
) {
    let mut first: BTreeMap<&T, &Spanned<T>> = BTreeMap::new();
    for value in values {
        if let Some(before) = first.get(value.get_ref()) {
            let message = format!("{what} `{}` is named twice", value.get_ref());
            let label = format!("first on line {}", errors.line(&before.span()));
            let error = Diagnostic::new(value.span(), message).label(label);
            errors.note(error.hint("name it once"));
        } else {
            first.insert(value.get_ref(), value);
        }
    }
}
