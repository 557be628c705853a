//! Types for sources: repositories, branches, commits.

use super::text::{refuse, text};
use crate::text::diagnostic::{Invalid, quote};

text! {
    /// An address that git can clone without a prompt, and without running a command from the address: `https://`,
    /// `ssh://`, `git@host:path` or `file:///`. It contains no password.
    Repository <- repository, "an address that git can clone", r"^(https://|ssh://|file:///|[A-Za-z0-9_][A-Za-z0-9_.-]*@)";
    /// A branch, by the rules of `git check-ref-format --branch`.
    Branch <- branch, "a branch", r"^[^ ~^:?*\[\\-][^ ~^:?*\[\\]*$";
    /// A commit: 40 hex digits in lower case.
    Commit <- commit, "40 hex digits", r"^[0-9A-Fa-f]{40}$";
    /// The digest of a file: 64 hex digits in lower case.
    Sha256 <- sha256, "64 hex digits", r"^[0-9A-Fa-f]{64}$";
}

/// Odoo's own repository.
pub const ODOO: &str = "https://github.com/odoo/odoo.git";

/// The hint that says where to write a token instead.
const ELSEWHERE: &str = "take away what is before the `@`, and write `token = { file = \"/path\" }` beside the repository";

impl Repository {
    /// Odoo's own repository, [`ODOO`].
    #[must_use]
    pub fn odoo() -> Self {
        Self(ODOO.to_owned())
    }
}

impl From<crate::odoo::release::Series> for Branch {
    /// In Odoo's repository, the branch of a release has the name of the release.
    fn from(series: crate::odoo::release::Series) -> Self {
        Self(series.as_str().to_owned())
    }
}

fn repository(text: &str) -> Result<String, Invalid> {
    let label = "`https://`, `ssh://`, `git@host:path` or `file:///path`";
    let refused = || refuse(&super::net::without_userinfo(text), "a repository", label);
    if let Some(bad) = text
        .chars()
        .find(|c| !c.is_ascii_graphic() || "\"'\\<>`{}|^".contains(*c))
    {
        let code = format!("%{:02X}", u32::from(bad) & 0xff);
        let invalid = refused();
        return Err(if bad == ' ' {
            invalid.hint(format!("a space in an address is written `{code}`"))
        } else {
            invalid.hint(format!("without {}", quote(&bad.to_string())))
        });
    }
    if let Some(rest) = text.strip_prefix("http://") {
        let host = rest.rsplit('@').next().unwrap_or(rest);
        return Err(
            Invalid::new("`http://` lets anyone on the way change what is installed")
                .label("not encrypted")
                .hint(format!("write {}", quote(&format!("https://{host}")))),
        );
    }
    if text.starts_with("git://") {
        return Err(
            Invalid::new("`git://` lets anyone on the way change what is installed")
                .label("not encrypted")
                .hint("write `https://…` or `ssh://…`"),
        );
    }
    if let Some(rest) = text.strip_prefix("https://") {
        super::net::refuse_credentials(rest, ELSEWHERE)?;
        return remote(rest).then(|| text.to_owned()).ok_or_else(refused);
    }
    if let Some(rest) = text.strip_prefix("ssh://") {
        let (user, _) = super::net::userinfo(rest);
        if user.is_some_and(|user| user.contains(':')) {
            super::net::refuse_credentials(rest, ELSEWHERE)?;
        }
        let good = !rest.starts_with('-') && user.is_none_or(is_user);
        return (good && remote(rest))
            .then(|| text.to_owned())
            .ok_or_else(refused);
    }
    if let Some(path) = text.strip_prefix("file://") {
        let good = path.starts_with('/') && path.len() > 1;
        let hint = "three slashes and the whole path: `file:///srv/odoo.git`";
        return good
            .then(|| text.to_owned())
            .ok_or_else(|| refused().hint(hint));
    }
    if text.starts_with('/') {
        return Err(refused().hint(format!("write {}", quote(&format!("file://{text}")))));
    }
    // `ext::command` and similar addresses run commands; `host:path` without a user is too often a typing error.
    let scp = text
        .split_once('@')
        .and_then(|(user, rest)| Some((user, rest.split_once(':')?)));
    match scp {
        Some((user, (host, path)))
            if is_user(user)
                && is_host(host)
                && !path.is_empty()
                && !path.starts_with(['-', ':']) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(refused()),
    }
}

/// Whether `[user@]host[:port]/path` has a valid host and a path. ssh would take a host that starts with a dash for an
/// option (CVE-2017-1000117).
fn remote(rest: &str) -> bool {
    let (_, rest) = super::net::userinfo(rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    super::net::is_authority(authority) && !path.trim_matches('/').is_empty()
}

fn is_user(user: &str) -> bool {
    user.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && user
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn is_host(host: &str) -> bool {
    super::net::is_authority(host) && !host.contains(':')
}

/// The rules are those of `git check-ref-format`: <https://git-scm.com/docs/git-check-ref-format>.
fn branch(text: &str) -> Result<String, Invalid> {
    if let Ok(commit) = commit(text) {
        return Err(
            Invalid::new(format!("{} is a commit, not a branch", quote(text)))
                .label("40 hex digits")
                .hint(format!("write `commit = \"{commit}\"`")),
        );
    }
    let wrong = if text.is_empty() || text.len() > 200 {
        Some("1 to 200 characters")
    } else if text.starts_with('-') {
        Some("must not start with a dash")
    } else if text.contains("..") {
        Some("must not contain `..`")
    } else if text.contains(|c: char| c == ' ' || "~^:?*[\\".contains(c)) {
        Some("must not contain a space or any of `~ ^ : ? * [ \\`")
    } else if text == "@" || text.contains("@{") {
        Some("must not be `@` or contain `@{`")
    } else if text.split('/').any(str::is_empty) {
        Some("must not start or end with `/`, or contain `//`")
    } else if text.ends_with('.') || text.split('/').any(|part| part.starts_with('.')) {
        Some("must not end with a dot, and no part may start with one")
    } else if text.split('/').any(ends_with_lock) {
        Some("no part may end with `.lock`")
    } else {
        None
    };
    match wrong {
        Some(label) => Err(refuse(text, "a branch", label)),
        None => Ok(text.to_owned()),
    }
}

fn ends_with_lock(part: &str) -> bool {
    part.rsplit_once('.').is_some_and(|(_, end)| end == "lock")
}

fn commit(text: &str) -> Result<String, Invalid> {
    let hex = text.chars().all(|c| c.is_ascii_hexdigit());
    if hex && text.len() == 40 {
        return Ok(text.to_ascii_lowercase());
    }
    let invalid = refuse(text, "a commit", "40 hex digits");
    Err(if hex && matches!(text.len(), 4..40) {
        invalid.hint(format!("`git rev-parse {text}` in a clone prints all 40"))
    } else {
        invalid.hint("a branch goes to `branch`")
    })
}

fn sha256(text: &str) -> Result<String, Invalid> {
    let good = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
    good.then(|| text.to_ascii_lowercase()).ok_or_else(|| {
        refuse(text, "a SHA-256", "64 hex digits").hint("`sha256sum FILE` prints it")
    })
}
