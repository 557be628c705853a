//! The addresses and ports of nginx's `listen`.

use std::net::IpAddr;

use super::read::Directive;

/// A `listen` directive, reduced to what can conflict with our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listen {
    /// The address; `None` if it is any address.
    pub(super) address: Option<String>,
    /// The first and the last port.
    ports: (u16, u16),
    /// The parameters.
    parameters: Vec<String>,
}

impl Listen {
    /// Parses a directive; `None` if it names a UNIX socket.
    pub(super) fn of(directive: &Directive) -> Option<Self> {
        let (text, parameters) = directive.values().split_first()?;
        if text.starts_with("unix:") {
            return None;
        }
        let range = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        let (address, ports) = match text.rsplit_once(':') {
            _ if range(text).is_some() => ("*", range(text)?),
            Some((address, ports)) if !text.ends_with(']') => (address, range(ports)?),
            _ => (text.as_str(), (80, 80)),
        };
        let bare = address.trim_matches(['[', ']']);
        let any = bare == "*" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified());
        Some(Self {
            address: (!any).then(|| address.to_owned()),
            ports,
            parameters: parameters.to_vec(),
        })
    }

    /// The default of a server without `listen`.
    pub(super) fn default() -> Self {
        Self {
            address: None,
            ports: (80, 80),
            parameters: Vec::new(),
        }
    }

    /// Whether it includes `port`.
    pub(super) fn takes(&self, port: u16) -> bool {
        (self.ports.0..=self.ports.1).contains(&port)
    }

    /// Whether it has a parameter.
    pub(super) fn has(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|known| known == parameter)
    }

    /// Whether the address is a loopback address.
    pub(super) fn is_loopback(&self) -> bool {
        self.address.as_deref().is_some_and(|address| {
            let bare = address.trim_matches(['[', ']']);
            bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn all_forms_of_listen_are_read() {
        for (text, address, port, other) in [
            ("443", None, 443, 80),
            ("*:443", None, 443, 80),
            ("0.0.0.0:80", None, 80, 443),
            ("[::]:443", None, 443, 80),
            ("192.0.2.1:443", Some("192.0.2.1"), 443, 80),
            ("192.0.2.1", Some("192.0.2.1"), 80, 443),
            ("[2001:db8::1]:443", Some("[2001:db8::1]"), 443, 80),
            ("[2001:db8::1]", Some("[2001:db8::1]"), 80, 443),
            ("shop.example.org:80", Some("shop.example.org"), 80, 443),
            ("440-450", None, 443, 80),
        ] {
            let directive = Directive {
                words: vec!["listen".into(), text.into(), "ssl".into()],
                block: Vec::new(),
                file: Path::new("/x").into(),
                line: 1,
            };
            let listen = Listen::of(&directive).unwrap();
            assert_eq!(listen.address.as_deref(), address, "{text}");
            assert!(listen.takes(port) && !listen.takes(other), "{text}");
            assert!(listen.has("ssl") && !listen.is_loopback(), "{text}");
        }
    }
}
