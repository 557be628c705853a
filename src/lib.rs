//! Takes a bare Debian or Ubuntu server to a running Odoo, and keeps it there.

pub mod rehearse;
