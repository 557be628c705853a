//! Inspects a database, with one query of the server and one of the database itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::join;

use super::Database;
use crate::gate;
use crate::host::{Error, Host, Result};
use crate::resource::postgres::server::Server;
use crate::text::sql;

/// What is known of an existing database.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// The OID. Another database of the same name has another OID.
    pub(super) oid: u32,
    /// Identifies the database in notes: the system identifier of the cluster, and the OID.
    identity: String,
    /// The role that owns the database.
    pub(super) owner: String,
    /// Whether Odoo's role has the rights of the owner.
    pub(super) is_roles: bool,
    /// Whether Odoo's role exists.
    pub(super) has_role: bool,
    /// The encoding of the database.
    pub(super) encoding: String,
    /// The mark in the comment of the database.
    pub(super) mark: gate::Mark,
    /// The content of the database.
    pub(super) holds: Holds,
}

/// The content of a database.
#[derive(Clone, Debug)]
pub(super) enum Holds {
    /// The database accepts no connections.
    Unknown,
    /// Nothing that a dump would contain, except extensions.
    Nothing,
    /// Objects that are not Odoo's, described in words.
    Others(Vec<String>),
    /// The tables of Odoo.
    Odoo(Odoo),
}

/// What the tables of Odoo say.
#[derive(Clone, Debug, Default)]
pub(super) struct Odoo {
    /// The creation time of the oldest row, in seconds since 1970; only read while the database is being initialised.
    born: Option<u64>,
    /// The modules that are installed or about to be installed or changed, with their states.
    pub(super) modules: BTreeMap<String, String>,
    /// The version of `base`.
    pub(super) version: Option<String>,
    /// The owners of Odoo's tables that do not belong to Odoo's role: the owner, the number of tables, and an
    /// example.
    pub(super) strangers: Vec<(String, String, String)>,
}

impl Look {
    /// A note that identifies this database later: its identity, and the present time.
    pub(super) fn note(&self) -> String {
        format!("{} {}", self.identity, now())
    }

    /// Whether a note identifies this database, and all its rows are newer than the note.
    pub(super) fn is_noted(&self, notes: &[String]) -> bool {
        let since = notes.iter().rev().find_map(|note| {
            let (identity, since) = note.split_once(' ')?;
            (identity == self.identity).then_some(since)
        });
        let Some(since) = since.and_then(|since| since.parse::<u64>().ok()) else {
            return false;
        };
        match &self.holds {
            Holds::Nothing => true,
            // an older row means that somebody has restored another database into this one
            Holds::Odoo(odoo) => odoo.born.is_none_or(|born| born + SKEW >= since),
            Holds::Others(_) | Holds::Unknown => false,
        }
    }
}

impl Odoo {
    /// The installed modules.
    pub(super) fn installed(&self) -> BTreeSet<String> {
        let installed =
            |(_, state): &(&String, &String)| ["installed", "to upgrade"].contains(&state.as_str());
        let modules = self.modules.iter().filter(installed);
        modules.map(|(name, _)| name.clone()).collect()
    }
}

impl Database {
    /// Inspects the database; `None` if it does not exist.
    pub(super) async fn look(&self, host: &Host) -> Result<Option<Look>> {
        let (outside, inside) = join(self.outside(host), self.inside(host)).await;
        let Some(mut look) = outside? else {
            return Ok(None);
        };
        if let Holds::Nothing = look.holds {
            look.holds = inside?;
        }
        Ok(Some(look))
    }

    /// What the server knows of the database. `holds` is `Nothing` if the database accepts connections: only the
    /// database itself knows its content.
    async fn outside(&self, host: &Host) -> Result<Option<Look>> {
        let system = match self.server() {
            Server::Local => "(select system_identifier from pg_control_system())",
            // an ordinary role may not be allowed to read the identifier
            Server::Remote(_) => "0",
        };
        let sql = format!(
            "select oid, {system}, case shobj_description(oid, 'pg_database') when {} then 'begun' when {} then 'whole' \
             else '-' end, pg_encoding_to_char(encoding), datallowconn and datconnlimit <> -2, {}, \
             exists (select from pg_roles where rolname = {role}), pg_get_userbyid(datdba) \
             from pg_database where datname = {};",
            sql::literal(gate::BEGUN),
            sql::literal(gate::WHOLE),
            self.has_rights_of("datdba"),
            sql::literal(&self.name),
            role = sql::literal(&self.owner),
        );
        let rows = self.server().ask(host, "postgres", &sql).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let garbled = || Error::garbled("the answer of `psql`", format!("{row:?}"));
        let [
            oid,
            system,
            mark,
            encoding,
            is_open,
            is_roles,
            has_role,
            owner @ ..,
        ] = &row[..]
        else {
            return Err(garbled());
        };
        Ok(Some(Look {
            oid: oid.parse().map_err(|_| garbled())?,
            identity: format!("{system}/{oid}"),
            owner: owner.join("|"),
            is_roles: is_roles == "t",
            has_role: has_role == "t",
            encoding: encoding.clone(),
            mark: match mark.as_str() {
                "begun" => gate::Mark::Begun,
                "whole" => gate::Mark::Whole,
                _ => gate::Mark::None,
            },
            holds: if is_open == "t" {
                Holds::Nothing
            } else {
                Holds::Unknown
            },
        }))
    }

    /// The content, according to the database itself. Each query depends on the tables that exist: Odoo creates its
    /// first tables, such as `ir_module_module` and `ir_model_data`, long before `ir_model`.
    async fn inside(&self, host: &Host) -> Result<Holds> {
        let sql = format!(
            "select count(*) = 3 and to_regclass('public.ir_model_data') is not null as odoo from pg_attribute \
             where attrelid = to_regclass('public.ir_module_module') and attname in ('name', 'state', 'latest_version') \
             and not attisdropped \\gset\n\
             select coalesce(shobj_description(oid, 'pg_database') = {}, false) as begins, \
             to_regclass('public.ir_model_data') is not null as dated, to_regclass('public.ir_model') is not null as models \
             from pg_database where datname = current_database() \\gset\n\
             \\if :odoo\n\
             select 'odoo';\n\
             \\if :begins\n\\if :dated\n\
             select 'born', floor(extract(epoch from min(create_date)))::bigint from public.ir_model_data;\n\
             \\endif\n\\endif\n\
             select 'module', name, state, coalesce(latest_version, '') from public.ir_module_module \
             where state not in ('uninstalled', 'uninstallable');\n\
             \\if :models\n\
             select 'stranger', count(*), min(relname), pg_get_userbyid(relowner) from pg_class \
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm') \
             and relname in (select replace(model, '.', '_') from public.ir_model) and not {} group by relowner;\n\
             \\endif\n\
             \\else\n{}\\endif\n",
            sql::literal(gate::BEGUN),
            self.has_rights_of("relowner"),
            own_objects()
        );
        let rows = self.server().ask(host, &self.name, &sql).await?;
        let mut odoo = None;
        let mut others = Vec::new();
        for row in &rows {
            match &row[..] {
                [what] if what == "odoo" => odoo = Some(Odoo::default()),
                [what, born] if what == "born" => {
                    odoo.get_or_insert_default().born = born.parse().ok();
                }
                [what, name, state, version @ ..] if what == "module" => {
                    let odoo = odoo.get_or_insert_default();
                    odoo.modules.insert(name.clone(), state.clone());
                    if name == "base" {
                        odoo.version = Some(version.concat()).filter(|text| !text.is_empty());
                    }
                }
                [what, count, example, owner @ ..] if what == "stranger" => {
                    let stranger = (owner.join("|"), count.clone(), example.clone());
                    odoo.get_or_insert_default().strangers.push(stranger);
                }
                [what, kind, count, example] if what == "holds" => {
                    let plural = if count == "1" { "" } else { "s" };
                    others.push(format!("{count} {kind}{plural} (`{example}`)"));
                }
                row => {
                    return Err(Error::garbled("the answer of `psql`", format!("{row:?}")));
                }
            }
        }
        Ok(match odoo {
            Some(odoo) => Holds::Odoo(odoo),
            None if others.is_empty() => Holds::Nothing,
            None => Holds::Others(others),
        })
    }

    /// An SQL condition: Odoo's role has the rights of `owner`, which is an SQL expression. The rights of a superuser
    /// do not count, because Odoo's role is not a superuser, or will not be.
    fn has_rights_of(&self, owner: &str) -> String {
        format!(
            "exists (select from pg_roles r where rolname = {} and (r.oid = {owner} or (not rolsuper and \
             pg_has_role(r.oid, {owner}, 'usage'))))",
            sql::literal(&self.owner)
        )
    }
}

/// The number of seconds by which the server's clock may be behind.
const SKEW: u64 = 600;

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

/// The lowest OID of objects that the server was not created with (`FirstNormalObjectId`).
const FIRST_OWN: u32 = 16384;

/// The kinds of objects that a dump contains independently of others: the name of the kind, its catalog, an SQL
/// expression for an object's name, and an SQL condition.
const KINDS: &[(&str, &str, &str, &str)] = &[
    (
        "relation",
        "pg_class",
        "relnamespace::regnamespace || '.' || relname",
        "relpersistence <> 't' and relkind not in ('i', 'I', 't', 'c') and relnamespace::regnamespace::text !~ '^pg_toast'",
    ),
    ("function", "pg_proc", "proname", "true"),
    ("type", "pg_type", "typname", "typrelid = 0 and typelem = 0"),
    ("schema", "pg_namespace", "nspname", "nspname !~ '^pg_'"),
    ("operator", "pg_operator", "oprname", "true"),
    ("operator class", "pg_opclass", "opcname", "true"),
    ("conversion", "pg_conversion", "conname", "true"),
    ("collation", "pg_collation", "collname", "true"),
    (
        "text search configuration",
        "pg_ts_config",
        "cfgname",
        "true",
    ),
    ("text search dictionary", "pg_ts_dict", "dictname", "true"),
    ("language", "pg_language", "lanname", "true"),
    ("cast", "pg_cast", "oid::text", "true"),
    ("foreign server", "pg_foreign_server", "srvname", "true"),
    (
        "foreign data wrapper",
        "pg_foreign_data_wrapper",
        "fdwname",
        "true",
    ),
    ("publication", "pg_publication", "pubname", "true"),
    ("event trigger", "pg_event_trigger", "evtname", "true"),
    (
        "large object",
        "pg_largeobject_metadata",
        "oid::text",
        "true",
    ),
];

/// Objects that Odoo creates and commits before its first tables. In a database that a run began, they can only be
/// Odoo's (`Registry.setup_signaling` of 17.0 to 20.0).
const FIRST_OF_ODOO: &str = "^(orm_signaling_|base_(registry|cache)_signaling)";

/// A statement that lists the objects of a database that came neither with the server nor with an extension. Each
/// kind has one row: `holds|KIND|COUNT|EXAMPLE`.
fn own_objects() -> String {
    let all = KINDS.iter().map(|(kind, table, name, only)| {
        let only = match *kind {
            "relation" => format!("{only} and not (:'begins' and relname ~ '{FIRST_OF_ODOO}')"),
            _ => (*only).to_owned(),
        };
        format!("select '{kind}', '{table}'::regclass, oid, {name} from {table} where {only}")
    });
    let all: Vec<String> = all.collect();
    format!(
        "with own (kind, class, oid, name) as ({})\n\
         select 'holds', kind, count(*), min(regexp_replace(name, '[^[:alnum:]_. -]', '?', 'g')) from own \
         where oid >= {FIRST_OWN} and not exists (select from pg_depend where classid = class and objid = own.oid \
         and deptype = 'e') group by kind order by kind;\n",
        all.join("\nunion all ")
    )
}
