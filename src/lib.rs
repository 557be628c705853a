//! Takes a bare Debian or Ubuntu server to a running Odoo, and keeps it there.
//!
//! ```text
//! site.toml ──> Site ──┐
//!                      ├─ compile ─> Plan ── observe ─> Changes ── apply ─> Journal ──> Report
//! playbook.toml ───────┘  (Steps)          (before, after)   (write-ahead)    (events)
//! ```

pub mod access;
pub mod apply;
pub mod blueprint;
pub mod change;
pub mod check;
pub mod cli;
pub mod command;
pub mod diagnostic;
pub mod diff;
pub mod distribution;
pub mod error;
pub mod event;
pub mod facts;
pub mod finding;
pub mod gate;
pub mod graph;
pub mod host;
pub mod journal;
pub mod modules;
pub mod observe;
pub mod pairing;
pub mod password;
pub mod plan;
pub mod playbook;
pub mod preflight;
pub mod reader;
pub mod rehearse;
pub mod release;
pub mod report;
pub mod requirements;
pub mod resolve;
pub mod resource;
pub mod rollback;
pub mod site;
pub mod sizing;
pub mod source;
pub mod sql;
pub mod stop;
pub mod template;
pub mod wkhtmltopdf;
