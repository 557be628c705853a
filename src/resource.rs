//! The kinds of resources, and the trait that every kind implements.

mod certificate;
mod footprint;
pub(crate) mod service;
mod user;

/// Packages of apt.
mod apt {
    pub(super) mod call;
    pub(super) mod dpkg;
    pub(super) mod lists;
    pub(super) mod packages;
}

/// Trees of code: sources, environments, archives.
mod code {
    pub(super) mod archive;
    pub(super) mod checkout;
    pub(super) mod translations;
    pub(super) mod tree;
    pub(super) mod venv;
}

/// Files, links and folders.
mod files {
    pub(super) mod cleared;
    pub(super) mod directory;
    pub(super) mod file;
    pub(super) mod link;
    pub(super) mod secret;
}

/// PostgreSQL: the server of this host, one of another host, roles and databases.
mod postgres {
    pub(super) mod cluster;
    pub(super) mod clusters;
    pub(super) mod database;
    pub(super) mod local_cluster;
    pub(super) mod remote;
    pub(super) mod role;
    pub(super) mod server;
    pub(super) mod settings;
}

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use apt::call::wait_for_apt;
pub use apt::lists::Lists;
pub use apt::packages::Packages;
pub use certificate::{Certificate, Issuer};
pub use code::archive::Archive;
pub use code::checkout::Checkout;
pub use code::venv::Venv;
pub use files::cleared::Cleared;
pub use files::directory::Directory;
pub use files::file::{File, MASK};
pub use files::link::Link;
pub use files::secret::Secret;
pub use footprint::Footprint;
pub use postgres::cluster::Cluster;
pub use postgres::clusters::{Configured, configured, has_other_server};
pub use postgres::database::{Database, filestore};
pub use postgres::local_cluster::{max_connections, own_connections, settings_not_read};
pub use postgres::remote::Remote;
pub use postgres::role::Role;
pub use postgres::server::{ask_beside, ask_local};
pub use postgres::settings::Settings;
pub use service::{Service, unit_failed};
pub use user::User;

use crate::event::change::Text;
use crate::host::{Error, Host, Result};
use crate::text::diff;

/// For [`Resource::occupies`]: the locks of apt and the account files (`/etc/passwd` and others), which packages also
/// write.
const APT_AND_ACCOUNTS: &str = "apt and accounts";

/// For [`Resource::occupies`]: PostgreSQL, which is restarted during its setup.
const POSTGRESQL: &str = "PostgreSQL";

/// The result of [`Resource::set`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The host is in the requested state.
    Applied,
    /// The resource was deliberately left as it was, for this reason. Only a rollback returns this.
    Kept(String),
}

#[allow(
    async_fn_in_trait,
    reason = "one current-thread runtime: no future is ever sent"
)]
/// A kind of resource: a set of packages, a file, a role, a service.
///
/// Every kind obeys three laws. *Want settles*: `want(want(s)) == want(s)`. *Set reaches*: after `set(s, want(s))`, a
/// new `read` wants no further change. *Set returns*: after setting the state back, `read() == s`, except for what
/// [`Resource::residue`] names.
pub trait Resource: Serialize + DeserializeOwned {
    /// The observable state; `None` means that the resource does not exist.
    type State: Clone + PartialEq + Serialize + DeserializeOwned;

    /// The name of the resource in messages: a path, a package, an account.
    fn subject(&self) -> String;

    /// Reads the present state and writes nothing. If the program that manages the resource is not installed yet, the
    /// resource counts as absent; if that program fails, `read` returns an error.
    async fn read(&self, host: &Host) -> Result<Option<Self::State>>;

    /// Returns the state that the host should have, given the present one. Pure.
    fn want(&self, now: Option<&Self::State>) -> Option<Self::State>;

    /// Changes the host from state `from` to state `to`, when applying or rolling back. If both are equal, removes
    /// what an interrupted change left half made.
    async fn set(
        &self,
        host: &Host,
        from: Option<&Self::State>,
        to: Option<&Self::State>,
    ) -> Result<Moved>;

    /// The paused state used during rollback: running things are stopped, everything else is unchanged.
    fn paused(&self, state: &Self::State) -> Self::State {
        state.clone()
    }

    /// Predicts the state after the steps in `by` have changed something that this resource depends on.
    fn predict(&self, state: &Self::State, _by: &[String]) -> Self::State {
        state.clone()
    }

    /// Why the host cannot be changed from `now` to the wanted state at all, and what the user can do about it.
    fn refuses(&self, _now: Option<&Self::State>) -> Option<String> {
        None
    }

    /// The state that a rollback of the change from `before` to `after` must reach, if the host is now in state
    /// `now`.
    fn rollback_target(
        &self,
        _now: Option<&Self::State>,
        before: Option<&Self::State>,
        _after: Option<&Self::State>,
    ) -> Option<Self::State> {
        before.cloned()
    }

    /// Both states as reports show them, without details that no user needs.
    ///
    /// # Errors
    /// If a state cannot be converted to JSON.
    fn presented(
        &self,
        from: Option<Self::State>,
        to: Option<Self::State>,
    ) -> Result<(AnyState, AnyState)> {
        Ok((erase(from)?, erase(to)?))
    }

    /// Whether other sites of this host may depend on the resource. A rollback keeps a shared resource while there
    /// are other sites.
    fn is_shared(&self) -> bool {
        false
    }

    /// The change in one line, if the two states do not describe it completely.
    fn summary(&self, _from: Option<&Self::State>, _to: Option<&Self::State>) -> String {
        String::new()
    }

    /// The text before and after the change, for a line-by-line difference; secrets are masked.
    ///
    /// # Errors
    /// If the present text cannot be read.
    fn text(&self, _host: &Host) -> Result<Option<Text>> {
        Ok(None)
    }

    /// The changed steps because of which a running service must be restarted or reloaded.
    fn causes(&self, _from: &Self::State) -> Vec<String> {
        Vec::new()
    }

    /// What a rollback to `from` would leave on the server. The plan shows this before the user confirms.
    fn residue(&self, _from: Option<&Self::State>) -> Option<&'static str> {
        None
    }

    /// The disk space that a change from `from` to the wanted state needs.
    fn footprint(&self, _from: Option<&Self::State>) -> Vec<Footprint> {
        Vec::new()
    }

    /// Whether a change probably downloads something.
    fn needs_network(&self) -> bool {
        false
    }

    /// Whether a rollback restores this resource before all others, because others need it (packages).
    fn is_restored_first(&self) -> bool {
        false
    }

    /// The name of something that only one step can use at a time, if this resource uses it.
    fn occupies(&self) -> Option<&'static str> {
        None
    }

    /// Whether the resource holds the owner's data. Such a resource is never removed once a run has committed.
    fn holds_data(&self) -> bool {
        false
    }
}

/// The state of any kind, as JSON.
pub type AnyState = Option<Value>;

macro_rules! resources {
    ($($kind:literal $variant:ident),+ $(,)?) => {
        /// All kinds. Playbooks and journals identify a kind by its name.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub enum AnyResource {
            $(
                #[doc = concat!("Kind `", $kind, "`.")]
                #[serde(rename = $kind)]
                $variant($variant),
            )+
        }

        impl AnyResource {
            /// The names of all kinds, as written in playbooks.
            pub const KINDS: &[&str] = &[$($kind),+];

            /// The name of this resource's kind.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)+ }
            }

            /// [`Resource::subject`].
            #[must_use]
            pub fn subject(&self) -> String {
                match self { $(Self::$variant(r) => r.subject(),)+ }
            }

            /// [`Resource::read`].
            ///
            /// # Errors
            /// If the kind returns an error.
            pub async fn read(&self, host: &Host) -> Result<AnyState> {
                match self { $(Self::$variant(r) => erase(r.read(host).await?),)+ }
            }

            /// [`Resource::want`].
            ///
            /// # Errors
            /// If `now` is not a state of this kind.
            pub fn want(&self, now: &AnyState) -> Result<AnyState> {
                match self { $(Self::$variant(r) => erase(r.want(restore(r, now)?.as_ref())),)+ }
            }

            /// [`Resource::set`].
            ///
            /// # Errors
            /// If the kind returns an error, or if a state is not of this kind.
            pub async fn set(&self, host: &Host, from: &AnyState, to: &AnyState) -> Result<Moved> {
                match self {
                    $(Self::$variant(r) => r.set(host, restore(r, from)?.as_ref(), restore(r, to)?.as_ref()).await,)+
                }
            }

            /// [`Resource::paused`].
            ///
            /// # Errors
            /// If `state` is not a state of this kind.
            pub fn paused(&self, state: &AnyState) -> Result<AnyState> {
                match self { $(Self::$variant(r) => erase(restore(r, state)?.map(|s| r.paused(&s))),)+ }
            }

            /// [`Resource::predict`].
            ///
            /// # Errors
            /// If `state` is not a state of this kind.
            pub fn predict(&self, state: &AnyState, by: &[String]) -> Result<AnyState> {
                match self { $(Self::$variant(r) => erase(restore(r, state)?.map(|s| r.predict(&s, by))),)+ }
            }

            /// [`Resource::refuses`].
            ///
            /// # Errors
            /// If `now` is not a state of this kind.
            pub fn refuses(&self, now: &AnyState) -> Result<Option<String>> {
                match self { $(Self::$variant(r) => Ok(r.refuses(restore(r, now)?.as_ref())),)+ }
            }

            /// [`Resource::rollback_target`].
            ///
            /// # Errors
            /// If a state is not of this kind.
            pub fn rollback_target(&self, now: &AnyState, before: &AnyState, after: &AnyState) -> Result<AnyState> {
                match self {
                    $(Self::$variant(r) => erase(r.rollback_target(
                        restore(r, now)?.as_ref(),
                        restore(r, before)?.as_ref(),
                        restore(r, after)?.as_ref(),
                    )),)+
                }
            }

            /// [`Resource::presented`].
            ///
            /// # Errors
            /// If a state is not of this kind.
            pub fn presented(&self, from: &AnyState, to: &AnyState) -> Result<(AnyState, AnyState)> {
                match self { $(Self::$variant(r) => r.presented(restore(r, from)?, restore(r, to)?),)+ }
            }

            /// [`Resource::is_shared`].
            #[must_use]
            pub fn is_shared(&self) -> bool {
                match self { $(Self::$variant(r) => r.is_shared(),)+ }
            }

            /// [`Resource::summary`].
            ///
            /// # Errors
            /// If a state is not of this kind.
            pub fn summary(&self, from: &AnyState, to: &AnyState) -> Result<String> {
                match self {
                    $(Self::$variant(r) => Ok(r.summary(restore(r, from)?.as_ref(), restore(r, to)?.as_ref())),)+
                }
            }

            /// [`Resource::text`].
            ///
            /// # Errors
            /// If the present text cannot be read.
            pub fn text(&self, host: &Host) -> Result<Option<Text>> {
                match self { $(Self::$variant(r) => r.text(host),)+ }
            }

            /// [`Resource::causes`].
            ///
            /// # Errors
            /// If `from` is not a state of this kind.
            pub fn causes(&self, from: &AnyState) -> Result<Vec<String>> {
                match self { $(Self::$variant(r) => Ok(restore(r, from)?.map(|s| r.causes(&s)).unwrap_or_default()),)+ }
            }

            /// [`Resource::residue`].
            ///
            /// # Errors
            /// If `from` is not a state of this kind.
            pub fn residue(&self, from: &AnyState) -> Result<Option<&'static str>> {
                match self { $(Self::$variant(r) => Ok(r.residue(restore(r, from)?.as_ref())),)+ }
            }

            /// [`Resource::footprint`].
            ///
            /// # Errors
            /// If `from` is not a state of this kind.
            pub fn footprint(&self, from: &AnyState) -> Result<Vec<Footprint>> {
                match self { $(Self::$variant(r) => Ok(r.footprint(restore(r, from)?.as_ref())),)+ }
            }

            /// [`Resource::needs_network`].
            #[must_use]
            pub fn needs_network(&self) -> bool {
                match self { $(Self::$variant(r) => r.needs_network(),)+ }
            }

            /// [`Resource::is_restored_first`].
            #[must_use]
            pub fn is_restored_first(&self) -> bool {
                match self { $(Self::$variant(r) => r.is_restored_first(),)+ }
            }

            /// [`Resource::occupies`].
            #[must_use]
            pub fn occupies(&self) -> Option<&'static str> {
                match self { $(Self::$variant(r) => r.occupies(),)+ }
            }

            /// [`Resource::holds_data`].
            #[must_use]
            pub fn holds_data(&self) -> bool {
                match self { $(Self::$variant(r) => r.holds_data(),)+ }
            }
        }
    };
}

resources! {
    "archive" Archive,
    "certificate" Certificate,
    "checkout" Checkout,
    "cleared" Cleared,
    "cluster" Cluster,
    "database" Database,
    "directory" Directory,
    "file" File,
    "link" Link,
    "lists" Lists,
    "packages" Packages,
    "remote" Remote,
    "role" Role,
    "secret" Secret,
    "service" Service,
    "settings" Settings,
    "user" User,
    "venv" Venv,
}

impl AnyResource {
    /// The path of the tree that this resource makes and that never changes once complete: a release or an
    /// environment.
    #[must_use]
    pub fn tree(&self) -> Option<&Path> {
        match self {
            Self::Checkout(checkout) => Some(&checkout.path),
            Self::Venv(venv) => Some(&venv.path),
            _ => None,
        }
    }

    /// Describes the difference between `now` and `other`, as far as reports show it. `other_is` is the name of
    /// `other` in that text.
    #[must_use]
    pub fn differs(&self, now: &AnyState, other: &AnyState, other_is: &str) -> String {
        let shown = self.presented(now, other).unwrap_or_default();
        let told = diff::words(shown.0.as_ref(), shown.1.as_ref(), other_is);
        if told.is_empty() {
            return diff::words(now.as_ref(), other.as_ref(), other_is);
        }
        told
    }
}

/// Converts a state to JSON.
fn erase<S: Serialize>(state: Option<S>) -> Result<AnyState> {
    let value = state.map(serde_json::to_value).transpose();
    value.map_err(|e| Error::garbled("a state", e.to_string()))
}

/// Converts a state from JSON. The first argument only selects the kind.
fn restore<R: Resource>(_: &R, state: &AnyState) -> Result<Option<R::State>> {
    let typed = state.as_ref().map(R::State::deserialize).transpose();
    typed.map_err(|e| Error::garbled("a state", e.to_string()))
}
