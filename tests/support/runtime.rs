//! What futures come to their end on.

use tokio::runtime::{Builder, Runtime};

/// For a model machine: time goes on when nothing else does.
pub fn paused() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

/// For real programs.
pub fn real() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
