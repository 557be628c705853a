//! Takes a bare Debian or Ubuntu server to a running Odoo, and keeps it there.
//!
//! ```text
//! site.toml ──> Site ──┐
//!                      ├─ compile ─> Plan ── observe ─> Changes ── apply ─> Journal ──> Report
//! playbook.toml ───────┘  (Steps)          (before, after)   (write-ahead)    (events)
//! ```

pub mod apply;
pub mod change;
pub mod check;
pub mod error;
pub mod event;
pub mod host;
pub mod journal;
pub mod observe;
pub mod password;
pub mod plan;
pub mod resource;
pub mod rollback;
pub mod stop;
