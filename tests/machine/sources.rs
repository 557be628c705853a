//! Odoo's code from a repository over SSH, and translations from it.

use libtest_mimic::Trial;

use super::support::server::{SITE, Server, site};
use super::support::tally::show;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        scenario("a_repository_over_ssh", ssh),
        scenario("a_language_comes_later", language),
    ]
}

/// The site with a repository over SSH, and the key for it.
pub(crate) fn over_ssh(key: &str) -> String {
    let named = format!("odoo.git\"\nkey = {{ file = \"{key}\" }}");
    let site = site("").replace("file://", "ssh://git@localhost");
    site.replace("odoo.git\"", &named)
}

/// Sets up a git server on this machine that accepts root's key.
pub(crate) const SSH: &str = "
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 --yes --no-install-recommends \
        install openssh-server >/dev/null
    useradd --create-home --shell /bin/bash git
    install -d -m 0700 /root/.ssh && install -d -m 0700 -o git -g git ~git/.ssh
    ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
    install -m 0600 -o git -g git /root/.ssh/id_ed25519.pub ~git/.ssh/authorized_keys
    runuser -u git -- git config --global safe.directory '*'
    systemctl restart ssh
    ssh-keyscan localhost > /root/.ssh/known_hosts 2>/dev/null
";

/// Searches for every line of the key, without its first and last, everywhere a run writes.
const SEARCH: &str = "
    grep -v -- '-----' /root/.ssh/id_ed25519 | head -n -1 | tail -n +2 > /run/lines
    grep -rlFf /run/lines /etc /opt /run/odoo-deploy /var/lib /var/log 2>/dev/null || true
";

fn ssh() {
    let server = Server::ready("ssh", bases::packed());
    server.sh(SSH);
    let unnamed = site("").replace("file://", "ssh://git@localhost");
    assert!(unnamed.contains("ssh://git@localhost/run"), "{unnamed}");
    server.write(SITE, &unnamed);
    let refused = server.odoo(&["install", "--yes"]);
    refused.expect_code(1).expect_told("are not lent");
    server.write(SITE, &over_ssh("/root/.ssh/id_ed25519"));
    server.json(&["install", "--yes"]).expect_code(0);
    web::expect_alive(&server);
    assert_eq!(server.sh(SEARCH).trim(), "", "root's key was left");
    assert!(
        !server.exists("/run/odoo-deploy/odoo-build-ssh"),
        "a lent key was not removed"
    );
    server.json(&["audit"]).expect_code(0);
    show(
        12,
        "a repository over ssh: refused without a key of its own, with one that is found nowhere afterwards",
    );
}

/// Lists the translations, as Odoo's users see them and as git sees them.
const TRANSLATIONS: &str = "
    find /opt/odoo/current/ -name '*.po' -printf '%f\\n' | sort | uniq -c | awk '{ print $2, $1 }'
    runuser -u odoo-build -- env GIT_OPTIONAL_LOCKS=0 git -C /opt/odoo/current/ status --short
";

/// Activates French in Odoo, as its language page does.
const ACTIVATE: &str = "
    cat > /run/activate <<'X'
lang = env['res.lang'].with_context(active_test=False).search([('code', '=', 'fr_FR')])
env['base.language.install'].create({'lang_ids': [(6, 0, lang.ids)]}).lang_install()
env.cr.commit()
env.registry.signal_changes()
X
    cd /var/lib/odoo
    runuser -u odoo -- /opt/odoo/venv/bin/python /opt/odoo/current/odoo-bin shell --config /etc/odoo.conf \\
        --database odoo --no-http --workers=0 < /run/activate
";

fn language() {
    let server = Server::ready("language", bases::installed());
    web::await_health(&server);
    let service = || server.sh("systemctl show -p MainPID,NRestarts odoo.service");
    let (running, translations) = (service(), || server.sh(TRANSLATIONS));
    let web = |word: &str| {
        let address = "http://127.0.0.1:8069/web/webclient/translations?mods=web&lang=fr_FR";
        let ask = format!(
            "python3 -c \"import urllib.request as u; print('{word}' in u.urlopen('{address}').read().decode())\""
        );
        server.sh(&ask)
    };
    assert_eq!(translations(), "", "English needs none");
    let lines = |languages: &str| {
        let more = format!("[odoo]\nlanguages = {languages}\n");
        server.write(SITE, &site("").replace("[odoo]\n", &more));
    };
    let brought_by = |languages: &str| {
        lines(languages);
        let run = server.json(&["install", "--yes"]);
        run.expect_code(0);
        assert_eq!(run.pending_steps(), ["source"]);
        translations()
    };
    let french = brought_by("[\"fr_FR\"]");
    assert!(
        french.starts_with("fr.po ") && french.lines().count() == 1,
        "{french}"
    );
    assert_eq!(running, service(), "nothing restarts for it");
    server.sh(ACTIVATE);
    let country = "select name->>'fr_FR' from res_country where code = 'DE'";
    assert_eq!(server.sql("odoo", country), "Allemagne");
    assert_eq!(web("Enregistrer"), "True");
    assert_eq!(server.json(&["install", "--yes"]).outcome(), "unchanged");

    let both = brought_by("[\"es_MX\"]");
    assert!(
        both.starts_with("es.po ") && both.contains("fr.po "),
        "{both}"
    );
    server.odoo(&["rollback", "--yes"]).expect_code(0);
    assert_eq!(translations(), french);
    lines("\"all\"");
    server.json(&["install", "--yes"]).expect_code(0);
    assert_eq!(translations().lines().count(), 3);
    assert_eq!(server.json(&["install", "--yes"]).outcome(), "unchanged");
    assert_eq!(running, service());
    server.json(&["audit"]).expect_code(0);
    show(
        2,
        format!("a language that came later: {french}; Odoo ran on"),
    );
}
