//! What is wrong with a proxy, alone and beside what is said elsewhere.

use super::counts;
use super::oracle::{GOOD, mistake, refused};

/// What `[proxy]` stands on; it is open at its end, on line 5.
const HEAD: &str = "[site]\ndomain = \"erp.example.org\"\n[proxy]\n";

/// Lines of `[proxy]`, and the one of them that is told with these words.
const WRONG: &[(&str, usize, &str)] = &[
    ("tls = true", 1, "found `true`"),
    ("tls = \"\"", 1, "an empty text"),
    ("tls = \"ssl\"", 1, "not a source of certificates"),
    ("tls = \"self-singed\"", 1, "did you mean `self-signed`"),
    ("tls = \"selfsigned\"", 1, "did you mean `self-signed`"),
    ("tls = \"letsencrypt\"", 1, "not a source of certificates"),
    ("tls = \"ACME\"", 1, "not a source of certificates"),
    ("tls = [\"acme\"]", 1, "found a list"),
    ("tsl = \"acme\"", 1, "did you mean `tls`"),
    (
        "email = \"it@example.org\"",
        1,
        "means nothing with `tls = \"self-signed\"`",
    ),
    (
        "tls = \"none\"\nemail = \"it@example.org\"",
        2,
        "means nothing",
    ),
    ("tls = \"none\"\nkey = \"/etc/a.key\"", 2, "means nothing"),
    (
        "tls = \"acme\"\nemail = \"it@example.org\"\nkey = \"/etc/a.key\"",
        3,
        "means nothing",
    ),
    ("tls = \"acme\"\nemail = \"it\"", 2, "not an e-mail address"),
    (
        "tls = \"acme\"\nemail = \"it@localhost\"",
        2,
        "not an e-mail address",
    ),
    (
        "tls = \"acme\"\nemail = \"-x@example.org\"",
        2,
        "not an e-mail address",
    ),
    (
        "tls = \"acme\"\nemail = \"a b@example.org\"",
        2,
        "not an e-mail address",
    ),
    (
        "tls = \"acme\"\nemail = \"a@b@example.org\"",
        2,
        "not an e-mail address",
    ),
    (
        "tls = \"acme\"\nemail = \"a$(id)@example.org\"",
        2,
        "not an e-mail address",
    ),
    (
        "tls = \"acme\"\nemail = \"a@example.org:25\"",
        2,
        "not an e-mail address",
    ),
    ("tls = \"acme\"\nemail = 7", 2, "found the number"),
    (
        "tls = \"files\"\nkey = \"/etc/a.key\"\ncertificate = \"a.crt\"",
        3,
        "absolute path",
    ),
    (
        "tls = \"files\"\nkey = \"/etc/a.key\"\ncertificate = \"~/a.crt\"",
        3,
        "without `~`",
    ),
    (
        "tls = \"files\"\nkey = \"/etc/a.key\"\ncertificate = \"/etc/../a.crt\"",
        3,
        "`..`",
    ),
    (
        "tls = \"files\"\nkey = \"/etc/a.key\"\ncertificate = \"/etc/a;b.crt\"",
        3,
        "letters, digits",
    ),
    (
        "tls = \"files\"\nkey = \"/etc/a.key\"\ncertificate = \"/etc/$host.crt\"",
        3,
        "letters, digits",
    ),
    (
        "tls = \"files\"\nkey = \"/etc/a b\"\ncertificate = \"/etc/a.crt\"",
        2,
        "letters, digits",
    ),
    (
        "tls = \"files\"\nkey = \"/etc/{a}\"\ncertificate = \"/etc/a.crt\"",
        2,
        "letters, digits",
    ),
    (
        "tls = \"files\"\nkey = \"/etc/\"\ncertificate = \"/etc/a.crt\"",
        2,
        "a file",
    ),
    ("body_limit = 0", 1, "not a limit"),
    ("body_limit = -1", 1, "not a limit"),
    ("body_limit = 4097", 1, "not a limit"),
    ("body_limit = \"64m\"", 1, "found a string"),
    ("body_limit = \"64\"", 1, "without quotes"),
    ("body_limit = 1.5", 1, "found the number"),
    ("trusted = \"10.0.0.1\"", 1, "found a string"),
    (
        "trusted = [\"10.0.0.0/33\"]",
        1,
        "not an address or a network",
    ),
    (
        "trusted = [\"10.0.0.0/\"]",
        1,
        "not an address or a network",
    ),
    (
        "trusted = [\"10.0.0.0/+8\"]",
        1,
        "not an address or a network",
    ),
    ("trusted = [\"10.0.0.1/8\"]", 1, "all are zero"),
    ("trusted = [\"0.0.0.0\"]", 1, "everybody"),
    ("trusted = [\"0.0.0.0/0\"]", 1, "everybody"),
    ("trusted = [\"::/0\"]", 1, "everybody"),
    ("trusted = [\"*\"]", 1, "not an address or a network"),
    ("trusted = [\"localhost\"]", 1, "127.0.0.1"),
    (
        "trusted = [\"10.0.0.1; deny all\"]",
        1,
        "not an address or a network",
    ),
    ("rpc = \"no\"", 1, "found a string"),
    ("rpc_clients = [\"0.0.0.0/0\"]", 1, "everybody"),
    ("trusted = [10]", 1, "found the number"),
];

#[test]
fn of_its_own() {
    for (lines, at, part) in WRONG {
        let source = format!("{GOOD}{HEAD}{lines}\n");
        refused(lines, &source, &[mistake(at + 5, part, part)]);
    }
    counts::tell("bad configurations", "bad_sites_proxy", WRONG.len());
}

/// What is missing is told at the section that needs it.
#[test]
fn incomplete() {
    let cases = [
        ("[proxy]\n", 3, "`domain` of `[site]` is missing"),
        (
            "[site]\nname = \"erp\"\n[proxy]\n",
            5,
            "`domain` of `[site]` is missing",
        ),
        (
            "[site]\ndomain = \"a.b\"\n[proxy]\ntls = \"acme\"\n",
            5,
            "`email` of `[proxy]` is missing",
        ),
        (
            "[site]\ndomain = \"a.b\"\n[proxy]\ntls = \"files\"\nkey = \"/etc/a.key\"\n",
            5,
            "`certificate` of `[proxy]` is missing",
        ),
        (
            "[site]\ndomain = \"a.b\"\n[proxy]\ntls = \"files\"\ncertificate = \"/etc/a.crt\"\n",
            5,
            "`key` of `[proxy]` is missing",
        ),
    ];
    for (lines, line, part) in cases {
        refused(
            part,
            &format!("{GOOD}{lines}"),
            &[mistake(line, part, part)],
        );
    }
    counts::tell(
        "bad configurations",
        "bad_sites_proxy_incomplete",
        cases.len(),
    );
}

/// What Odoo is told of its proxy comes of `[proxy]` alone, and nothing may contradict it.
#[test]
fn contradictions() {
    let cases = [
        ("workers = 0", "`/websocket` dead behind the proxy"),
        ("proxy_mode = false", "`proxy_mode` is on"),
        ("interface = \"0.0.0.0\"", "could forge addresses"),
        ("interface = \"::\"", "could forge addresses"),
        ("interface = \"192.0.2.7\"", "could forge addresses"),
    ];
    for (line, part) in cases {
        for (source, at) in [
            (format!("{GOOD}{HEAD}[http]\n{line}\n"), 7),
            (format!("{GOOD}[http]\n{line}\n{HEAD}"), 4),
        ] {
            refused(line, &source, &[mistake(at, part, part)]);
        }
    }
    counts::tell(
        "bad configurations",
        "bad_sites_proxy_contradictions",
        2 * cases.len(),
    );
}

/// A jail needs to know the visitors from each other.
#[test]
fn jails_that_see_one_address() {
    let part = "the first ban would shut out everybody";
    let jail = "[fail2ban]\nenabled = true\n";
    let (seen, unseen) = ("trusted = [\"10.0.0.0/8\"]\n", "");
    let source = |trusted: &str| format!("{GOOD}{HEAD}tls = \"none\"\n{trusted}{jail}");
    refused(part, &source(unseen), &[mistake(7, part, part)]);
    let good = odoo_deploy::site::Site::parse(std::path::Path::new("site.toml"), &source(seen));
    assert!(good.is_ok(), "{good:?}");
    counts::tell("bad configurations", "bad_sites_proxy_jails", 1);
}
