//! The section `[http]`.

use std::net::{IpAddr, Ipv4Addr};

use toml::Spanned;

use super::Errors;
use crate::site::{Http, Port, Workers};
use crate::text::diagnostic::Diagnostic;
use crate::text::reader::Table;

/// `behind` is the line of `[proxy]`, where there is one.
pub(super) fn http(mut table: Table<'_, '_>, behind: Option<usize>, errors: &mut Errors) -> Http {
    let interface = table.take::<IpAddr>("interface");
    let port = table.take::<Port>("port");
    let gevent = table.take::<Port>("gevent_port");
    let workers = table.take::<Workers>("workers");
    let users = table.take("users");
    let proxy = table.take::<bool>("proxy_mode");
    let http = Http {
        interface: interface
            .as_ref()
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |interface| {
                *interface.get_ref()
            }),
        port: port.as_ref().map_or(Port::HTTP, |port| *port.get_ref()),
        gevent_port: gevent.as_ref().map_or(Port::GEVENT, |port| *port.get_ref()),
        workers: workers
            .as_ref()
            .map_or(Workers::Auto, |workers| *workers.get_ref()),
        users: users.map(Spanned::into_inner),
        proxy_mode: behind.is_some() || proxy.as_ref().is_some_and(|proxy| *proxy.get_ref()),
    };
    if let Some(line) = behind {
        contradictions(&http, line, (&interface, &workers, &proxy), errors);
    }
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
    if let (Some(workers), Some(proxy), None) = (workers, proxy, behind)
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

/// What was written out, with its place.
type Written<'w> = (
    &'w Option<Spanned<IpAddr>>,
    &'w Option<Spanned<Workers>>,
    &'w Option<Spanned<bool>>,
);

/// What cannot be so behind the `[proxy]` on `line`.
fn contradictions(
    http: &Http,
    line: usize,
    (interface, workers, proxy_mode): Written<'_>,
    errors: &mut Errors,
) {
    let mut refuse = |span, message: &str, hint: &str| {
        let error = Diagnostic::new(span, message).label(format!("`[proxy]` is on line {line}"));
        errors.items.push(error.hint(hint));
    };
    if let Some(workers) = workers
        .as_ref()
        .filter(|_| http.workers == Workers::Threaded)
    {
        let message = "`workers = 0` leaves `/websocket` dead behind the proxy";
        let hint = "write `workers = \"auto\"`, or take `[proxy]` away";
        refuse(workers.span(), message, hint);
    }
    if let Some(mode) = proxy_mode.as_ref().filter(|mode| !*mode.get_ref()) {
        let message =
            "behind a proxy `proxy_mode` is on: Odoo would take the proxy for every visitor";
        refuse(mode.span(), message, "take `proxy_mode` away");
    }
    if let Some(interface) = interface.as_ref().filter(|_| !http.interface.is_loopback()) {
        let message =
            "who reaches Odoo past its proxy could forge addresses, and see passwords in clear";
        refuse(
            interface.span(),
            message,
            "take `interface` away: the proxy asks at `127.0.0.1`",
        );
    }
}
