//! Takes a bare Debian or Ubuntu server to a running Odoo, and keeps it there.
//!
//! ```text
//! site.toml ──> Site ──┐
//!                      ├─ compile ─> Plan ── observe ─> Changes ── apply ─> Journal ──> Report
//! playbook.toml ───────┘  (Steps)          (before, after)   (write-ahead)    (events)
//! ```

pub mod check;
pub mod command;
pub mod engine;
pub mod event;
pub mod gate;
pub mod host;
pub mod inspect;
pub mod odoo;
pub mod plan;
pub mod report;
pub mod resource;
pub mod secret;
pub mod site;
pub mod text;
