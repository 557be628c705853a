//! `key` and `token` of a repository.

use toml::Spanned;

use crate::secret::access::{Access, Place, is_ssh};
use crate::site::{CredentialName, FilePath, Login, Repository, Variable};
use crate::text::diagnostic::Diagnostic;
use crate::text::reader::Table;

/// The name that goes with a token where the site names none: what GitHub asks for, and the others take.
const LOGIN: &str = "x-access-token";

/// What opens a repository; errors are noted in `table`.
pub(super) fn access(
    table: &mut Table<'_, '_>,
    repository: Option<&Spanned<Repository>>,
) -> Option<Access> {
    let key = table.inline("key", "{ file = \"/path\" }");
    let token = table.inline("token", "{ file = \"/path\" }");
    if let (Some(_), Some(token)) = (&key, &token) {
        table.error(
            Diagnostic::new(
                token.span(),
                "a repository has a `key` or a `token`, not both",
            )
            .hint("a `key` is for `ssh://`, a `token` for `https://`"),
        );
    }
    if let Some(repository) = repository {
        let ssh = is_ssh(repository.get_ref().as_str());
        let https = repository.get_ref().as_str().starts_with("https://");
        if let Some(key) = key.as_ref().filter(|_| !ssh) {
            let error = Diagnostic::new(key.span(), "a `key` opens a repository over SSH only");
            table.error(error.hint("write the repository as `ssh://…`, or give a `token`"));
        }
        if let Some(token) = token.as_ref().filter(|_| !https) {
            let error =
                Diagnostic::new(token.span(), "a `token` opens a repository over HTTPS only");
            table.error(error.hint("write the repository as `https://…`, or give a `key`"));
        }
    }
    key.and_then(|inner| self::key(inner, table))
        .or(token.and_then(|inner| self::token(inner, table)))
}

fn path(path: Spanned<FilePath>) -> std::path::PathBuf {
    path.into_inner().as_str().into()
}

fn key(mut inner: Table<'_, '_>, table: &mut Table<'_, '_>) -> Option<Access> {
    if !inner.has("file") {
        let error = Diagnostic::new(inner.span(), "`key` does not say where the key lies");
        inner.error(error.hint("write `key = { file = \"/path\" }`"));
    }
    let file = inner.take::<FilePath>("file").map(path);
    let known_hosts = inner.take::<FilePath>("known_hosts").map(path);
    table.errors_of(inner);
    Some(Access::Key {
        file: file?,
        known_hosts,
    })
}

fn token(mut inner: Table<'_, '_>, table: &mut Table<'_, '_>) -> Option<Access> {
    let named = ["file", "env", "credential"]
        .iter()
        .filter(|key| inner.has(key))
        .count();
    if named != 1 {
        let error = Diagnostic::new(inner.span(), "`token` lies in one place");
        inner.error(error.hint(
            "write one of `{ file = \"/path\" }`, `{ env = \"NAME\" }` and `{ credential = \"name\" }`",
        ));
    }
    let file = inner.take::<FilePath>("file").map(path).map(Place::File);
    let env = inner.take::<Variable>("env");
    let env = env.map(|name| Place::Env(name.into_inner().to_string()));
    let credential = inner.take::<CredentialName>("credential");
    let credential = credential.map(|name| Place::Credential(name.into_inner().to_string()));
    let user = inner.take::<Login>("user");
    table.errors_of(inner);
    Some(Access::Token {
        from: file.or(env).or(credential)?,
        user: user.map_or_else(|| LOGIN.to_owned(), |user| user.into_inner().to_string()),
    })
}
