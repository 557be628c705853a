//! Optional parts of a site: wkhtmltopdf, the firewall and fail2ban.

use serde_json::{Value, json};

use super::{Blueprint, Error};
use crate::host;
use crate::host::layout::RUN;
use crate::plan::wkhtmltopdf::{self, Chosen};

impl Blueprint {
    /// The wkhtmltopdf that the site gets.
    pub(super) fn wkhtmltopdf(&self) -> Result<Chosen, Error> {
        let (site, facts) = (&self.site, &self.facts);
        let (wanted, home) = (&site.wkhtmltopdf, &site.paths.home);
        let chosen = wkhtmltopdf::choose(wanted, home, facts.codename(), &facts.architecture);
        chosen.map_err(|reason| host::Error::impossible(reason).into())
    }

    /// The packages that the firewall and fail2ban need.
    pub(super) fn parts(&self) -> Vec<String> {
        let (filters, jails) = (self.site.firewall.enabled, self.site.fail2ban.enabled);
        let filter = (filters || jails).then_some("nftables");
        let jail = jails.then_some(["fail2ban", "python3-systemd"]);
        let packages = filter.into_iter().chain(jail.into_iter().flatten());
        packages.map(str::to_owned).collect()
    }

    /// The names of the firewall: its files, and the ports that it closes.
    pub(super) fn firewall(&self) -> Value {
        let name = &self.site.name;
        let rules = format!("/etc/{name}.nft");
        let unit = format!("{name}-firewall.service");
        json!({
            "enabled": self.site.firewall.enabled,
            "table": format!("odoo-deploy-{name}"),
            "closed": self.site.closed_ports(),
            "rules": rules,
            "unit": unit,
        })
    }

    /// The names of fail2ban's jails against password guessing: their files, and the addresses that they never ban.
    pub(super) fn fail2ban(&self) -> Value {
        let (name, jail) = (&self.site.name, format!("odoo-deploy-{}", self.site.name));
        let proxy = self.site.proxy.as_ref();
        let file = |folder: &str, name: &str| format!("/etc/fail2ban/{folder}.d/{name}.conf");
        let nginx = format!("{jail}-nginx");
        let ours = ["127.0.0.0/8".to_owned(), "::1".to_owned()].into_iter();
        let known = proxy
            .into_iter()
            .flat_map(|proxy| proxy.trusted.iter().chain(&proxy.rpc_clients));
        let enabled = self.site.fail2ban.enabled;
        json!({
            "enabled": enabled,
            "before": enabled && proxy.is_some(),
            "jails": if proxy.is_some() { vec![&jail, &nginx] } else { vec![&jail] },
            "ignored": ours.chain(known.map(ToString::to_string)).collect::<Vec<_>>(),
            "filter": file("filter", &jail),
            "nginx": proxy.map(|_| file("filter", &nginx)),
            "action": proxy.map(|_| file("action", &jail)),
            "jail": file("jail", &jail),
            "unit": format!("/etc/systemd/system/fail2ban.service.d/{jail}.conf"),
            "record": format!("{RUN}/{name}-fail2ban.started"),
        })
    }
}
