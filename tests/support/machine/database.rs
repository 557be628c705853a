//! Databases and roles of the model's PostgreSQL server.

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
    /// The databases in which it owns something or has privileges.
    pub grants: BTreeSet<String>,
}

/// An object in a database that is not a table in the schema `public`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A table in another schema.
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
    /// Its owner.
    pub owner: String,
    /// Its number.
    pub oid: u32,
    /// Its comment, from `comment on database`.
    pub comment: Option<String>,
    /// Whether it has tables in the schema `public`.
    pub tables: bool,
    /// The other objects in it.
    pub objects: BTreeSet<Object>,
    /// Odoo's installed modules, or `None` if it is not a database of Odoo.
    pub modules: Option<BTreeSet<String>>,
    /// The modules in another state, with their states.
    pub rows: BTreeMap<String, String>,
    /// The version of the module `base`; `None` is the version of this Odoo.
    pub version: Option<String>,
    /// The language, country and company that Odoo's shell set.
    pub first: Option<String>,
    /// The URL from which its reports load their style.
    pub prints_from: Option<String>,
    /// The first user's password, as it is stored.
    pub password: Option<String>,
}

impl Database {
    /// Whether `pg_class` has a relation outside the catalogs. Views and foreign tables are relations;
    /// functions and types are not.
    pub fn has_relations(&self) -> bool {
        use Object::{ForeignTable, MaterialisedView, TableElsewhere};
        let is_relation =
            |object: &Object| [TableElsewhere, MaterialisedView, ForeignTable].contains(object);
        self.tables || self.modules.is_some() || self.objects.iter().any(is_relation)
    }

    /// Whether nothing was ever created in it.
    pub fn is_empty(&self) -> bool {
        !self.has_relations() && self.objects.is_empty()
    }
}
