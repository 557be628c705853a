//! Code from a repository that only a key opens.

use libtest_mimic::Trial;

use super::support::server::{SITE, Server, site};
use super::support::tally::show;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("a_repository_over_ssh", ssh)]
}

/// A server of git that knows root's key, on this very machine.
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

/// Every line of the key but its frame, searched wherever a run leaves anything.
const SEARCH: &str = "
    grep -v -- '-----' /root/.ssh/id_ed25519 | head -n -1 | tail -n +2 > /run/lines
    grep -rlFf /run/lines /etc /opt /run/odoo-deploy /var/lib /var/log 2>/dev/null || true
";

fn ssh() {
    let server = Server::ready("ssh", bases::packed());
    server.sh(SSH);
    let over_ssh = site("").replace("file://", "ssh://git@localhost");
    assert!(over_ssh.contains("ssh://git@localhost/run"), "{over_ssh}");
    server.write(SITE, &over_ssh);
    server.json(&["install", "--yes"]).expect_code(0);
    web::expect_alive(&server);
    assert_eq!(server.sh(SEARCH).trim(), "", "root's key was left");
    assert!(
        !server.exists("/run/odoo-deploy/odoo-build-ssh"),
        "what was lent was not taken back"
    );
    server.json(&["audit"]).expect_code(0);
    show(
        12,
        "a repository over ssh, with root's key, which is found nowhere afterwards",
    );
}
