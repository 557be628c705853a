//! The tokio runtimes of the tests.

use tokio::runtime::{Builder, Runtime};

/// For the model machine: the clock jumps ahead when every task waits.
pub fn paused() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

/// For real programs.
pub fn real() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
