//! Addresses and networks of other hosts.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};
use toml::de::DeValue;

use super::setting::Setting;
use super::text::{self, refuse};
use crate::text::diagnostic::Invalid;
use crate::text::reader::FromToml;

/// An address, or a network such as `10.0.0.0/8`. A network of all addresses is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// The length of the network's prefix in bits. `None` for a single address.
    bits: Option<u8>,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits {
            Some(bits) => write!(f, "{}/{bits}", self.address),
            None => self.address.fmt(f),
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromToml for Network {
    fn from_toml(value: &DeValue<'_>) -> Result<Self, Invalid> {
        let text = text::read(value)?;
        let refused = || {
            let label = "an address such as `192.0.2.7`, or a network such as `192.0.2.0/24`";
            refuse(text, "an address or a network", label)
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| match text {
            "localhost" => refused().hint("write `\"127.0.0.1\"`"),
            _ if text.starts_with('[') => refused().hint("without the brackets"),
            _ => refused(),
        })?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => None,
            Some(bits) if !bits.bytes().all(|b| b.is_ascii_digit()) => return Err(refused()),
            Some(bits) => Some(
                bits.parse()
                    .ok()
                    .filter(|bits| *bits <= most)
                    .ok_or_else(refused)?,
            ),
        };
        if address.is_unspecified() || bits == Some(0) {
            let invalid = refused().label("this is everybody");
            return Err(
                invalid.hint("whoever is named here is believed: name the addresses of yours")
            );
        }
        if bits.is_some_and(|bits| has_host(address, bits)) {
            let hint = "after the bits of the network all are zero, as in `192.0.2.0/24`";
            return Err(refused().label("an address within a network").hint(hint));
        }
        Ok(Self { address, bits })
    }
}

impl Setting for Network {
    fn words() -> String {
        "an IP address or a network".to_owned()
    }

    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "pattern": "^[0-9A-Fa-f:.]+(/[0-9]+)?$" })
    }
}

/// Whether a bit is set after the first `bits`.
fn has_host(address: IpAddr, bits: u8) -> bool {
    let rest = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    rest.checked_shl(bits.into()).unwrap_or(0) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_no_bits_after_its_prefix() {
        for (address, bits, expected) in [
            ("10.0.0.0", 8, false),
            ("10.0.0.1", 8, true),
            ("10.0.0.1", 32, false),
            ("2001:db8::", 32, false),
            ("2001:db8::1", 64, true),
            ("2001:db8::1", 128, false),
        ] {
            let found = has_host(address.parse().unwrap(), bits);
            assert_eq!(found, expected, "{address}/{bits}");
        }
    }
}
