//! The parts round Odoo: what prints reports, the packet filter, the jail.

use serde_json::{Value, json};

use super::{Blueprint, Error};
use crate::host;
use crate::wkhtmltopdf::{self, Chosen};

impl Blueprint {
    /// What prints reports.
    pub(super) fn wkhtmltopdf(&self) -> Result<Chosen, Error> {
        let (site, facts) = (&self.site, &self.facts);
        let (wanted, home) = (&site.wkhtmltopdf, &site.paths.home);
        let chosen = wkhtmltopdf::choose(wanted, home, facts.codename(), &facts.architecture);
        chosen.map_err(|reason| host::Error::impossible(reason).into())
    }

    /// The packages that packet filter and jail need.
    pub(super) fn parts(&self) -> Vec<String> {
        let (filters, jails) = (self.site.firewall.enabled, self.site.fail2ban.enabled);
        let filter = (filters || jails).then_some("nftables");
        let jail = jails.then_some(["fail2ban", "python3-systemd"]);
        let packages = filter.into_iter().chain(jail.into_iter().flatten());
        packages.map(str::to_owned).collect()
    }

    /// The packet filter: its files and what it closes.
    pub(super) fn firewall(&self) -> Value {
        let name = &self.site.name;
        let rules = format!("/etc/{name}.nft");
        let unit = format!("{name}-firewall.service");
        json!({
            "enabled": self.site.firewall.enabled,
            "table": format!("odoo-deploy-{name}"),
            "closed": self.site.closed_ports(),
            "inputs": { "firewall-rules": rules, "firewall-unit": format!("/etc/systemd/system/{unit}") },
            "rules": rules,
            "unit": unit,
        })
    }

    /// The jail for those who try passwords: its files.
    pub(super) fn fail2ban(&self) -> Value {
        let name = &self.site.name;
        let filter = format!("/etc/fail2ban/filter.d/odoo-deploy-{name}.conf");
        let jail = format!("/etc/fail2ban/jail.d/odoo-deploy-{name}.conf");
        let unit = format!("/etc/systemd/system/fail2ban.service.d/odoo-deploy-{name}.conf");
        json!({
            "enabled": self.site.fail2ban.enabled,
            "inputs": { "fail2ban-filter": filter, "fail2ban-jail": jail, "fail2ban-unit": unit },
            "filter": filter,
            "jail": jail,
            "unit": unit,
            "record": format!("/run/odoo-deploy/{name}-fail2ban.started"),
        })
    }
}
