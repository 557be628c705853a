//! PostgreSQL: the server of this host, one of another host, roles and databases.

pub(super) mod cluster;
pub(super) mod clusters;
pub(super) mod database;
pub(super) mod local_cluster;
pub(super) mod remote;
pub(super) mod role;
pub(super) mod server;
pub(super) mod settings;
