//! Takes a bare Debian or Ubuntu server to a running Odoo, and keeps it there.

pub mod diagnostic;
pub mod distribution;
pub mod pairing;
pub mod playbook;
pub mod reader;
pub mod release;
pub mod site;
pub mod source;
pub mod template;
