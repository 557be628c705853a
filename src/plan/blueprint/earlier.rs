//! Names that playbooks and templates of version 0.1.0 refer to, so that an owner's files for 0.1.0 still work.

use serde_json::{Value, json};

use crate::site::{Site, Tls};

/// Adds the names for playbooks. In 0.1.0, the program listed what a service reads, which is now a list of steps in
/// the playbook, and every condition needed a name that is `true` or `false`.
pub(super) fn of_playbooks(names: &mut Value, site: &Site) {
    names["inputs"] = json!(["conf", "unit", "environment", "release", "release-*"]);
    names["firewall"]["inputs"] = json!(["firewall-rules", "firewall-unit"]);
    names["fail2ban"]["inputs"] = json!([
        "fail2ban-filter",
        "fail2ban-nginx",
        "fail2ban-action",
        "fail2ban-jail",
        "fail2ban-unit"
    ]);
    names["proxy"]["inputs"] = json!(["proxy", "proxy-link", "http", "http-link"]);
    names["proxy"]["certificates"] = json!(["certificate", "certificate-file", "certificate-acme"]);
    for (name, tls) in [
        ("self_signed", Tls::SelfSigned),
        ("files", Tls::Files),
        ("acme", Tls::Acme),
    ] {
        names["proxy"][name] = site
            .proxy
            .as_ref()
            .is_some_and(|proxy| proxy.tls == tls)
            .into();
    }
}

/// Adds the names for templates: the files that nginx and fail2ban read.
pub(super) fn of_templates(names: &mut Value) {
    for (section, step) in [("proxy", "nginx"), ("fail2ban", "fail2ban")] {
        let files = names["reads"].get(step).cloned().unwrap_or(json!([]));
        names[section]["reads"] = files;
    }
}
