//! Checks: whether a service works as it should. A check changes nothing.

mod addresses;
mod registry;
mod via_proxy;

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

pub use self::registry::Registry;
use crate::event::Event;
use crate::host::command::{Cmd, Programs};
use crate::host::{Error, Host, Result};

/// The time between two attempts of a check.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest wait for a service that this run did not change, in seconds.
const UNTOUCHED: u64 = 10;

/// The number of restarts after which a unit counts as failed.
const RESTARTS: u32 = 3;

/// The `User-Agent` of our requests. Odoo redirects visitors to a page in their language, but not clients with `bot`
/// in this header (`is_a_bot` in its module `web`).
const AGENT: &str = "odoo-deploy (bot)";

/// Something that must be true once all steps are done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// The unit that the check is about.
    pub unit: String,
    /// What the unit must do.
    pub probe: Probe,
    /// The longest time until the unit does it, in seconds.
    pub within: u64,
    /// If true, the check is made only after a change: it costs something, or leaves something.
    #[serde(default)]
    pub after_change: bool,
    /// The step before which the check is made, if that step is about to change what runs, and at no other time: what
    /// cannot work is not put to work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The causes of that step's change for which the check is made: ids of steps; `release*` means all that begin so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}

/// What a unit must do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Probe {
    /// A request to the service must get this status.
    Http {
        /// The address.
        url: String,
        /// The status of the answer.
        status: u16,
        /// A text that the body of the answer must contain.
        #[serde(default)]
        contains: String,
    },
    /// A request through the proxy, as a visitor sends it, must get this status.
    Proxy {
        /// The domain that visitors use.
        domain: String,
        /// If true, the request is sent by HTTPS.
        tls: bool,
        /// The certificate of the authority that must have signed the proxy's; empty if that authority is a public one.
        trust: String,
        /// The path of the page. If the status is 101, a websocket is requested.
        path: String,
        /// The status of the answer.
        status: u16,
    },
    /// The unit must listen on this port at this address, and at no other address.
    Listen {
        /// The address.
        address: IpAddr,
        /// The port.
        port: u16,
    },
    /// The printer of reports must print a page.
    Pdf {
        /// The program that prints.
        program: String,
        /// If true, the program must be the patched build, which also prints headers and footers.
        patched: bool,
        /// The address of a picture that the page loads; empty for none.
        #[serde(default)]
        picture: String,
        /// The account that prints.
        user: String,
    },
    /// Odoo's code must load on its database, before a service runs that code.
    Registry(Registry),
    /// The unit must run as one and the same process for so many seconds.
    Steady {
        /// The time in seconds.
        seconds: u64,
    },
}

/// A check that failed.
#[derive(Debug, thiserror::Error)]
#[error("{check}: {detail}{}{}", likely(cause.as_ref()), listed(journal))]
pub struct Unhealthy {
    /// What the check required.
    pub check: String,
    /// What was observed instead.
    pub detail: String,
    /// The probable cause.
    pub cause: Option<String>,
    /// The last lines of the unit's journal.
    pub journal: Vec<String>,
}

fn likely(cause: Option<&String>) -> String {
    cause.map_or_else(String::new, |cause| format!("\n  likely cause: {cause}"))
}

fn listed(journal: &[String]) -> String {
    if journal.is_empty() {
        return String::new();
    }
    format!(
        "\n  the last lines of its journal:\n    {}",
        journal.join("\n    ")
    )
}

impl Probe {
    /// The names of all kinds of probes, as written in playbooks.
    pub const KINDS: &[&str] = &["http", "listen", "pdf", "proxy", "registry", "steady"];
}

impl Check {
    /// Whether the check must be made before a step that changes for these `causes`.
    #[must_use]
    pub fn is_due(&self, causes: &[String]) -> bool {
        self.because
            .iter()
            .any(|asked| match asked.strip_suffix('*') {
                Some(start) => causes.iter().any(|cause| cause.starts_with(start)),
                None => causes.contains(asked),
            })
    }

    fn subject(&self) -> String {
        match &self.probe {
            Probe::Http { url, status, .. } => format!("GET {url} answers {status}"),
            Probe::Proxy {
                domain,
                tls,
                path,
                status,
                ..
            } => {
                let scheme = if *tls { "https" } else { "http" };
                format!("GET {scheme}://{domain}{path} answers {status}")
            }
            Probe::Listen { address, port } => {
                format!("{} listens on {address}:{port} alone", self.unit)
            }
            Probe::Pdf { program, .. } => format!("{program} prints a page"),
            Probe::Registry(registry) => {
                format!("Odoo works with the database `{}`", registry.database)
            }
            Probe::Steady { seconds } => format!("{} runs on for {seconds} s", self.unit),
        }
    }
}

/// Repeats `check` until it passes, at most for [`Check::within`]. A service that this run did not change has had
/// time to start, so it gets only `UNTOUCHED` seconds.
///
/// # Errors
/// If the check does not pass in time: [`Unhealthy`], with the last lines of the unit's journal.
pub async fn pass(host: &Host, check: &Check, touched: bool) -> Result<(), Unhealthy> {
    if check.after_change && !touched {
        return Ok(());
    }
    let within = if touched {
        check.within
    } else {
        check.within.min(UNTOUCHED)
    };
    let until = Instant::now() + Duration::from_secs(within);
    let (mut told, mut restarts) = (false, None);
    loop {
        let Err(detail) = ask(host, check).await else {
            host.events().tell(Event::Checked {
                check: check.subject(),
                passed: true,
                detail: None,
            });
            return Ok(());
        };
        let once = matches!(check.probe, Probe::Registry(_));
        let hopeless = if once {
            Some(detail.clone())
        } else {
            given_up(host, &check.unit, &mut restarts).await
        };
        if Instant::now() >= until || hopeless.is_some() {
            let detail = hopeless.unwrap_or_else(|| format!("{detail} (waited {within} s)"));
            host.events().tell(Event::Checked {
                check: check.subject(),
                passed: false,
                detail: Some(detail.clone()),
            });
            return Err(diagnose(host, check, detail).await);
        }
        if !told {
            host.events().tell(Event::Waiting {
                what: check.subject(),
                at_most: within,
            });
            told = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Makes the check once. `Err` says what was observed instead.
async fn ask(host: &Host, check: &Check) -> Result<(), String> {
    match &check.probe {
        Probe::Http {
            url,
            status,
            contains,
        } => {
            let (found, body) = host
                .get(url, Duration::from_secs(30))
                .await
                .map_err(|e| crate::text::error::chain(&e))?;
            if found != *status {
                return Err(format!("it answers {found}"));
            }
            if body.contains(contains) {
                Ok(())
            } else {
                Err(format!("the page is without `{contains}`"))
            }
        }
        Probe::Proxy {
            domain,
            tls,
            trust,
            path,
            status,
        } => {
            let trust = tls.then_some(trust.as_str());
            via_proxy::visit(host, domain, trust, path, *status).await
        }
        Probe::Listen { address, port } => {
            let listeners = host.listeners().map_err(|e| e.to_string())?;
            let on_port: Vec<_> = listeners
                .iter()
                .filter(|listener| listener.port == *port)
                .collect();
            if let Some(other) = on_port.iter().find(|listener| listener.address != *address) {
                return Err(format!("something listens on {}:{port}", other.address));
            }
            if on_port.is_empty() {
                Err(format!("nothing listens on port {port}"))
            } else {
                Ok(())
            }
        }
        Probe::Registry(registry) => registry.ask(host).await,
        Probe::Pdf {
            program,
            patched,
            picture,
            user,
        } => print(host, (program, *patched), picture, user).await,
        Probe::Steady { seconds } => {
            let first = show(host, &check.unit).await?.pid;
            tokio::time::sleep(Duration::from_secs(*seconds)).await;
            let then = show(host, &check.unit).await?.pid;
            if first.is_some() && first == then {
                Ok(())
            } else {
                Err("its main process does not stay".into())
            }
        }
    }
}

/// Prints a page with text in two scripts and a picture. The patched build must also print a header and a footer.
async fn print(
    host: &Host,
    (program, patched): (&str, bool),
    picture: &str,
    user: &str,
) -> Result<(), String> {
    let run = async |cmd: Cmd| {
        let output = host.run(&cmd.user(user).env("HOME", "/nonexistent")).await;
        output.map_err(|e| crate::text::error::chain(&e))
    };
    let version = run(Cmd::new(program).arg("--version")).await?.stdout;
    if patched && !version.contains("with patched qt") {
        return Err(format!(
            "it is `{}`, without the patched Qt",
            version.trim()
        ));
    }
    let edges: &[&str] = if patched {
        &["--header-center", "header", "--footer-center", "[page]"]
    } else {
        &[]
    };
    let picture = match picture {
        "" => String::new(),
        url => format!("<img src=\"{url}\">"),
    };
    let page = format!("<!DOCTYPE html><meta charset=utf-8><p>Rechnung № 1 · €</p>{picture}");
    // the distribution's wkhtmltopdf opens `/dev/stdout`, which its user may do only if the pipe belongs to that user
    let printed = run(Cmd::new("sh")
        .args(["-c", "\"$@\" | cat", "sh", program, "--quiet"])
        .args(edges.iter().copied())
        .args(["--load-media-error-handling", "abort", "-", "-"])
        .stdin(page))
    .await?;
    if printed.stderr.contains("unpatched qt") {
        return Err("it prints no headers and footers".into());
    }
    if printed.stdout.starts_with("%PDF") && printed.stdout.trim_end().ends_with("%%EOF") {
        Ok(())
    } else {
        Err("what it prints is no PDF".into())
    }
}

/// The state of a unit, from `systemctl show`.
struct Shown {
    state: String,
    restarts: u32,
    pid: Option<u32>,
}

/// Reads the state of `unit`. `Err` says why systemd does not return it.
async fn show(host: &Host, unit: &str) -> Result<Shown, String> {
    let show = Cmd::new("systemctl").args([
        "show",
        "--property=ActiveState,NRestarts,MainPID",
        "--",
        unit,
    ]);
    let output = host
        .run(&show)
        .await
        .map_err(|e| crate::text::error::chain(&e))?;
    let value = |key: &str| {
        output
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    let number = |key: &str| value(key).and_then(|number| number.parse().ok());
    let state = value("ActiveState").ok_or_else(|| format!("`{show}` does not tell its state"))?;
    Ok(Shown {
        state: state.to_owned(),
        restarts: number("NRestarts").unwrap_or(0),
        pid: number("MainPID").filter(|pid| *pid != 0),
    })
}

/// Returns why further waiting is pointless, if it is. `first` is the unit's restart count at the first attempt: only
/// restarts after that attempt count.
async fn given_up(host: &Host, unit: &str, first: &mut Option<u32>) -> Option<String> {
    let Shown {
        state, restarts, ..
    } = show(host, unit).await.ok()?;
    let restarts = restarts.saturating_sub(*first.get_or_insert(restarts));
    match state.as_str() {
        "failed" | "inactive" => Some(format!("`{unit}` is {state}")),
        _ if restarts >= RESTARTS => Some(format!(
            "`{unit}` has ended and been started again {restarts} times"
        )),
        _ => None,
    }
}

async fn diagnose(host: &Host, check: &Check, detail: String) -> Unhealthy {
    let ask = Cmd::new("journalctl").args([
        "--no-pager",
        "--output=cat",
        "--lines=60",
        "--unit",
        &check.unit,
    ]);
    let said = host
        .run(&ask)
        .await
        .map(|output| output.stdout)
        .unwrap_or_default();
    let lines: Vec<String> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(str::to_owned)
        .collect();
    let cause = CAUSES
        .iter()
        .find(|(sign, _)| said.contains(sign))
        .map(|(_, cause)| (*cause).to_owned());
    let journal = lines[lines.len().saturating_sub(20)..].to_vec();
    Unhealthy {
        check: check.subject(),
        detail,
        cause,
        journal,
    }
}

/// Texts in the journal of a service that does not start, and what each means.
const CAUSES: &[(&str, &str)] = &[
    (
        "UndefinedColumn",
        "the code has a field for which the database has no column; go back to the commit before, or have Odoo update \
         the module that brought it (`odoo-bin --update`)",
    ),
    (
        "InsufficientPrivilege",
        "tables of the database belong to another role than Odoo's; see `\\dt` in `psql`",
    ),
    (
        "Address already in use",
        "another program listens on its port; see `ss -ltnp`",
    ),
    (
        "Peer authentication failed",
        "pg_hba.conf does not let its system user in over the socket as the role of its name",
    ),
    (
        "Connection refused",
        "PostgreSQL does not run or does not listen where Odoo asks; see `systemctl status 'postgresql*'`",
    ),
    (
        "could not connect to server",
        "PostgreSQL does not run or does not listen where Odoo asks",
    ),
    (
        "ModuleNotFoundError",
        "a Python package is missing from the environment",
    ),
    (
        "ImportError",
        "a Python package in the environment cannot be loaded",
    ),
    (
        "Permission denied",
        "the service may not read or write something it needs; see the path in its journal",
    ),
    ("No space left on device", "the disk is full"),
    (
        "Out of memory",
        "the server has too little memory for this many workers",
    ),
    (
        "does not exist",
        "something that the configuration names is not there",
    ),
];

impl Host {
    /// Requests a page without following redirects. Returns its status and body.
    ///
    /// # Errors
    /// If there is no answer in time.
    pub async fn get(&self, url: &str, within: Duration) -> Result<(u16, String)> {
        if let Programs::Model(_) = self.programs() {
            let output = self.run(&Cmd::new("GET").arg(url)).await?;
            let (status, body) = output
                .stdout
                .split_once('\n')
                .unwrap_or((output.stdout.as_str(), ""));
            return Ok((status.parse().unwrap_or(0), body.to_owned()));
        }
        let asked = url.to_owned();
        let answer = tokio::task::spawn_blocking(move || get(&asked, within)).await;
        let answer = answer.unwrap_or_else(|e| Err(e.to_string()));
        answer.map_err(|e| Error::impossible(format!("no answer from {url}: {e}")))
    }
}

fn get(url: &str, within: Duration) -> Result<(u16, String), String> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(within))
        .user_agent(AGENT)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let mut response = ureq::Agent::new_with_config(config)
        .get(url)
        .call()
        .map_err(|e| e.to_string())?;
    let body = response
        .body_mut()
        .read_to_string()
        .map_err(|e| e.to_string())?;
    Ok((response.status().as_u16(), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_due_only_for_its_own_causes() {
        let check = Check {
            unit: "odoo.service".into(),
            probe: Probe::Steady { seconds: 1 },
            within: 0,
            after_change: false,
            before: Some("service".into()),
            because: vec!["environment".into(), "release*".into()],
        };
        for (causes, expected) in [
            (&[][..], false),
            (&["conf"], false),
            (&["conf", "release"], true),
            (&["release-oca-web"], true),
            (&["environment"], true),
            (&["environments"], false),
        ] {
            let causes: Vec<String> = causes.iter().map(|c| (*c).to_owned()).collect();
            assert_eq!(check.is_due(&causes), expected, "{causes:?}");
        }
    }
}
