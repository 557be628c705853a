//! A database and a role, as the server has them.

use std::collections::{BTreeMap, BTreeSet};

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "PostgreSQL has these attributes"
)]
pub struct Role {
    /// May log in.
    pub login: bool,
    /// May create databases.
    pub createdb: bool,
    /// May do anything.
    pub superuser: bool,
    /// May create roles.
    pub createrole: bool,
    /// The databases in which something belongs to it, or was granted to it.
    pub grants: BTreeSet<String>,
}

/// What somebody can make in a database that is not a table of the schema `public`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A table in a schema of its own.
    TableElsewhere,
    /// A materialised view.
    MaterialisedView,
    /// A foreign table.
    ForeignTable,
    /// A large object.
    LargeObject,
    /// A function.
    Function,
    /// A type.
    Type,
}

/// A database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Database {
    /// Whose it is.
    pub owner: String,
    /// Its number.
    pub oid: u32,
    /// What `comment on database` said of it.
    pub comment: Option<String>,
    /// Whether it has any tables in the schema `public`.
    pub tables: bool,
    /// What else is in it.
    pub objects: BTreeSet<Object>,
    /// The modules of Odoo's that are installed; `None` where it is not Odoo's.
    pub modules: Option<BTreeSet<String>>,
    /// The modules in another state, with that state.
    pub rows: BTreeMap<String, String>,
    /// The version of the module `base`; that of this Odoo where nothing is said.
    pub version: Option<String>,
    /// What its shell was told of language, country and company.
    pub first: Option<String>,
    /// Where its reports load their style from.
    pub prints_from: Option<String>,
    /// The first user's password, as it is stored.
    pub password: Option<String>,
}

impl Database {
    /// Whether `pg_class` has a relation that is not the catalogs': a view and a foreign table are one, a function
    /// and a type of one's own are none.
    pub fn has_relations(&self) -> bool {
        use Object::{ForeignTable, MaterialisedView, TableElsewhere};
        let is_relation =
            |object: &Object| [TableElsewhere, MaterialisedView, ForeignTable].contains(object);
        self.tables || self.modules.is_some() || self.objects.iter().any(is_relation)
    }

    /// Whether nobody has put anything into it.
    pub fn is_empty(&self) -> bool {
        !self.has_relations() && self.objects.is_empty()
    }
}
