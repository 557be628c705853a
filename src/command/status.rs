//! `status`.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::command::ending::{Ending, Refused, again_or_kept, failed};
use crate::command::session::{back, begin, checked_name, load};
use crate::engine::journal::{self, Lock, Run, Standing};
use crate::event::{Event, Outcome};
use crate::host::command::Cmd;
use crate::host::{Host, layout};

/// Reports the status of the site with this configuration.
pub(super) async fn of_config(host: &Host, config: &Path) -> Result<Ending, Refused> {
    status(host, load(config)?.name.as_str()).await
}

/// Reports the status of the site with this name.
pub(super) async fn of_name(host: &Host, name: &str) -> Result<Ending, Refused> {
    status(host, &checked_name(name)?).await
}

/// Reports the status of a site, from its journals and its service.
async fn status(host: &Host, name: &str) -> Result<Ending, Refused> {
    let events = host.events();
    begin(events, "status", name, None);
    let folder = host.path(&layout::state(name));
    let runs = journal::runs(&folder).map_err(failed)?;
    let holder = Lock::holder(&host.path(&layout::lock(name))).map(|holder| holder.to_string());
    let service = service(host, name).await;
    let newest = runs.iter().rev().take(5);
    let history: Map<String, Value> = newest
        .map(|run| (run.number.to_string(), line(run).into()))
        .collect();
    let facts = json!({
        "site": name,
        "service": service,
        "runs": if history.is_empty() { json!("none") } else { json!(history) },
        "working": holder.unwrap_or_else(|| "nobody".into()),
        "journal": folder.display().to_string(),
    });
    events.tell(Event::Status { facts });
    let ending = Ending::of(Outcome::Unchanged);
    Ok(match runs.last() {
        Some(run) if run.standing == Standing::Open => {
            ending.then(format!("{}   or install again", back(name)))
        }
        Some(run) if run.standing == Standing::RollingBack => {
            let left = run.steps.iter().filter(|step| !step.undone);
            let left: Vec<String> = left.map(|step| step.step.clone()).collect();
            ending.then(again_or_kept(name, &left))
        }
        _ => ending,
    })
}

fn line(run: &Run) -> String {
    let standing = match run.standing {
        Standing::Open => "not finished",
        Standing::Committed => "committed",
        Standing::RollingBack => "being taken back",
        Standing::RolledBack => "taken back",
    };
    let count = run.steps.len();
    let plural = if count == 1 { "" } else { "s" };
    let failure = run
        .failure
        .as_deref()
        .and_then(|text| text.lines().next())
        .unwrap_or_default();
    let failure = if failure.is_empty() {
        String::new()
    } else {
        format!(": {failure}")
    };
    format!("{standing}, {count} step{plural}{failure}")
}

async fn service(host: &Host, name: &str) -> String {
    let ask = Cmd::new("systemctl")
        .arg("show")
        .arg("--property=LoadState,ActiveState,SubState");
    let Ok(output) = host
        .run(&ask.arg("--").arg(format!("{name}.service")))
        .await
    else {
        return "unknown".into();
    };
    let value = |key: &str| {
        output
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    match (value("LoadState"), value("ActiveState"), value("SubState")) {
        (Some("loaded"), Some(active), Some(sub)) => format!("{active} ({sub})"),
        (Some("loaded"), Some(active), None) => active.to_owned(),
        _ => "not installed".into(),
    }
}
