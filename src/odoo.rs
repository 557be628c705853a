//! What each release of Odoo needs, what each distribution brings, what this machine is, and what Odoo's modules say.

pub mod distribution;
pub mod facts;
pub mod modules;
pub mod release;
pub mod target;
