//! The section `[http]`.

use std::net::{IpAddr, Ipv4Addr};

use super::net::Port;
use super::read::Errors;
use super::section::{Section, section};
use super::workers::{Users, Workers};
use crate::text::diagnostic::Diagnostic;
use crate::text::reader::Table;

section! {
    /// Where Odoo listens, and how many processes answer. A second site on the same server needs ports of its own.
    pub struct Http from Written in "[http]" {
        /// The address to listen at. `"0.0.0.0"` is every address of the server. With `[proxy]` a loopback address is
        /// needed.
        interface: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST),
        /// The port for requests.
        port: Port = Port::HTTP,
        /// The port for websockets. Odoo opens it only if it has worker processes.
        gevent_port: Port = Port::GEVENT,
        /// How many processes answer requests. `"auto"` computes the number from cores, memory and `users`; `0` is one
        /// process with threads. With a proxy `0` is refused.
        workers: Workers = Workers::Auto,
        /// How many people are expected to work with Odoo at once. `workers = "auto"` plans one process for every six.
        users: Option<Users>,
        /// If `true`, Odoo believes the `X-Forwarded-*` headers of a proxy. With `[proxy]` it is always `true`.
        proxy_mode: bool = false,
    }
}

impl Http {
    /// Reads the section; `behind` is the line of `[proxy]`, if there is one.
    pub(super) fn read(
        root: &mut Table<'_, '_>,
        behind: Option<usize>,
        errors: &mut Errors,
    ) -> Option<Self> {
        let written = Self::written(root, errors);
        let mut http = Self::value(&written)?;
        http.proxy_mode |= behind.is_some();
        match behind {
            Some(line) => behind_nginx(&http, &written, line, errors),
            None => behind_another(&http, &written, errors),
        }
        one_port(&http, &written, errors);
        Some(http)
    }
}

fn one_port(http: &Http, written: &Written, errors: &mut Errors) {
    if http.port != http.gevent_port {
        return;
    }
    let default = |key, port| format!("the same as `{key}`, which is {port} if not given");
    let (place, label) = match (written.port.span(), written.gevent_port.span()) {
        (Some(port), Some(gevent)) => {
            let line = errors.line(&port);
            (gevent, format!("`port` on line {line} is the same"))
        }
        (None, Some(gevent)) => (gevent, default("port", Port::HTTP)),
        (Some(port), None) => (port, default("gevent_port", Port::GEVENT)),
        (None, None) => return,
    };
    let message = format!("`port` and `gevent_port` are both `{}`", http.port);
    let error = Diagnostic::new(place, message).label(label);
    errors.note(error.hint("give them two different numbers, such as `8069` and `8072`"));
}

/// Refuses `workers = 0` behind another proxy: without workers, no process listens at `gevent_port`, to which a proxy
/// sends `/websocket`.
fn behind_another(http: &Http, written: &Written, errors: &mut Errors) {
    if let (Some(workers), Some(proxy)) = (written.workers.span(), written.proxy_mode.span())
        && http.workers == Workers::Threaded
        && http.proxy_mode
    {
        let message =
            "`workers = 0` with `proxy_mode = true` leaves `/websocket` dead behind the proxy";
        let label = format!("`proxy_mode` is on line {}", errors.line(&proxy));
        let error = Diagnostic::new(workers, message).label(label);
        errors.note(error.hint("write `workers = \"auto\"`, or take `proxy_mode` away"));
    }
}

/// Notes what contradicts the `[proxy]` on `line`.
fn behind_nginx(http: &Http, written: &Written, line: usize, errors: &mut Errors) {
    let mut refuse = |span, message: &str, hint: &str| {
        let error = Diagnostic::new(span, message).label(format!("`[proxy]` is on line {line}"));
        errors.note(error.hint(hint));
    };
    if let (Some(workers), Workers::Threaded) = (written.workers.span(), http.workers) {
        let message = "`workers = 0` leaves `/websocket` dead behind the proxy";
        let hint = "write `workers = \"auto\"`, or take `[proxy]` away";
        refuse(workers, message, hint);
    }
    if let (Some(mode), Some(false)) = (written.proxy_mode.span(), written.proxy_mode.get()) {
        let message =
            "behind a proxy `proxy_mode` is on: Odoo would take the proxy for every visitor";
        refuse(mode, message, "take `proxy_mode` away");
    }
    if let Some(interface) = written
        .interface
        .span()
        .filter(|_| !http.interface.is_loopback())
    {
        let message =
            "who reaches Odoo past its proxy could forge addresses, and see passwords in clear";
        let hint = "take `interface` away: the proxy asks at `127.0.0.1`";
        refuse(interface, message, hint);
    }
}
