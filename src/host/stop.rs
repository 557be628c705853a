//! Signals: the first one stops the run at the end of the step, the second one kills running programs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// A run that stopped because of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped by signal {signal} at a step's edge")]
pub struct Stopped {
    /// The signal's number.
    pub signal: i32,
}

/// The signals that the run has received. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    times: AtomicU8,
    signal: AtomicI32,
    asked: Notify,
    killed: Notify,
}

impl Stop {
    /// Starts to listen for signals. SIGHUP is caught and ignored: the run continues if the SSH session that started
    /// it drops.
    ///
    /// # Errors
    /// If the kernel refuses a signal handler.
    pub fn listen() -> std::io::Result<Self> {
        let stop = Self::default();
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            let (mut signals, stop) = (signal(kind)?, stop.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    stop.request(kind.as_raw_value());
                }
            });
        }
        let mut hangups = signal(SignalKind::hangup())?;
        tokio::spawn(async move { while hangups.recv().await.is_some() {} });
        Ok(stop)
    }

    /// Records one more request to stop.
    pub fn request(&self, signal: i32) {
        self.0.signal.store(signal, Ordering::SeqCst);
        self.0.asked.notify_waiters();
        if self.0.times.fetch_add(1, Ordering::SeqCst) > 0 {
            self.0.killed.notify_waiters();
        }
    }

    /// Returns an error if the run was asked to stop. To be called where a run may stop, between two steps.
    ///
    /// # Errors
    /// If the run was asked to stop.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.0.times.load(Ordering::SeqCst) == 0 {
            return Ok(());
        }
        Err(Stopped {
            signal: self.0.signal.load(Ordering::SeqCst),
        })
    }

    /// Waits for the first signal.
    pub async fn requested(&self) {
        if self.0.times.load(Ordering::SeqCst) < 1 {
            self.0.asked.notified().await;
        }
    }

    /// Waits for the second signal.
    pub async fn forced(&self) {
        if self.0.times.load(Ordering::SeqCst) < 2 {
            self.0.killed.notified().await;
        }
    }
}
