//! The credentials for a private repository: the keys `key` and `token` beside `repository`.

use super::about;
use super::git::Repository;
use super::place::{CredentialName, FilePath, Login, Variable};
use super::read::Errors;
use super::section::{Field, Inline, Section, section};
pub(super) use crate::secret::access::Access;
use crate::secret::access::{SecretSource, is_ssh};
use crate::text::reader::Table;

section! {
    /// What opens a private repository, in `[odoo]` and in `[[addons]]`.
    pub(super) struct Opener from Opening in "" {
        /// The deploy key of a repository over SSH. Root's own keys are not used unless they are named here.
        key: Option<Key> as Inline<Key>,
        /// The token of a private repository over HTTPS. git sends a token to the server of the repository only.
        token: Option<Token> as Inline<Token>,
    }
}

section! {
    /// The deploy key of a repository over SSH. The account that fetches the source gets the key for that time, in
    /// memory.
    pub(super) struct Key from WrittenKey in "key = { … }" {
        /// The file with the private key. Only root may read the file (mode 0600).
        file: FilePath,
        /// The file with the host keys of servers. A server whose host key is not in the file is refused.
        known_hosts: Option<FilePath> => "root's `known_hosts`",
    }
}

section! {
    /// The token of a private repository over HTTPS. Exactly one of `file`, `env` and `credential` says where it is
    /// stored.
    pub(super) struct Token from WrittenToken in "token = { … }" {
        /// The file with the token. Only root may read the file (mode 0600).
        file: Option<FilePath>,
        /// The environment variable of odoo-deploy that holds the token.
        env: Option<Variable>,
        /// The credential of the systemd unit that runs odoo-deploy.
        credential: Option<CredentialName>,
        /// The user name that is sent with the token.
        user: Login = Login::of_token(),
    }
}

/// The keys `key` and `token` of a section.
impl Field for Option<Access> {
    type Value = Self;
    type Written = Opening;

    fn take(table: &mut Table<'_, '_>, _: &'static str) -> Opening {
        Opener::take(table)
    }

    fn value(written: &Opening) -> Option<Self> {
        let Opener { key, token } = Opener::value(written)?;
        Some(key.map(Access::from).or(token.and_then(Token::access)))
    }

    fn keys(_: about::Key) -> Vec<about::Key> {
        Opener::about().keys
    }
}

impl From<Key> for Access {
    fn from(key: Key) -> Self {
        Self::Key {
            file: path(&key.file),
            known_hosts: key.known_hosts.as_ref().map(path),
        }
    }
}

impl Token {
    fn access(self) -> Option<Access> {
        let env = self.env.map(|name| SecretSource::Env(name.to_string()));
        let credential = self
            .credential
            .map(|name| SecretSource::Credential(name.to_string()));
        let file = self.file.as_ref().map(path).map(SecretSource::File);
        Some(Access::Token {
            from: file.or(env).or(credential)?,
            user: self.user.to_string(),
        })
    }
}

fn path(path: &FilePath) -> std::path::PathBuf {
    path.as_str().into()
}

/// Adds errors about the key or the token of `repository`.
pub(super) fn rules(written: &Opening, repository: Option<&Repository>, errors: &mut Errors) {
    let url = repository.map(Repository::as_str);
    let key = written.key.as_ref().map(|key| (key, Key::place(key)));
    let token = written
        .token
        .as_ref()
        .map(|token| (token, Token::place(token)));
    if let (Some(_), Some((_, place))) = (&key, &token) {
        let message = "a repository has a `key` or a `token`, not both";
        let hint = "a `key` is for `ssh://`, a `token` for `https://`";
        errors.wrong(place.clone(), message, hint);
    }
    if let Some((key, place)) = key {
        if url.is_some_and(|url| !is_ssh(url)) {
            let message = "a `key` opens a repository over SSH only";
            let hint = "write the repository as `ssh://…`, or give a `token`";
            errors.wrong(place.clone(), message, hint);
        }
        if key.file.absent {
            let message = "`key` does not say where the key is stored";
            errors.wrong(place, message, "write `key = { file = \"/path\" }`");
        }
    }
    if let Some((token, place)) = token {
        if url.is_some_and(|url| !url.starts_with("https://")) {
            let message = "a `token` opens a repository over HTTPS only";
            let hint = "write the repository as `https://…`, or give a `key`";
            errors.wrong(place.clone(), message, hint);
        }
        let absent = [token.file.absent, token.env.absent, token.credential.absent];
        if absent.iter().filter(|absent| !**absent).count() != 1 {
            let hint = "write one of `{ file = \"/path\" }`, `{ env = \"NAME\" }` and `{ credential = \"name\" }`";
            errors.wrong(place, "`token` is stored in one place", hint);
        }
    }
}
