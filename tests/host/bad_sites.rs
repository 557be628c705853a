//! What is refused in a site, how it is told, and that nothing at all makes the parser panic.

mod fields;
mod files;
mod oracle;
mod proxy;
mod together;
mod values;

use std::path::Path;

use odoo_deploy::site::Site;
use odoo_deploy::text::diagnostic::Diagnostics;
use oracle::GOOD;
use proptest::prelude::*;
use support::counts;

fn parse(source: &str) -> Result<Site, Diagnostics> {
    Site::parse(Path::new("site.toml"), source)
}

fn errors(source: &str) -> Diagnostics {
    match parse(source) {
        Ok(_) => panic!("accepted: {source}"),
        Err(errors) => errors,
    }
}

fn render(source: &str) -> String {
    errors(source).render(80, false)
}

#[test]
fn every_error_is_told_at_once() {
    let source = "[site]\nname = \"Odoo\"\ndomian = \"erp.example.org\"\n\n[odoo]\nversion = 19.0\nmodules = [\"sale\", \"stock\", \"sale\"]\n\n[http]\nport = 80\nworkers = 1\n";
    insta::assert_snapshot!(render(source), @r#"
    error: `Odoo` is not a name for a site
     --> site.toml:2:8
      |
    2 | name = "Odoo"
      |        ^^^^^^ a lower case letter, then up to 23 of `a-z 0-9 _ -`

    error: unknown key `domian` in `[site]`
     --> site.toml:3:1
      |
    3 | domian = "erp.example.org"
      | ^^^^^^ unknown key
      |
      = help: did you mean `domain`?

    error: expected a string, found the number `19.0`
     --> site.toml:6:11
      |
    6 | version = 19.0
      |           ^^^^ expected a string
      |
      = help: put it between quotes: `"19.0"`

    error: module `sale` is named twice
     --> site.toml:7:29
      |
    7 | modules = ["sale", "stock", "sale"]
      |                             ^^^^^^ first on line 7
      |
      = help: name it once

    error: port `80` needs a privilege that the service does not have
      --> site.toml:10:8
       |
    10 | port = 80
       |        ^^ below 1024
       |
       = help: keep Odoo on a high port such as `8069`, and put a proxy before it

    error: one worker cannot print PDF reports: Odoo asks itself for what goes into
           them
      --> site.toml:11:11
       |
    11 | workers = 1
       |           ^ needs two
       |
       = help: write `2`, or `0` for one process with threads
    "#);
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(render(""), @r#"
    error: `version` of `[odoo]` is missing
     --> site.toml:1:1
      |
    1 |
      | ^ which Odoo?
      |
      = help: write `version = "20.0"` below `[odoo]`
    "#);
}

#[test]
fn several_syntax_errors() {
    insta::assert_snapshot!(render("[odoo\nversion = \"19.0\"\n[http]\nport = \nworkers = = 4\n"), @r"
    error: unclosed table, expected `]`
     --> site.toml:1:6
      |
    1 | [odoo
      |      ^

    error: string values must be quoted, expected literal string
     --> site.toml:4:8
      |
    4 | port =
      |        ^

    error: extra `=`, expected nothing
     --> site.toml:5:11
      |
    5 | workers = = 4
      |           ^

    error: unexpected key or value, expected newline, `#`
     --> site.toml:5:13
      |
    5 | workers = = 4
      |             ^
    ");
}

#[test]
fn the_same_port_twice() {
    insta::assert_snapshot!(render(&format!("{GOOD}[http]\nport = 9000\ngevent_port = 9000\n")), @r"
    error: `port` and `gevent_port` are both `9000`
     --> site.toml:5:15
      |
    5 | gevent_port = 9000
      |               ^^^^ `port` on line 4 is the same
      |
      = help: give them two different numbers, such as `8069` and `8072`
    ");
}

#[test]
fn a_proxy_without_workers() {
    insta::assert_snapshot!(render(&format!("{GOOD}[http]\nproxy_mode = true\nworkers = 0\n")), @r#"
    error: `workers = 0` with `proxy_mode = true` leaves `/websocket` dead behind
           the proxy
     --> site.toml:5:11
      |
    5 | workers = 0
      |           ^ `proxy_mode` is on line 4
      |
      = help: write `workers = "auto"`, or take `proxy_mode` away
    "#);
}

#[test]
fn a_secret() {
    insta::assert_snapshot!(render(&format!("{GOOD}[postgres]\nhost = \"db\"\npassword = \"hunter2\"\n")), @r"
    error: `password` is never written in this file
     --> site.toml:5:1
      |
    5 | password = *********
      | ^^^^^^^^ a secret
      |
      = help: secrets are never inline: take the line away, and change the secret if
              anyone saw it
    ");
}

#[test]
fn credentials_in_an_address() {
    insta::assert_snapshot!(render(&format!("{GOOD}[python]\nindex = \"https://me:hunter2@pypi.example.org/simple\"\n")), @r#"
    error: credentials are never written in an address
     --> site.toml:4:9
      |
    4 | index = "https://**********@pypi.example.org/simple"
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = note: the part before `@` is a secret
      = help: take away what is before the `@`, and keep it in `/root/.netrc`
    "#);
}

#[test]
fn addons_with_one_bracket() {
    insta::assert_snapshot!(render(&format!("{GOOD}[addons]\nname = \"web\"\n")), @r"
    error: expected a list of tables, found a table
     --> site.toml:3:1
      |
    3 | [addons]
      | ^^^^^^^^ expected a list of tables
      |
      = help: write `[[addons]]` with two brackets before each one
    ");
}

#[test]
fn a_section_that_is_no_table() {
    insta::assert_snapshot!(render("odoo = \"19.0\"\n"), @r#"
    error: expected a table, found a string
     --> site.toml:1:8
      |
    1 | odoo = "19.0"
      |        ^^^^^^ expected a table
      |
      = help: write `[odoo]` on a line of its own, and the keys below it

    error: `version` of `[odoo]` is missing
     --> site.toml:1:8
      |
    1 | odoo = "19.0"
      |        ^^^^^^ which Odoo?
      |
      = help: write `version = "20.0"` below `[odoo]`
    "#);
}

#[test]
fn an_unencrypted_repository() {
    insta::assert_snapshot!(render(&format!("{GOOD}repository = \"http://git.example.org/odoo.git\"\n")), @r#"
    error: `http://` lets anyone on the way change what is installed
     --> site.toml:3:14
      |
    3 | repository = "http://git.example.org/odoo.git"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not encrypted
      |
      = help: write `https://git.example.org/odoo.git`
    "#);
}

#[test]
fn a_deceptive_text() {
    insta::assert_snapshot!(render(&format!("{GOOD}branch = \"19.0\u{202e}evil\"\n")), @r#"
    error: character 5 of this text is U+202E, a mark that changes the direction of
           writing, which is not allowed
     --> site.toml:3:10
      |
    3 | branch = "19.0�evil"
      |          ^^^^^^^^^^^ U+202E
    "#);
}

#[test]
fn a_long_line() {
    let source = format!(
        "{GOOD}modules = [\"{}\", \"Sale\"]\n",
        "sale\", \"".repeat(500) + "x"
    );
    let text = render(&source);
    assert!(text.contains("site.toml:3:"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn windows_line_ends_and_a_byte_order_mark() {
    insta::assert_snapshot!(render("\u{feff}[odoo]\r\nversion = \"16.0\"\r\n"), @r#"
    error: `16.0` is not a release of Odoo that is known here
     --> site.toml:2:11
      |
    2 | version = "16.0"
      |           ^^^^^^ unknown release
      |
      = help: one of `"17.0"`, `"18.0"`, `"19.0"`, `"20.0"`
    "#);
}

/// The text after [`GOOD`], the line of the first error in that text, and a part of its message or hint.
const ADDED: &[(&str, usize, &str)] = &[
    // [odoo], still open
    ("repository = \"git://example.org/odoo\"", 1, "git://"),
    ("repository = \"/srv/odoo.git\"", 1, "file:///srv/odoo.git"),
    ("repository = \"file://srv/odoo.git\"", 1, "three slashes"),
    ("repository = \"ext::sh -c id\"", 1, "not a repository"),
    ("repository = \"--upload-pack=id\"", 1, "not a repository"),
    (
        "repository = \"ssh://-oProxyCommand=id/x\"",
        1,
        "not a repository",
    ),
    (
        "repository = \"git@-oProxyCommand=id:x\"",
        1,
        "not a repository",
    ),
    (
        "repository = \"https://token@github.com/odoo/odoo\"",
        1,
        "credentials",
    ),
    (
        "repository = \"ssh://git:hunter2@github.com/odoo/odoo\"",
        1,
        "credentials",
    ),
    ("repository = \"https://github.com\"", 1, "not a repository"),
    ("repository = \"https://github.com/my odoo\"", 1, "%20"),
    ("repository = \"\"", 1, "an empty text is not a repository"),
    (
        "repository = 7",
        1,
        "expected a string, found the number `7`",
    ),
    ("branch = \"-x\"", 1, "not a branch"),
    ("branch = \"a..b\"", 1, "not a branch"),
    ("branch = \"a b\"", 1, "not a branch"),
    ("branch = \"a~1\"", 1, "not a branch"),
    ("branch = \"a/\"", 1, "not a branch"),
    ("branch = \".a\"", 1, "not a branch"),
    ("branch = \"a.lock\"", 1, "not a branch"),
    ("branch = \"a@{1}\"", 1, "not a branch"),
    (
        "branch = \"0123456789012345678901234567890123456789\"",
        1,
        "`commit =",
    ),
    ("commit = \"0123abc\"", 1, "git rev-parse 0123abc"),
    ("commit = \"master\"", 1, "not a commit"),
    (
        "database = \"postgres\"",
        1,
        "database of PostgreSQL itself",
    ),
    ("database = \"-odoo\"", 1, "name for a database"),
    ("database = \"a b\"", 1, "name for a database"),
    ("modules = \"sale\"", 1, "expected a list, found a string"),
    ("modules = [\"sale\", 3]", 1, "expected a string"),
    (
        "modules = [\"sale-management\"]",
        1,
        "did you mean `sale_management`?",
    ),
    ("modules = [\"all\"]", 1, "every module"),
    (
        "modules = [\n  \"sale\",\n  \"stock\",\n  \"sale\",\n]",
        4,
        "named twice",
    ),
    (
        "demo = \"no\"",
        1,
        "expected `true` or `false`, found a string",
    ),
    ("verison = \"19.0\"", 1, "did you mean `version`?"),
    ("version = \"18.0\"", 1, "duplicate key"),
    ("admin_passwd = \"x\"", 1, "never written in this file"),
    ("branch = \"a\\u0000b\"", 1, "the NUL character"),
    ("branch = \"a\\u2028b\"", 1, "a line separator"),
    ("branch = \"a\u{2039}b\"", 1, "reserved"),
    ("branch = \"a\u{200b}b\"", 1, "an invisible character"),
    ("branch = \"a\\tb\"", 1, "a control character"),
    // other sections
    ("[site]\nname = \"\"", 2, "an empty text"),
    ("[site]\nname = \"9odoo\"", 2, "not a name for a site"),
    (
        "[site]\nname = \"a-name-of-more-than-24-letters\"",
        2,
        "not a name for a site",
    ),
    ("[site]\nname = \"root\"", 2, "a user, a group or a role"),
    ("[site]\nname = \"resolv\"", 2, "below `/etc`"),
    ("[site]\nname = \"dpkg\"", 2, "below `/var/lib`"),
    ("[site]\nname = \"nginx\"", 2, "a service of the system"),
    ("[site]\nname = \"systemd-odoo\"", 2, "belongs to systemd"),
    ("[site]\nname = \"pg_odoo\"", 2, "belongs to PostgreSQL"),
    ("[site]\nname = \"odoo-build\"", 2, "user that builds"),
    ("[site]\nname = \"odoo/../etc\"", 2, "not a name for a site"),
    (
        "[site]\ndomain = \"https://erp.example.org/web\"",
        2,
        "only the name: `erp.example.org`",
    ),
    ("[site]\ndomain = \"127.0.0.1\"", 2, "not a domain"),
    ("[site]\ndomain = \"*.example.org\"", 2, "not a pattern"),
    ("[site]\ndomain = \"-a.example.org\"", 2, "not a domain"),
    ("[site]\ndomain = \"bücher.example\"", 2, "xn--"),
    ("[sites]\nname = \"odoo\"", 1, "did you mean `site`?"),
    (
        "[[site]]\nname = \"odoo\"",
        1,
        "expected a table, found a list",
    ),
    (
        "[[addons]]\nname = \"web\"",
        1,
        "`repository` of `[[addons]]` is missing",
    ),
    (
        "[[addons]]\nrepository = \"https://example.org/a\"",
        1,
        "`name` of `[[addons]]` is missing",
    ),
    (
        "[[addons]]\nname = \"..\"\nrepository = \"https://example.org/a\"",
        2,
        "folder of addons",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"https://example.org/a\"\n[[addons]]\nname = \"a\"\nrepository = \"https://example.org/b\"",
        5,
        "named twice",
    ),
    ("language = \"de-DE\"", 1, "did you mean `de_DE`?"),
    ("language = \"German\"", 1, "not a language"),
    ("languages = [\"fr-FR\"]", 1, "did you mean `fr_FR`?"),
    (
        "languages = [\n  \"fr_FR\",\n  \"fr_FR\",\n]",
        3,
        "named twice",
    ),
    ("languages = \"All\"", 1, "did you mean `\"all\"`?"),
    ("languages = \"fr_FR\"", 1, "write `[\"fr_FR\"]`"),
    ("languages = \"French\"", 1, "not a list of languages"),
    ("languages = true", 1, "a list of languages or `\"all\"`"),
    ("country = \"de\"", 1, "did you mean `DE`?"),
    ("country = \"Germany\"", 1, "not a country"),
    ("company = \" Firma\"", 1, "not the name of a company"),
    ("log_handlers = [\"odoo.sql_db\"]", 1, "after a colon"),
    (
        "log_handlers = [\"odoo.sql_db:debug\"]",
        1,
        "did you mean `odoo.sql_db:DEBUG`?",
    ),
    ("log_handlers = [\":LOUD\"]", 1, "the levels are"),
    ("log_handlers = [\"a,b:INFO\"]", 1, "not a logger"),
    ("[http]\nusers = 0", 2, "not a number of users"),
    ("[http]\nusers = \"25\"", 2, "without quotes: `25`"),
    ("[postgres]\ntuning = 1", 2, "found the number"),
    (
        "[postgres]\nhost = \"/run/postgresql\"\npassword = { file = \"/p\" }",
        2,
        "over its socket",
    ),
    (
        "[postgres]\nhost = \"db:5433\"\npassword = { file = \"/p\" }",
        2,
        "port = 5433",
    ),
    (
        "[postgres]\nhost = \"db\"\nuser = \"postgres\"\npassword = { file = \"/p\" }",
        3,
        "who may do anything",
    ),
    (
        "[postgres]\nhost = \"db\"\nsslmode = \"prefer\"\npassword = { file = \"/p\" }",
        3,
        "falls back to a connection in clear text",
    ),
    (
        "[postgres]\nhost = \"db\"\nsslmode = \"verify_full\"\npassword = { file = \"/p\" }",
        3,
        "did you mean `\"verify-full\"`?",
    ),
    (
        "[postgres]\nhost = \"db\"\nsslmode = \"verify-ca\"\npassword = { file = \"/p\" }",
        3,
        "needs the certificate of an authority",
    ),
    (
        "[postgres]\nhost = \"db\"\nroot_certificate = \"ca.pem\"\npassword = { file = \"/p\" }",
        3,
        "not the path of a file",
    ),
    (
        "[postgres]\nhost = \"db\"\npassword = { file = \"p\" }",
        3,
        "not the path of a file",
    ),
    (
        "[postgres]\nhost = \"db\"\npassword = { path = \"/p\" }",
        3,
        "unknown key `path`",
    ),
    (
        "[postgres]\nhost = \"db\"\npassword = {}",
        3,
        "`file` of `password` is missing",
    ),
    ("[logs]\nfile = \"yes\"", 2, "found a string"),
    (
        "[site]\nname = \"odoo-firewall\"",
        2,
        "unit of a site's firewall",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"https://me:tok@example.org/a\"",
        3,
        "write `token = { file",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"https://example.org/a\"\nkey = { file = \"/k\" }",
        4,
        "over SSH only",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"git@example.org:a\"\ntoken = { file = \"/t\" }",
        4,
        "over HTTPS only",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"https://example.org/a\"\ntoken = { file = \"/t\", env = \"T\" }",
        4,
        "lies in one place",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"https://example.org/a\"\ntoken = {}",
        4,
        "lies in one place",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"https://example.org/a\"\ntoken = { file = \"/t; id\" }",
        4,
        "letters, digits and any of",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"https://example.org/a\"\ntoken = { env = \"A-B\" }",
        4,
        "environment variable",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"https://example.org/a\"\ntoken = { credential = \"../t\" }",
        4,
        "name of a credential",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"https://example.org/a\"\ntoken = { env = \"T\", user = \"a b\" }",
        4,
        "name of a user",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"git@example.org:a\"\nkey = { known_hosts = \"/k\" }",
        4,
        "where the key lies",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"git@example.org:a\"\nkey = { file = \"~/.ssh/k\" }",
        4,
        "without `~`",
    ),
    (
        "[[addons]]\nname = \"a\"\nrepository = \"git@example.org:a\"\nkey = \"/k\"",
        4,
        "write `key = { file",
    ),
    (
        "[wkhtmltopdf]\nbuild = \"patchd\"",
        2,
        "did you mean `patched`?",
    ),
    (
        "[wkhtmltopdf]\nurl = \"http://example.org/w.deb\"",
        2,
        "the address of a file",
    ),
    ("[wkhtmltopdf]\nfile = \"w.deb\"", 2, "starts with `/`"),
    (
        "[wkhtmltopdf]\nurl = \"https://example.org/w.deb\"\nfile = \"/w.deb\"",
        3,
        "not both",
    ),
    (
        "[wkhtmltopdf]\nfile = \"/w.deb\"\nsha256 = \"12\"",
        3,
        "64 hex digits",
    ),
    (
        "[wkhtmltopdf]\nsha256 = \"98ba0d157b50d36f23bd0dedf4c0aa28c7b0c50fcdcdc54aa5b6bbba81a3941d\"",
        2,
        "that of a `url` or a `file`",
    ),
    (
        "[wkhtmltopdf]\nbuild = \"none\"\nfile = \"/w.deb\"",
        3,
        "place of the patched build",
    ),
    ("[wkhtmltopdf]\nfonts = [\"latin\"]", 2, "`cjk` or `arabic`"),
    (
        "[wkhtmltopdf]\nfonts = [\"cjk\", \"cjk\"]",
        2,
        "named twice",
    ),
    ("[firewall]\nenabled = \"yes\"", 2, "`true` or `false`"),
    ("[fail2ban]\nattempts = 0", 2, "1 to 10000"),
    ("[fail2ban]\nminutes = -5", 2, "1 to 10000"),
    ("[python]\ninstaller = \"pipx\"", 2, "did you mean `pip`?"),
    (
        "[python]\nindex = \"ftp://example.org\"",
        2,
        "package index",
    ),
    ("[python]\nwheels = \"wheels\"", 2, "starts with `/`"),
    ("[python]\nwheels = \"/srv/../etc\"", 2, "without `..`"),
    (
        "[apt]\nupgrade = 1",
        2,
        "expected `true` or `false`, found the number `1`",
    ),
    ("[http]\ninterface = \"localhost\"", 2, "127.0.0.1"),
    ("[http]\ninterface = \"[::1]\"", 2, "without the brackets"),
    ("[http]\nport = 0", 2, "not a port"),
    ("[http]\nport = 65536", 2, "not a port"),
    ("[http]\nport = 443", 2, "privilege"),
    ("[http]\nport = \"8069\"", 2, "without quotes: `8069`"),
    ("[http]\nport = 99999999999999999999", 2, "too large"),
    ("[http]\nport = 8072", 2, "the same as `gevent_port`"),
    ("[http]\ngevent_port = 8069", 2, "the same as `port`"),
    ("[http]\nworkers = 1", 2, "PDF"),
    ("[http]\nworkers = -2", 2, "not a number of workers"),
    ("[http]\nworkers = 513", 2, "not a number of workers"),
    (
        "[http]\nworkers = 2.5",
        2,
        "expected `\"auto\"` or a number",
    ),
    (
        "[http]\nworkers = \"automatic\"",
        2,
        "not a number of workers",
    ),
    ("[http]\nworkers = \"Auto\"", 2, "did you mean `\"auto\"`?"),
    ("[http]\nworker = 4", 2, "did you mean `workers`?"),
    ("[mail]\ntoken = \"x\"", 1, "unknown key `mail`"),
    ("extra = {\n", 1, ""),
];

#[test]
fn what_is_refused() {
    for (added, line, part) in ADDED {
        let source = format!("{GOOD}{added}\n");
        let errors = errors(&source);
        let (first, _) = errors.place(&errors.items()[0]);
        let text = errors.items()[0].message.clone()
            + " / "
            + &errors.items()[0].label
            + " / "
            + errors.items()[0].hint.as_deref().unwrap_or("");
        assert_eq!(first, line + 2, "{added}\n{text}");
        assert!(text.contains(part), "{added}\n{text}");
        for width in [40, 80, 200] {
            let shown = errors.render(width, false);
            assert!(!shown.contains("hunter2"), "{shown}");
            let fits = |line: &str| line.chars().count() <= width;
            assert!(width == 40 || shown.lines().all(fits), "{shown}");
        }
    }
    counts::tell("bad configurations", "bad_sites_refused", ADDED.len());
}

#[test]
fn versions() {
    for (version, part) in [
        ("19", "put it between quotes"),
        ("19.0", "`\"19.0\"`"),
        ("\"19\"", "write `\"19.0\"`"),
        ("\"v18.0\"", "write `\"18.0\"`"),
        ("\"16.0\"", "one of `\"17.0\"`"),
        ("\"master\"", "one of `\"17.0\"`"),
        ("\"\"", "one of `\"17.0\"`"),
        ("true", "expected a string"),
        ("[\"19.0\"]", "expected a string, found a list"),
    ] {
        let text = render(&format!("[odoo]\nversion = {version}\n"));
        assert!(text.contains("site.toml:2:11"), "{text}");
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn secrets_are_not_shown_whatever_is_wrong() {
    for source in [
        "[odoo]\nadmin_passwd = hunter2\n",
        "[odoo]\nadmin_passwd = \"\"\"\nhunter2\n\"\"\"\n",
        "postgres = { password = \"hunter2\", host = 3 }\n",
        "postgres.password = \"hunter2\"\n",
        "[postgres]\n\"db-password\" = [\"hunter2\"]\n",
        "[odoo]\nrepository = \"https://me:hunter2@example.org/o\"\n",
        "[odoo]\nrepository = \"https://hunter2@example.org/o\"\n",
        "[odoo]\nrepository = \"http://me:hunter2@example.org/o\"\n",
        "[odoo]\nrepository = \"ftp://me:hunter2@example.org/o\"\n",
        "[odoo]\nrepository = \"https://me:hunter2@example.org/o o\"\n",
        "[odoo]\nrepository = \"me:hunter2@example.org:o\"\n",
        "[odoo]\nrepository = \"https://me:a/hunter2@example.org/o\"\n",
        "[odoo]\nrepository = me:hunter2@example.org:o\n",
        "[site]\ndomain = \"me:hunter2@example.org\"\n",
        "[site]\ndomain = \"https://me:hunter2@example.org/o\"\n",
        "[python]\nindex = https://me:hunter2@example.org/o\n",
    ] {
        let errors = errors(source);
        let shown = format!("{errors} {errors:?} {}", errors.render(200, true));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(source in any::<String>()) {
        if let Err(errors) = parse(&source) {
            prop_assert!(!errors.render(80, false).is_empty());
        }
    }

    #[test]
    fn nothing_like_toml_panics(source in "(\\[|\\]|\\[odoo\\]|version|=|\"|'|\\.|19.0|\n|\r|\t| |\\{|\\}|,|password|://|@|ä|#|\u{feff}){0,40}") {
        if let Err(errors) = parse(&source) {
            prop_assert!(!errors.render(80, true).is_empty());
        }
    }

    #[test]
    fn accepted_names_match_their_pattern(name in "[a-zA-Z0-9_./ -]{0,30}") {
        let literal = format!("[odoo]\nversion = \"19.0\"\ndatabase = \"{name}\"\n");
        let word = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let file_name = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(word);
        prop_assert_eq!(parse(&literal).is_ok(), file_name);
        if let Ok(site) = parse(&format!("{GOOD}[site]\nname = \"{name}\"\n")) {
            prop_assert!(name.len() <= 24 && name.starts_with(|c: char| c.is_ascii_lowercase()));
            prop_assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c)));
            prop_assert_eq!(site.paths.conf, format!("/etc/{name}.conf"));
        }
    }
}
