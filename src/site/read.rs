//! From the text to the [`Site`], collecting every error.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use toml::Spanned;

use super::secret::{self, Found};
use super::{
    Addons, AddonsName, Apt, Branch, DatabaseName, Http, Installer, ModuleName, Odoo, Paths, Port,
    Python, Repository, Site, SiteName, Workers,
};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::reader::{self, Table};
use crate::release::Series;

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
        let absent = !broken.is_empty() && is_absence(error);
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

const ABSENT: &str = " is missing";

fn is_absence(error: &Diagnostic) -> bool {
    error.message.ends_with(ABSENT)
}

/// `None` when there is an error that leaves nothing to put in a place; the error is noted.
fn sections(root: &mut Table<'_, '_>, errors: &mut Errors) -> Option<Site> {
    let mut table = root.table("site");
    let name = match (table.has("name"), table.take::<SiteName>("name")) {
        (_, Some(name)) => Some(name.into_inner()),
        (false, None) => "odoo".parse().ok(),
        (true, None) => None,
    };
    let domain = table.take("domain").map(Spanned::into_inner);
    errors.items.extend(table.finish());

    let odoo = odoo(root.table("odoo"), name.as_ref(), errors);
    let version = odoo.as_ref().map(|odoo| odoo.version);
    let addons = addons(root.tables("addons"), version, errors);
    let python = python(root.table("python"), errors);

    let mut table = root.table("apt");
    let upgrade = table.take("upgrade").is_some_and(Spanned::into_inner);
    errors.items.extend(table.finish());

    let http = http(root.table("http"), errors);
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
    })
}

fn odoo(mut table: Table<'_, '_>, site: Option<&SiteName>, errors: &mut Errors) -> Option<Odoo> {
    let version = if table.has("version") {
        table.take::<Series>("version")
    } else {
        // Asked for all the same, so that a misspelt key is compared with it.
        let _ = table.take::<Series>("version");
        let newest = Series::NEWEST;
        let span = table.span();
        table.error(
            Diagnostic::new(span, format!("`version` of `[odoo]`{ABSENT}"))
                .label("which Odoo?")
                .hint(format!("write `version = \"{newest}\"` below `[odoo]`")),
        );
        None
    };
    let repository = table
        .take("repository")
        .map_or_else(Repository::odoo, Spanned::into_inner);
    let branch = table.take::<Branch>("branch").map(Spanned::into_inner);
    let commit = table.take("commit").map(Spanned::into_inner);
    let database = match (
        table.has("database"),
        table.take::<DatabaseName>("database"),
    ) {
        (false, _) => site.and_then(|name| name.as_str().parse().ok()),
        (true, database) => database.map(Spanned::into_inner),
    };
    let listed = table.list::<ModuleName>("modules").unwrap_or_default();
    let demo = table.take("demo").is_some_and(Spanned::into_inner);
    unique(&listed, "module", errors);
    errors.items.extend(table.finish());
    let version = version?.into_inner();
    Some(Odoo {
        version,
        repository,
        branch: branch.unwrap_or_else(|| version.into()),
        commit,
        database: database?,
        modules: listed.into_iter().map(Spanned::into_inner).collect(),
        demo,
    })
}

/// Notes every value that was there before.
fn unique<T: Ord + std::fmt::Display>(values: &[Spanned<T>], what: &str, errors: &mut Errors) {
    let mut first: BTreeMap<&T, &Spanned<T>> = BTreeMap::new();
    for value in values {
        if let Some(before) = first.get(value.get_ref()) {
            let message = format!("{what} `{}` is named twice", value.get_ref());
            let label = format!("first on line {}", errors.line(before));
            let error = Diagnostic::new(value.span(), message).label(label);
            errors.items.push(error.hint("name it once"));
        } else {
            first.insert(value.get_ref(), value);
        }
    }
}

fn addons(
    tables: Vec<Table<'_, '_>>,
    version: Option<Series>,
    errors: &mut Errors,
) -> Option<Vec<Addons>> {
    let mut names = Vec::new();
    let mut all = Some(Vec::new());
    for mut table in tables {
        let name = required::<AddonsName>(
            &mut table,
            "name",
            "write `name = \"…\"`, the name of its folder",
        );
        let repository = required::<Repository>(
            &mut table,
            "repository",
            "write `repository = \"https://…\"`",
        );
        let branch = table.take::<Branch>("branch").map(Spanned::into_inner);
        let commit = table.take("commit").map(Spanned::into_inner);
        errors.items.extend(table.finish());
        names.extend(name.clone());
        let one = || {
            Some(Addons {
                name: name?.into_inner(),
                repository: repository?.into_inner(),
                branch: branch.or_else(|| version.map(Branch::from))?,
                commit,
            })
        };
        all = all.zip(one()).map(|(mut all, one)| {
            all.push(one);
            all
        });
    }
    unique(&names, "folder of addons", errors);
    all
}

fn required<T: reader::FromToml>(
    table: &mut Table<'_, '_>,
    key: &'static str,
    hint: &str,
) -> Option<Spanned<T>> {
    let absent = !table.has(key);
    let value = table.take(key);
    if absent {
        let message = format!("`{key}` of `[[addons]]`{ABSENT}");
        table.error(Diagnostic::new(table.span(), message).hint(hint));
    }
    value
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

fn http(mut table: Table<'_, '_>, errors: &mut Errors) -> Http {
    let interface = table.take::<IpAddr>("interface");
    let port = table.take::<Port>("port");
    let gevent = table.take::<Port>("gevent_port");
    let workers = table.take::<Workers>("workers");
    let proxy = table.take::<bool>("proxy_mode");
    let http = Http {
        interface: interface.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), Spanned::into_inner),
        port: port.as_ref().map_or(Port::HTTP, |port| *port.get_ref()),
        gevent_port: gevent.as_ref().map_or(Port::GEVENT, |port| *port.get_ref()),
        workers: workers
            .as_ref()
            .map_or(Workers::Auto, |workers| *workers.get_ref()),
        proxy_mode: proxy.as_ref().is_some_and(|proxy| *proxy.get_ref()),
    };
    if http.port == http.gevent_port {
        let (here, there) = match (&port, &gevent) {
            (Some(port), Some(gevent)) => (
                Some(gevent),
                format!("`port` on line {} is the same", errors.line(port)),
            ),
            (None, gevent) => (
                gevent.as_ref(),
                "the same as `port`, which is 8069 if not given".to_owned(),
            ),
            (port, None) => (
                port.as_ref(),
                "the same as `gevent_port`, which is 8072 if not given".to_owned(),
            ),
        };
        if let Some(here) = here {
            let message = format!("`port` and `gevent_port` are both `{}`", http.port);
            let error = Diagnostic::new(here.span(), message).label(there);
            errors
                .items
                .push(error.hint("give them two different numbers, such as `8069` and `8072`"));
        }
    }
    if let (Some(workers), Some(proxy)) = (workers, proxy)
        && http.workers == Workers::Threaded
        && http.proxy_mode
    {
        // Without workers nothing listens at `gevent_port`, where a proxy sends `/websocket`.
        let message =
            "`workers = 0` with `proxy_mode = true` leaves `/websocket` dead behind the proxy";
        let label = format!("`proxy_mode` is on line {}", errors.line(&proxy));
        errors.items.push(
            Diagnostic::new(workers.span(), message)
                .label(label)
                .hint("write `workers = \"auto\"`, or take `proxy_mode` away"),
        );
    }
    errors.items.extend(table.finish());
    http
}
