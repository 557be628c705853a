//! What a rollback may leave, path by path, with the reason.

/// A pattern of paths, and why they may differ.
pub(crate) type Allowance = (&'static str, &'static str);

/// Paths that change on any server, with or without odoo-deploy.
pub(crate) const BACKGROUND: &[&str] = &[
    "/srv/site",
    "/var/log/journal",
    "/var/log/wtmp",
    "/var/log/btmp",
    "/var/log/lastlog",
    "/var/lib/systemd",
    "/var/lib/postgresql",
    "/var/log/postgresql",
    "/tmp/*",
];

/// What every run leaves.
pub(crate) const EVERY_RUN: &[Allowance] = &[
    ("/var/lib/odoo-deploy", "the journal's folder"),
    ("/var/lib/odoo-deploy/odoo", "the journal's folder"),
    (
        "/var/lib/odoo-deploy/odoo/run-????.jsonl",
        "the journal of runs and rollbacks",
    ),
    (
        "/var/lib/odoo-deploy/odoo/logs*",
        "what programs printed, to find a cause later",
    ),
    (
        "/var/lib/odoo-deploy/odoo/blobs*",
        "earlier bytes of files that a run changed",
    ),
    (
        "/var/lib/odoo-deploy/odoo/made*",
        "notes by which odoo-deploy recognises what it created",
    ),
    (
        "/var/lib/odoo-deploy/odoo/written*",
        "digests of what odoo-deploy wrote, to recognise hand edits",
    ),
    ("/etc/passwd-", "useradd's own copy of the file before"),
    ("/etc/group-", "groupadd's own copy of the file before"),
    ("/etc/shadow-", "useradd's own copy of the file before"),
    ("/etc/gshadow-", "groupadd's own copy of the file before"),
    ("/etc/subuid-", "useradd's own copy of the file before"),
    ("/etc/subgid-", "useradd's own copy of the file before"),
];

/// What a running Odoo writes.
pub(crate) const RUNNING: &[Allowance] = &[
    ("/var/lib/odoo/*", "sessions and attachments of Odoo"),
    (
        "/var/tmp/systemd-private-*",
        "the service's temporary folder, which has another name at each start",
    ),
];

/// What a run leaves if it installed packages; the plan names it as residue.
pub(crate) const PACKAGES: &[Allowance] = &[
    ("/var/lib/apt/lists*", "apt's lists, fetched again"),
    ("/var/lib/apt/periodic*", "when apt's lists were fetched"),
    ("/var/cache/apt/*", "apt's cache and downloaded packages"),
    ("/var/log/apt/*", "apt's log"),
    ("/var/log/dpkg.log", "dpkg's log"),
    (
        "/var/log/alternatives.log",
        "the log of update-alternatives",
    ),
    (
        "/var/lib/apt/extended_states",
        "which packages apt chose by itself",
    ),
    (
        "/var/cache/debconf/*",
        "debconf's questions and answers of packages that were installed for a while",
    ),
    (
        "/var/cache/ldconfig/*",
        "the linker's cache of libraries, rebuilt at each change",
    ),
    (
        "/etc/ld.so.cache",
        "the linker's cache of libraries, rebuilt at each change",
    ),
    (
        "/var/lib/dpkg/status",
        "removed packages with configuration files stay on dpkg's list",
    ),
    (
        "/var/lib/dpkg/status-old",
        "dpkg's own copy of its list before",
    ),
    (
        "/var/lib/dpkg/info/*.list",
        "the configuration files of removed packages",
    ),
    (
        "/var/lib/dpkg/info/*.postrm",
        "what removes those configuration files",
    ),
    (
        "/var/lib/dpkg/statoverride",
        "the mode of ssl-cert's folder of keys",
    ),
    (
        "/var/lib/dpkg/statoverride-old",
        "dpkg's own copy of the file before",
    ),
    (
        "/var/lib/dpkg/diversions-old",
        "dpkg's own copy of the file before",
    ),
    (
        "/var/lib/ucf*",
        "digests of configuration files, kept with them",
    ),
    ("/etc/passwd", "the account `postgres`: see `accounts`"),
    ("/etc/shadow", "the account `postgres`: see `accounts`"),
    (
        "/etc/group",
        "the groups `postgres` and `ssl-cert`: see `accounts`",
    ),
    (
        "/etc/gshadow",
        "the groups `postgres` and `ssl-cert`: see `accounts`",
    ),
    (
        "/etc/ssl/certs/????????.0",
        "link to the self-signed certificate of ssl-cert",
    ),
    (
        "/etc/ssl/certs/ssl-cert-snakeoil.pem",
        "the self-signed certificate of ssl-cert",
    ),
    ("/etc/ssl/private", "opened to the group `ssl-cert`"),
    (
        "/etc/ssl/private/ssl-cert-snakeoil.key",
        "the key of that certificate",
    ),
    ("/etc/postgresql*", "configuration of the empty cluster"),
    ("/var/cache/postgresql*", "PostgreSQL's dictionaries"),
    (
        "/etc/rc*.d/*postgresql",
        "links of the service's configuration file in init.d",
    ),
    (
        "/etc/systemd/system/multi-user.target.wants/postgresql.service",
        "enabled, should it come back",
    ),
    (
        "/etc/default/locale",
        "made by `locales` when it was configured",
    ),
    (
        "/etc/locale.gen",
        "made by `locales` when it was configured",
    ),
    (
        "/etc/apt/apt.conf.d/02autoremove-postgresql",
        "made by postgresql-common",
    ),
    ("/etc/bash_completion.d*", "configuration file of git"),
    ("/etc/ethertypes", "configuration file of netbase"),
    ("/etc/networks", "made by netbase"),
    ("/etc/protocols", "configuration file of netbase"),
    ("/etc/rpc", "configuration file of netbase"),
    ("/etc/services", "configuration file of netbase"),
    ("/etc/netconfig", "configuration file of libtirpc"),
    ("/etc/gprofng.rc", "configuration file of binutils"),
    ("/etc/inputrc", "made by readline"),
    ("/etc/locale.alias", "configuration file of locales"),
    (
        "/etc/logrotate.d/postgresql-common",
        "configuration file of PostgreSQL",
    ),
    ("/etc/init.d/postgresql", "configuration file of PostgreSQL"),
    ("/etc/mime.types", "configuration file of media-types"),
    ("/etc/python3*", "configuration files of Python"),
    ("/etc/ucf.conf", "configuration file of ucf"),
    (
        "/usr/share/man/man?",
        "folders of manual pages, which dpkg was told not to unpack",
    ),
];

/// Matches `*` with any text and `?` with any character, including `/`.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    match (pattern.chars().next(), path.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            let rest = &pattern[1..];
            path.char_indices()
                .any(|(at, _)| matches(rest, &path[at..]))
                || rest.is_empty()
        }
        (Some(one), Some(other)) if one == '?' || one == other => {
            matches(&pattern[one.len_utf8()..], &path[other.len_utf8()..])
        }
        _ => false,
    }
}
