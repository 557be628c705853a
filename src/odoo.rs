//! Knowledge about Odoo and its hosts: what each release needs, what each distribution offers, the facts of this
//! machine, and Odoo's modules.

pub mod distribution;
pub mod facts;
pub mod modules;
pub mod release;
pub mod target;
