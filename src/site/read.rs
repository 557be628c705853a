//! From the text to the [`Site`], collecting every error.

mod access;
mod http;
mod odoo;
mod parts;
mod postgres;
mod proxy;

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use toml::Spanned;

use super::secret::{self, Found};
use super::{Apt, Installer, Logs, Paths, Python, Site, SiteName};
use crate::text::diagnostic::{Diagnostic, Diagnostics, Kind};
use crate::text::reader::{self, Table};

/// The errors so far, and where the lines of the text end.
struct Errors {
    ends: Vec<usize>,
    items: Vec<Diagnostic>,
}

impl Errors {
    fn line<T>(&self, value: &Spanned<T>) -> usize {
        self.line_of(value.span().start)
    }

    fn line_of(&self, offset: usize) -> usize {
        self.ends.partition_point(|end| *end < offset) + 1
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
    // A secret is not to be told a second time as an unknown key, nor what syntax broke as missing or wrong.
    let broken: BTreeSet<_> = syntax
        .iter()
        .map(|error| errors.line_of(error.span.start))
        .collect();
    rest.retain(|error| {
        let absent = !broken.is_empty() && error.kind == Kind::Absent;
        !absent
            && !broken.contains(&errors.line_of(error.span.start))
            && !refused.contains(&error.span)
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

/// `None` when there is an error that leaves nothing to put in a place; the error is noted.
fn sections(root: &mut Table<'_, '_>, errors: &mut Errors) -> Option<Site> {
    let mut table = root.table("site");
    let name = match (table.has("name"), table.take::<SiteName>("name")) {
        (_, Some(name)) => Some(name.into_inner()),
        (false, None) => "odoo".parse().ok(),
        (true, None) => None,
    };
    let has_domain = table.has("domain");
    let domain = table.take("domain").map(Spanned::into_inner);
    errors.items.extend(table.finish());

    let odoo = odoo::odoo(root.table("odoo"), name.as_ref(), errors);
    let version = odoo.as_ref().map(|odoo| odoo.version);
    let addons = odoo::addons(root.tables("addons"), version, errors);
    let python = python(root.table("python"), errors);

    let mut table = root.table("apt");
    let upgrade = table.take("upgrade").is_some_and(Spanned::into_inner);
    errors.items.extend(table.finish());

    let wkhtmltopdf = parts::wkhtmltopdf(root, errors);
    let firewall = parts::firewall(root.table("firewall"), errors);
    let table = root.table("fail2ban");
    let jail = table.span();
    let fail2ban = parts::fail2ban(table, errors);
    let postgres = postgres::postgres(root.table("postgres"), name.as_ref(), errors);

    let mut table = root.table("logs");
    let file = table.take("file").is_some_and(Spanned::into_inner);
    errors.items.extend(table.finish());
    let asked = root.has("proxy");
    let table = root.table("proxy");
    let line = asked.then(|| errors.line_of(table.span().start));
    let proxy = asked.then(|| proxy::proxy(table, has_domain, errors));
    if let (Some(Some(proxy)), true) = (&proxy, fail2ban.enabled) {
        errors.items.extend(proxy::unseen(proxy, jail));
    }
    let http = http::http(root.table("http"), line, errors);
    let name = name?;
    Some(Site {
        paths: Paths::of(&name),
        name,
        domain,
        odoo: odoo?,
        addons: addons?,
        python,
        apt: Apt { upgrade },
        http,
        wkhtmltopdf,
        firewall,
        fail2ban,
        postgres,
        logs: Logs { file },
        proxy: match proxy {
            Some(proxy) => Some(proxy?),
            None => None,
        },
    })
}

fn python(mut table: Table<'_, '_>, errors: &mut Errors) -> Python {
    let python = Python {
        installer: table
            .take("installer")
            .map_or(Installer::Uv, Spanned::into_inner),
        index: table.take("index").map(Spanned::into_inner),
        wheels: table.take("wheels").map(Spanned::into_inner),
    };
    errors.items.extend(table.finish());
    python
}
