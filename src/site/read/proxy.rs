//! The section `[proxy]`.

use std::ops::Range;

use toml::Spanned;

use super::Errors;
use crate::site::{BodyLimit, Email, FilePath, Network, Proxy, Tls};
use crate::text::diagnostic::Diagnostic;
use crate::text::reader::{FromToml, Table};

/// Reads the section that is there; `domain` is whether `[site]` has a key of that name, right or wrong.
pub(super) fn proxy(mut table: Table<'_, '_>, domain: bool, errors: &mut Errors) -> Option<Proxy> {
    let span = table.span();
    if !domain {
        let message = "`domain` of `[site]` is missing";
        table.error(
            Diagnostic::absent(span.clone(), message)
                .label("for which name?")
                .hint("write `domain = \"erp.example.org\"` below `[site]`"),
        );
    }
    let named = table.has("tls");
    let tls = table.take::<Tls>("tls").map(Spanned::into_inner);
    // a wrong `tls` says nothing about which of the others belong to it
    let chosen = match (named, tls) {
        (true, None) => None,
        (_, tls) => Some(tls.unwrap_or(Tls::SelfSigned)),
    };
    let mut file = |key| of_tls::<FilePath>(&mut table, key, chosen, Tls::Files);
    let (certificate, key) = (file("certificate"), file("key"));
    let email = of_tls::<Email>(&mut table, "email", chosen, Tls::Acme);
    let body_limit = table.take::<BodyLimit>("body_limit");
    let mut networks = |key| {
        let all = table.list::<Network>(key).unwrap_or_default();
        all.into_iter().map(Spanned::into_inner).collect()
    };
    let (trusted, rpc_clients) = (networks("trusted"), networks("rpc_clients"));
    let rpc = table.take::<bool>("rpc").is_none_or(Spanned::into_inner);
    errors.items.extend(table.finish());
    Some(Proxy {
        tls: chosen?,
        certificate,
        key,
        email,
        body_limit: body_limit.map_or(BodyLimit::ODOO, Spanned::into_inner),
        trusted,
        rpc,
        rpc_clients,
    })
}

/// Why a `jail` cannot be where all visitors seem to have one address.
pub(super) fn unseen(proxy: &Proxy, jail: Range<usize>) -> Option<Diagnostic> {
    if proxy.tls != Tls::None || !proxy.trusted.is_empty() {
        return None;
    }
    let message = "behind another proxy all visitors seem to have its address: the first ban would shut out everybody";
    let hint = "write `trusted = [\"192.0.2.7\"]` below `[proxy]`, with the addresses that the other proxy asks from; \
                if there is none, `trusted = [\"127.0.0.1\"]`";
    let label = "`[proxy]` has `tls = \"none\"` and no `trusted`";
    Some(Diagnostic::new(jail, message).label(label).hint(hint))
}

/// A key that is needed where the certificate comes from `owner`, and means nothing elsewhere.
fn of_tls<T: FromToml>(
    table: &mut Table<'_, '_>,
    key: &'static str,
    chosen: Option<Tls>,
    owner: Tls,
) -> Option<T> {
    let there = table.has(key);
    let value = table.take::<T>(key);
    match chosen {
        Some(tls) if tls == owner && !there => {
            let message = format!("`{key}` of `[proxy]` is missing");
            let error = Diagnostic::absent(table.span(), message);
            table.error(error.label(format!("`tls = \"{owner}\"` needs it")));
        }
        Some(tls) if tls != owner => {
            if let Some(value) = &value {
                let message = format!("`{key}` means nothing with `tls = \"{tls}\"`");
                let hint = format!("write `tls = \"{owner}\"`, or take `{key}` away");
                table.error(Diagnostic::new(value.span(), message).hint(hint));
            }
        }
        _ => (),
    }
    value.map(Spanned::into_inner)
}
