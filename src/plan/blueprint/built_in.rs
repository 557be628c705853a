//! The playbook and the templates that are part of the program.

/// The name of the playbook file beside `site.toml`.
pub const PLAYBOOK: &str = "odoo.toml";

/// The name of the file beside `site.toml` that adds an administrator's steps to the playbook.
pub const EXTRA: &str = "extra.toml";

/// The built-in playbook and templates. A file of the same name beside `site.toml` takes precedence.
pub(super) const EMBEDDED: &[(&str, &str)] = &[
    (PLAYBOOK, include_str!("../../../playbooks/odoo.toml")),
    ("odoo.conf", include_str!("../../../templates/odoo.conf")),
    (
        "odoo.service",
        include_str!("../../../templates/odoo.service"),
    ),
    (
        "firewall.nft",
        include_str!("../../../templates/firewall.nft"),
    ),
    (
        "firewall.service",
        include_str!("../../../templates/firewall.service"),
    ),
    (
        "fail2ban-filter.conf",
        include_str!("../../../templates/fail2ban-filter.conf"),
    ),
    (
        "fail2ban-nginx.conf",
        include_str!("../../../templates/fail2ban-nginx.conf"),
    ),
    (
        "fail2ban-action.conf",
        include_str!("../../../templates/fail2ban-action.conf"),
    ),
    (
        "fail2ban-jail.conf",
        include_str!("../../../templates/fail2ban-jail.conf"),
    ),
    (
        "fail2ban-unit.conf",
        include_str!("../../../templates/fail2ban-unit.conf"),
    ),
    (
        "odoo.logrotate",
        include_str!("../../../templates/odoo.logrotate"),
    ),
    (
        "postgresql.service",
        include_str!("../../../templates/postgresql.service"),
    ),
    ("nginx.conf", include_str!("../../../templates/nginx.conf")),
    (
        "nginx-http.conf",
        include_str!("../../../templates/nginx-http.conf"),
    ),
    (
        "nginx.service",
        include_str!("../../../templates/nginx.service"),
    ),
];

/// The text of a built-in file, from which an owner's file of the same name can start.
///
/// # Errors
/// If there is no built-in file with this name. The error lists all names.
pub fn built_in(name: &str) -> Result<&'static str, String> {
    let found = EMBEDDED.iter().find(|(embedded, _)| *embedded == name);
    found.map(|(_, text)| *text).ok_or_else(|| {
        let names: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
        format!(
            "there is no template `{name}`; there is `{}`",
            names.join("`, `")
        )
    })
}
