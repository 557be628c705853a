//! Waits until a restarted service works.

use std::path::Path;
use std::time::Duration;

use super::Service;
use crate::event::Event;
use crate::host::{Host, Result};
use crate::resource::Resource as _;

/// The longest wait for a service to listen again, in seconds.
const LISTENS: u64 = 120;

/// How many checks in a row must find the same process if the service does not listen.
const STEADY: u32 = 4;

/// The time between two checks.
const PAUSE: Duration = Duration::from_millis(500);

/// Waits until the service listens, as Odoo does some time after its start. A service that listens on no port must
/// stay up for two seconds; a service without a process counts as up immediately. Returns what is wrong; `None` also
/// if a signal asks to stop.
///
/// # Errors
/// If systemd cannot be asked.
pub(crate) async fn await_up(host: &Host, service: &Service) -> Result<Option<String>> {
    let mut is_told = false;
    let (mut process, mut steady) = (String::new(), 0);
    for _ in 0..LISTENS * 2 {
        let shown = service.show(host).await?;
        let of = |key: &str| shown.get(key).map(String::as_str).unwrap_or_default();
        let (state, pid) = (of("ActiveState"), of("MainPID"));
        if state == "active" && ["", "0"].contains(&pid) {
            return Ok(None);
        }
        let is_over = state == "inactive" && ["", "0"].contains(&of("Job"));
        if is_over || state == "failed" || of("SubState") == "auto-restart" {
            return Ok(Some(format!("`{}` does not stay up", service.unit)));
        }
        steady = if state == "active" && process == pid {
            steady + 1
        } else {
            0
        };
        pid.clone_into(&mut process);
        let listens = service.listens != Some(false);
        let is_up = if listens {
            is_listening(host, &service.unit)?
        } else {
            steady >= STEADY
        };
        if is_up {
            return Ok(None);
        }
        if !is_told {
            is_told = true;
            let (what, subject) = (
                if listens { "listen again" } else { "stay up" },
                service.subject(),
            );
            host.events().tell(Event::Waiting {
                what: format!("`{subject}` to {what}"),
                at_most: LISTENS,
            });
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => (),
            () = host.stop().requested() => return Ok(None),
        }
    }
    let what = if service.listens == Some(false) {
        "stay up"
    } else {
        "listen"
    };
    let text = format!("`{}` did not {what} within {LISTENS} s", service.unit);
    Ok(Some(text))
}

/// Whether a process of the unit listens on a port.
fn is_listening(host: &Host, unit: &str) -> Result<bool> {
    for listener in host.listeners()? {
        let Some(holder) = host.holder(&listener) else {
            continue;
        };
        let group = host.read_text(Path::new(&format!("/proc/{}/cgroup", holder.pid)))?;
        let group = group.unwrap_or_default();
        if group
            .lines()
            .any(|line| line.split('/').any(|part| part == unit))
        {
            return Ok(true);
        }
    }
    Ok(false)
}
