//! The outside world: packages and repositories.

/// The commit of Odoo's branch.
pub const ODOO_COMMIT: &str = "1111111111111111111111111111111111111111";

/// A later commit of Odoo.
pub const LATER_COMMIT: &str = "4444444444444444444444444444444444444444";

/// The commit of the add-ons' branch.
pub(super) const ADDONS_COMMIT: &str = "2222222222222222222222222222222222222222";

/// A repository: URL, branch, commit, and files with their texts.
pub(super) type Repository = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// A repository whose server does not send single files.
pub const OLD: &str = "https://old.example.org/odoo.git";

/// The files of an Odoo with these requirements.
macro_rules! odoo {
    ($requirements:literal) => {
        &[
            ("odoo-bin", "#!/usr/bin/env python3\n"),
            ("requirements.txt", $requirements),
            ("addons/account/__manifest__.py", "{}\n"),
            (
                "addons/sale/__manifest__.py",
                "{'depends': ['account', 'base']}\n",
            ),
            ("addons/stock/__manifest__.py", "{}\n"),
            ("odoo/addons/base/__manifest__.py", "{'version': '1.3'}\n"),
            ("odoo/addons/base/i18n/base.pot", "msgid \"Yes\"\n"),
            ("odoo/addons/base/i18n/de.po", "msgstr \"Ja\"\n"),
            ("odoo/addons/base/i18n/de_CH.po", "msgstr \"Jo\"\n"),
            ("odoo/addons/base/i18n/fr.po", "msgstr \"Oui\"\n"),
            ("addons/sale/i18n_extra/fr.po", "msgstr \"Vente\"\n"),
        ]
    };
}

/// The files of Odoo at the commit of its branch.
const ODOO: &[(&str, &str)] = odoo!("Babel==2.9.1\nlxml==5.2.1  # html\n");

/// The repositories that can be fetched.
pub(super) const REPOSITORIES: &[Repository] = &[
    (
        "https://git.example.org/odoo.git",
        "19.0",
        ODOO_COMMIT,
        ODOO,
    ),
    (OLD, "19.0", ODOO_COMMIT, ODOO),
    (
        "https://git.example.org/odoo.git",
        "19.0-later",
        LATER_COMMIT,
        odoo!("Babel==2.9.1\nlxml==5.2.2\n"),
    ),
    (
        "https://git.example.org/web.git",
        "19.0",
        ADDONS_COMMIT,
        &[
            ("requirements.txt", "openupgradelib\n"),
            ("web_responsive/__manifest__.py", "{}\n"),
        ],
    ),
    // the repositories of `examples/`
    (
        "https://github.com/odoo/odoo.git",
        "19.0",
        ODOO_COMMIT,
        ODOO,
    ),
    (
        "https://github.com/OCA/web.git",
        "19.0",
        ADDONS_COMMIT,
        &[("web_responsive/__manifest__.py", "{}\n")],
    ),
    (
        "https://git.example.org/house.git",
        "19.0",
        ADDONS_COMMIT,
        &[("house_letters/__manifest__.py", "{}\n")],
    ),
    (
        "ssh://git@git.example.org/warehouse.git",
        "19.0",
        ADDONS_COMMIT,
        &[("addons/house_warehouse/__manifest__.py", "{}\n")],
    ),
];

/// The repositories that need a token.
pub(super) const PRIVATE: &[&str] = &[
    "https://git.example.org/web.git",
    "https://git.example.org/house.git",
];

/// The file with that token on the machine.
pub const TOKEN_FILE: &str = "/etc/private.token";

/// The token.
pub(super) const TOKEN: &str = "glpat-canary-7391";

/// An archive: its URL, its SHA-256, and the only file in it.
pub(super) const ARCHIVE_OF_WKHTMLTOPDF: (&str, &str, &str) = (
    "https://github.com/wkhtmltopdf/packaging/releases/download/0.12.6.1-3/wkhtmltox_0.12.6.1-3.bookworm_amd64.deb",
    "98ba0d157b50d36f23bd0dedf4c0aa28c7b0c50fcdcdc54aa5b6bbba81a3941d",
    "usr/local/bin/wkhtmltopdf",
);

/// One package.
pub(super) struct Package {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) depends: &'static [&'static str],
    /// The files that unpacking it creates.
    pub(super) files: &'static [&'static str],
}

const fn package(
    name: &'static str,
    version: &'static str,
    depends: &'static [&'static str],
    files: &'static [&'static str],
) -> Package {
    Package {
        name,
        version,
        depends,
        files,
    }
}

/// The PostgreSQL server's package; configuring it creates and starts the cluster.
pub(super) const SERVER: &str = "postgresql-15";

/// The packages of a fresh machine.
pub(super) const BASE: &[Package] = &[
    package("adduser", "3.134", &[], &["/usr/sbin/adduser"]),
    package("apt", "2.6.1", &["libc6"], &["/usr/bin/apt-get"]),
    package("base-files", "12.4+deb12u11", &[], &[]),
    package("bash", "5.2.15-2+b8", &["libc6"], &["/usr/bin/bash"]),
    package("coreutils", "9.1-1", &["libc6"], &["/usr/bin/dd"]),
    package("dpkg", "1.21.22", &["libc6"], &["/usr/bin/dpkg"]),
    package("libc6", "2.36-9+deb12u10", &[], &[]),
    package("login", "1:4.13+dfsg1-1", &["libc6"], &[]),
    package(
        "passwd",
        "1:4.13+dfsg1-1",
        &["libc6"],
        &["/usr/sbin/useradd"],
    ),
    package(
        "perl-base",
        "5.36.0-7+deb12u2",
        &["libc6"],
        &["/usr/bin/perl"],
    ),
    package(
        "systemd",
        "252.38-1~deb12u1",
        &["libc6"],
        &["/usr/bin/systemctl"],
    ),
    package("tzdata", "2025b-0+deb12u1", &[], &[]),
];

/// The packages that can be installed.
pub(super) const ARCHIVE: &[Package] = &[
    package(
        "ca-certificates",
        "20230311",
        &["openssl"],
        &["/etc/ssl/certs/ca-certificates.crt"],
    ),
    package("gcc", "4:12.2.0-3", &["gcc-12"], &["/usr/bin/gcc"]),
    package("gcc-12", "12.2.0-14", &["libc6"], &[]),
    package(
        "git",
        "1:2.39.5-0+deb12u2",
        &["libc6", "liberror-perl"],
        &["/usr/bin/git"],
    ),
    package(
        "nginx",
        "1.22.1-9+deb12u3",
        &["libc6"],
        &["/usr/sbin/nginx", "/usr/lib/systemd/system/nginx.service"],
    ),
    package("libc6-dev", "2.36-9+deb12u10", &["libc6"], &[]),
    package("liberror-perl", "0.17029-2", &["perl-base"], &[]),
    package("libldap-dev", "2.5.13+dfsg-5", &["libc6-dev"], &[]),
    package("libpq-dev", "15.14-0+deb12u1", &["libpq5"], &[]),
    package("libpq5", "15.14-0+deb12u1", &["libc6"], &[]),
    package("libpython3.11-dev", "3.11.2-6+deb12u6", &["libc6-dev"], &[]),
    package("libsasl2-dev", "2.1.28+dfsg-10", &["libc6-dev"], &[]),
    package(
        "openssh-client",
        "1:9.2p1-2+deb12u7",
        &["libc6"],
        &["/usr/bin/ssh"],
    ),
    package(
        "openssl",
        "3.0.17-1~deb12u2",
        &["libc6"],
        &["/usr/bin/openssl"],
    ),
    package(
        "logrotate",
        "3.21.0-1",
        &["libc6"],
        &["/usr/sbin/logrotate"],
    ),
    package("fontconfig", "1.0-1", &["libc6"], &[]),
    package("theirs-reports", "1.0-1", &["postgresql-client-15"], &[]),
    package("theirs-tools", "1.0-1", &["git", "python3"], &[]),
    package("libfreetype6", "1.0-1", &["libc6"], &[]),
    package("libjpeg62-turbo", "1.0-1", &["libc6"], &[]),
    package("libpng16-16", "1.0-1", &["libc6"], &[]),
    package("libssl3", "1.0-1", &["libc6"], &[]),
    package("libstdc++6", "1.0-1", &["libc6"], &[]),
    package("libx11-6", "1.0-1", &["libc6"], &[]),
    package("libxcb1", "1.0-1", &["libc6"], &[]),
    package("libxext6", "1.0-1", &["libc6"], &[]),
    package("libxrender1", "1.0-1", &["libc6"], &[]),
    package("xfonts-75dpi", "1.0-1", &["libc6"], &[]),
    package("xfonts-base", "1.0-1", &["libc6"], &[]),
    package("zlib1g", "1.0-1", &["libc6"], &[]),
    package(
        "nftables",
        "1.0.6-2+deb12u2",
        &["libc6"],
        &["/usr/sbin/nft"],
    ),
    package("postgresql", "15+248", &[SERVER], &[]),
    package(
        SERVER,
        "15.14-0+deb12u1",
        &["postgresql-client-15", "postgresql-common"],
        &["/usr/lib/postgresql/15/bin/postgres"],
    ),
    package(
        "postgresql-client",
        "15+248",
        &["postgresql-client-15"],
        &[],
    ),
    package(
        "postgresql-client-15",
        "15.14-0+deb12u1",
        &["libpq5"],
        &["/usr/lib/postgresql/15/bin/psql"],
    ),
    package(
        "postgresql-common",
        "248",
        &["adduser"],
        &["/usr/lib/systemd/system/postgresql.service"],
    ),
    package("python3", "3.11.2-1+b1", &["python3.11"], &[]),
    package(
        "python3-dev",
        "3.11.2-1+b1",
        &["libpython3.11-dev", "python3"],
        &[],
    ),
    package(
        "python3-pip-whl",
        "23.0.1+dfsg-1",
        &[],
        &["/usr/share/python-wheels/pip-23.0.1-py3-none-any.whl"],
    ),
    package("python3-venv", "3.11.2-1+b1", &["python3.11-venv"], &[]),
    package(
        "python3.11",
        "3.11.2-6+deb12u6",
        &["libc6"],
        &["/usr/bin/python3.11"],
    ),
    package(
        "python3.11-venv",
        "3.11.2-6+deb12u6",
        &["python3-pip-whl", "python3.11"],
        &[],
    ),
];

/// The package called `name`, installed or installable.
pub(super) fn find(name: &str) -> Option<&'static Package> {
    BASE.iter().chain(ARCHIVE).find(|p| p.name == name)
}
