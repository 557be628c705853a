//! Add-ons from private repositories: with a deploy key over SSH, and with a token over HTTPS.

use libtest_mimic::Trial;

use super::support::server::{SITE, Server, site};
use super::support::tally::show;
use super::support::{bases, scenario, web};

pub(crate) fn trials() -> Vec<Trial> {
    vec![scenario("private_repositories", private)]
}

const TOKEN: &str = "github_pat_canary5e1f0b7d";

/// Serves git over HTTPS to clients with the token; ends TLS connections properly, as `GnuTLS` requires.
const SERVER: &str = r#"
import base64, http.server, os, ssl, subprocess
ALLOWED = "Basic " + base64.b64encode(b"deploy:TOKEN").decode()
class Git(http.server.BaseHTTPRequestHandler):
    def serve(self):
        if self.headers.get("Authorization") != ALLOWED:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        env = dict(os.environ, GIT_PROJECT_ROOT="/srv/git", GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path,
                   QUERY_STRING=query, REQUEST_METHOD=self.command, REMOTE_USER="deploy",
                   CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)),
                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
                   GIT_PROTOCOL=self.headers.get("Git-Protocol", ""))
        out = subprocess.run(["git", "http-backend"], env=env, input=body, stdout=subprocess.PIPE).stdout
        head, _, body = out.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = [int(value.split()[0]) for key, value in lines if key == "Status"] or [200]
        self.send_response(status[0])
        for key, value in lines:
            if key != "Status":
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = serve
server = http.server.ThreadingHTTPServer(("127.0.0.1", 443), Git)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/tls/server.pem", "/srv/tls/server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;

/// Two repositories, a server of each type, a key and a token; root has no key.
const SERVERS: &str = "
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 --yes --no-install-recommends \
        install openssh-server >/dev/null
    useradd --create-home --shell /bin/bash git
    git config --system safe.directory '*'
    for name in keyed tokened; do
        mkdir -p /srv/source/$name/$name
        printf '{\"name\": \"%s\"}' $name > /srv/source/$name/$name/__manifest__.py
        touch /srv/source/$name/$name/__init__.py
        cd /srv/source/$name && git init -q -b 19.0 && git add . \
            && git -c user.name=t -c user.email=t@example.org commit -qm first
        git clone -q --bare /srv/source/$name /srv/git/$name.git
        git -C /srv/git/$name.git config uploadpack.allowAnySHA1InWant true
    done
    mkdir -m 0700 /etc/private && install -d -m 0700 -o git -g git ~git/.ssh
    ssh-keygen -q -t ed25519 -N '' -f /etc/private/deploy
    install -m 0600 -o git -g git /etc/private/deploy.pub ~git/.ssh/authorized_keys
    systemctl restart ssh && ssh-keyscan localhost > /etc/private/known_hosts 2>/dev/null
    mkdir -p /srv/tls && cd /srv/tls
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=test CA' -keyout ca.key \
        -out /usr/local/share/ca-certificates/test.crt 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj /CN=git.example.org -keyout server.key -out server.csr 2>/dev/null
    printf 'subjectAltName=DNS:git.example.org' > names
    openssl x509 -req -in server.csr -CA /usr/local/share/ca-certificates/test.crt -CAkey ca.key -days 2 \
        -extfile names -out server.pem 2>/dev/null
    update-ca-certificates >/dev/null 2>&1
    echo '127.0.0.1 git.example.org' >> /etc/hosts
    systemd-run -q --unit test-git python3 /srv/server.py
    until openssl s_client -connect git.example.org:443 </dev/null >/dev/null 2>&1; do sleep 0.1; done
";

/// Secrets that must not leak: the token, and the lines of the key without its first and last.
const CANARIES: &str = "
    umask 077
    { cat /etc/private/token; grep -v -- '-----' /etc/private/deploy | head -n -1 | tail -n +2; } > /srv/canaries
";

/// Searches every argument and every variable of every process while it runs.
const WATCH: &str = "systemd-run -q --unit test-watch sh -c 'while :; do \
    grep -alFf /srv/canaries /proc/[0-9]*/cmdline /proc/[0-9]*/environ >> /srv/seen 2>/dev/null; echo >> /srv/looks; done'";

const SEARCH: &str = "
    systemctl stop test-watch
    { cat /srv/seen
      grep -rlaFf /srv/canaries /etc /home /opt /root /run /tmp /var --exclude-dir=private --exclude-dir=e2e 2>/dev/null
      journalctl --no-pager -o cat | grep -Ff /srv/canaries
      find /run/odoo-deploy -name '*-lent-*'; } || true
";

/// The site with both add-ons, and their key and token.
fn with_addons(key: &str, token: &str) -> String {
    let addons = |name: &str, url: &str, access: &str| {
        format!("[[addons]]\nname = \"{name}\"\nrepository = \"{url}\"\n{access}\n\n")
    };
    let (keyed, tokened) = (
        "ssh://git@localhost/srv/git/keyed.git",
        "https://git.example.org/tokened.git",
    );
    site(&(addons("keyed", keyed, key) + &addons("tokened", tokened, token)))
}

const KEY: &str =
    "key = { file = \"/etc/private/deploy\", known_hosts = \"/etc/private/known_hosts\" }";
const BY_FILE: &str = "token = { file = \"/etc/private/token\", user = \"deploy\" }";

fn expect_addons(server: &Server) {
    for name in ["keyed", "tokened"] {
        assert!(server.exists(&format!("/opt/odoo/addons/{name}")), "{name}");
        // checked inside the machine, because the link's target is a path of the machine
        server.sh(&format!(
            "test -s /opt/odoo/addons/{name}/{name}/__manifest__.py"
        ));
    }
}

fn private() {
    let server = Server::boot_with("private", bases::installed(), Some(&bases::wheels()));
    web::await_health(&server);
    server.write("/srv/server.py", &SERVER.replace("TOKEN", TOKEN));
    server.sh(SERVERS);
    server.write("/etc/private/token", &format!("{TOKEN}\n"));
    server.sh("chmod 600 /etc/private/token");
    server.sh(CANARIES);
    server.sh(WATCH);

    let pid = || server.sh("systemctl show -P MainPID odoo.service");
    let (before, mut refused) = (pid(), 0);
    let mut expect_refused = |site: &str, words: &str| {
        server.write(SITE, site);
        server
            .odoo(&["install", "--yes"])
            .expect_code(1)
            .expect_told(words);
        assert_eq!(before, pid(), "the service was touched");
        refused += 1;
    };
    let absent = BY_FILE.replace("token\"", "none\"");
    expect_refused(
        &with_addons(KEY, &absent),
        "there is no `/etc/private/none`",
    );
    server.sh("install -m 0644 /etc/private/token /etc/private/open");
    let open = BY_FILE.replace("token\"", "open\"");
    expect_refused(&with_addons(KEY, &open), "others than root can read");
    server.sh(
        "rm /etc/private/open; umask 077; echo wrong > /etc/private/wrong; : > /etc/private/nobody",
    );
    let wrong = BY_FILE.replace("token\"", "wrong\"");
    expect_refused(&with_addons(KEY, &wrong), "Authentication failed");
    let stranger = KEY.replace("/known_hosts\"", "/nobody\"");
    expect_refused(
        &with_addons(&stranger, BY_FILE),
        "Host key verification failed",
    );
    let variable = "token = { env = \"TOKEN_OF_TEST\", user = \"deploy\" }";
    expect_refused(&with_addons(KEY, variable), "`TOKEN_OF_TEST` is not set");

    server.write(SITE, &with_addons(KEY, BY_FILE));
    server.json(&["install", "--yes"]).expect_code(0);
    web::expect_alive(&server);
    expect_addons(&server);
    server.json(&["audit"]).expect_code(0);

    // with the token as a credential of a unit, then only from the environment of odoo-deploy, fetch a new
    // commit
    let newer = || {
        server.sh("cd /srv/source/tokened && date +%N > new && git add . \
            && git -c user.name=t -c user.email=t@example.org commit -qm more && git push -q /srv/git/tokened.git 19.0 \
            && git rev-parse HEAD")
    };
    let command = format!(
        "{}/odoo-deploy install --yes --config {SITE}",
        super::support::world::SHARED
    );
    for (place, how) in [
        (
            "credential = \"git\"",
            "--property=LoadCredential=git:/etc/private/token",
        ),
        ("env = \"TOKEN_OF_TEST\"", "--setenv=TOKEN_OF_TEST"),
    ] {
        let commit = newer();
        let token = format!("token = {{ {place}, user = \"deploy\" }}\ncommit = \"{commit}\"");
        server.write(SITE, &with_addons(KEY, &token));
        server.sh(&format!(
            "systemctl stop test-watch; export TOKEN_OF_TEST=$(cat /etc/private/token); \
             systemd-run -q --wait --pipe {how} {command} >/dev/null; unset TOKEN_OF_TEST; {WATCH}"
        ));
        let target = server.sh("readlink /opt/odoo/addons/tokened");
        assert!(target.ends_with(&commit), "{place}: {target}");
    }

    // a repository that no longer exists: the run is rolled back, and the site stays as it was
    let links = || server.sh("ls -l --time-style=+ /opt/odoo/addons; ls /opt/odoo/releases");
    let (stood, served) = (links(), pid());
    let gone = with_addons(KEY, BY_FILE).replace("tokened.git", "gone.git");
    let pinned = format!("user = \"deploy\" }}\ncommit = \"{}\"", "5".repeat(40));
    server.write(SITE, &gone.replace("user = \"deploy\" }", &pinned));
    server
        .odoo(&["install", "--yes"])
        .expect_code(3)
        .expect_told("gone.git");
    assert_eq!(
        (stood, served),
        (links(), pid()),
        "the site is not as it was"
    );
    web::expect_alive(&server);

    let looks = server.sh("wc -l < /srv/looks");
    assert_eq!(server.sh(SEARCH), "", "a secret was found");
    show(
        12,
        format!(
            "private add-ons by key and by token (file, credential, variable); {refused} wrong ones refused before \
             anything changed, one that is gone rolled back; the secrets found nowhere on disk, in the journal, or in \
             {looks} looks at every process"
        ),
    );
}
