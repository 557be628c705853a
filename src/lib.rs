//! Takes a bare Debian or Ubuntu server to a running Odoo, and keeps it there.
//!
//! ```text
//! site.toml ──> Site ──┐
//!                      ├─ compile ─> Plan ── observe ─> Changes ── apply ─> Journal ──> Report
//! playbook.toml ───────┘  (Steps)          (before, after)   (write-ahead)    (events)
//! ```

pub mod change;
pub mod event;
pub mod report;
