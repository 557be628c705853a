//! The kinds of things a server can have, and the one verb that moves them.

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

/// What [`Resource::occupies`] names: apt's locks, and the files of accounts, which packages write too.
const APT_AND_ACCOUNTS: &str = "apt and accounts";

/// What [`Resource::occupies`] names: PostgreSQL, which is restarted while it is set up.
const POSTGRESQL: &str = "PostgreSQL";

/// What became of a move from one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The host is in the state asked for.
    Applied,
    /// Something was left as it was, on purpose and for this reason. Only ever on the way back.
    Kept(String),
}

#[allow(
    async_fn_in_trait,
    reason = "one current-thread runtime: no future is ever sent"
)]
/// One kind of thing a server can have: a set of packages, a file, a role, a service.
///
/// Three laws hold for every kind. *Want settles*: `want(want(s)) == want(s)`. *Set reaches*: after
/// `set(s, want(s))` a fresh `read` wants nothing more. *Set returns*: after setting back,
/// `read() == s`, less what [`Resource::residue`] confesses.
pub trait Resource: Serialize + DeserializeOwned {
    /// What can be seen of it; `None` is absence.
    type State: Clone + PartialEq + Serialize + DeserializeOwned;

    /// The thing itself, in a word: a path, a name.
    fn subject(&self) -> String;

    /// Reads the present state. Never writes. Where the tool is not installed yet the thing is
    /// absent; a tool that is there and fails is an error.
    async fn read(&self, host: &Host) -> Result<Option<Self::State>>;

    /// The state the host should have, given the present one. Pure.
    fn want(&self, now: Option<&Self::State>) -> Option<Self::State>;

    /// Moves the host by the difference of two states, forwards or backwards. Where both are the
    /// same, what an interrupted move left half made is cleared away.
    async fn set(
        &self,
        host: &Host,
        from: Option<&Self::State>,
        to: Option<&Self::State>,
    ) -> Result<Moved>;

    /// The state to wait in while what is under it changes: what runs stops, the rest stays.
    fn paused(&self, state: &Self::State) -> Self::State {
        state.clone()
    }

    /// The state as it will be once the steps named in `by` have changed what is under it.
    fn predict(&self, state: &Self::State, _by: &[String]) -> Self::State {
        state.clone()
    }

    /// Why the host cannot be brought from `now` to the wanted state at all, with the way out.
    fn refuses(&self, _now: Option<&Self::State>) -> Option<String> {
        None
    }

    /// Where to go when the change from `before` to `after` is taken back and the host is at `now`.
    fn rollback_target(
        &self,
        _now: Option<&Self::State>,
        before: Option<&Self::State>,
        _after: Option<&Self::State>,
    ) -> Option<Self::State> {
        before.cloned()
    }

    /// The two states as they are told: without what is of no interest to people.
    ///
    /// # Errors
    /// If a state cannot be put into words.
    fn presented(
        &self,
        from: Option<Self::State>,
        to: Option<Self::State>,
    ) -> Result<(AnyState, AnyState)> {
        Ok((erase(from)?, erase(to)?))
    }

    /// Whether other sites of the host may stand on it: while there are any, it stays.
    fn is_shared(&self) -> bool {
        false
    }

    /// The change in one line, where the two states do not say it all.
    fn summary(&self, _from: Option<&Self::State>, _to: Option<&Self::State>) -> String {
        String::new()
    }

    /// The text before and after, for a difference line by line; secrets masked.
    ///
    /// # Errors
    /// If the present text cannot be read.
    fn text(&self, _host: &Host) -> Result<Option<Text>> {
        Ok(None)
    }

    /// Why a running thing would be touched: the changed steps it was started with.
    fn causes(&self, _from: &Self::State) -> Vec<String> {
        Vec::new()
    }

    /// What going back to `from` cannot take back, if anything; shown in the plan before anyone
    /// agrees.
    fn residue(&self, _from: Option<&Self::State>) -> Option<&'static str> {
        None
    }

    /// What the move from `from` to a wanted state takes of the disks.
    fn footprint(&self, _from: Option<&Self::State>) -> Vec<Footprint> {
        Vec::new()
    }

    /// Whether a move is likely to fetch something from the network.
    fn needs_network(&self) -> bool {
        false
    }

    /// Whether a rollback restores it before the rest, as other things are made of it.
    fn is_restored_first(&self) -> bool {
        false
    }

    /// What only one step can use at a time, if it uses such a thing.
    fn occupies(&self) -> Option<&'static str> {
        None
    }

    /// Whether it holds the owner's data: once a run has committed, never taken away.
    fn holds_data(&self) -> bool {
        false
    }
}

/// A state that crossed the erased face.
pub type AnyState = Option<Value>;

macro_rules! resources {
    ($($kind:literal $variant:ident),+ $(,)?) => {
        /// The closed set of kinds, told apart by name in playbooks and journals.
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
            /// The names of all kinds, as playbooks write them.
            pub const KINDS: &[&str] = &[$($kind),+];

            /// The name of its kind.
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
            /// As the kind's own.
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
            /// As the kind's own, and where a state is not of this kind.
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
    /// Where the tree is that it makes and that never changes once whole: a release or an environment.
    #[must_use]
    pub fn tree(&self) -> Option<&Path> {
        match self {
            Self::Checkout(checkout) => Some(&checkout.path),
            Self::Venv(venv) => Some(&venv.path),
            _ => None,
        }
    }

    /// What differs between the state that it has and `other`, as far as it is shown; `other_is` says which
    /// one that is.
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

/// Erases a state.
fn erase<S: Serialize>(state: Option<S>) -> Result<AnyState> {
    let value = state.map(serde_json::to_value).transpose();
    value.map_err(|e| Error::garbled("a state", e.to_string()))
}

/// Gives an erased state its type back. `_` only names the kind.
fn restore<R: Resource>(_: &R, state: &AnyState) -> Result<Option<R::State>> {
    let typed = state.as_ref().map(R::State::deserialize).transpose();
    typed.map_err(|e| Error::garbled("a state", e.to_string()))
}
