//! A systemd service that uses its present configuration.

mod input;
mod up;

pub(crate) use up::await_up;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::gate;
use crate::host::command::Cmd;
use crate::host::store::digest;
use crate::host::{BootTime, Error, Host, Kind, Result};
use crate::resource::{Moved, Resource};

/// The folder of this host's own units, and of drop-ins for units of packages.
const UNITS: &str = "/etc/systemd/system";

/// The folder of systemd's links to units that start at boot.
const WANTS: &str = "/etc/systemd/system/multi-user.target.wants";

/// The name of the entry in the record for what the unit has set up outside of itself.
const SHOWN: &str = "(shown)";

/// The cause of a restart if something that the unit has set up outside of itself has changed.
const CHANGED: &str = "what it set up";

/// A systemd service, enabled at boot and running.
///
/// There are no handlers: at every start, by whatever hand, the unit writes down the digests of
/// what it starts with. Whether it runs what is on disk can thus be seen at any time, also after a
/// crash between a change and the restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The name of the unit.
    pub unit: String,
    /// In a playbook: the ids of the steps that make the files and links which the service reads; `release-*` means all
    /// that begin so. If one of them changes, the service is restarted. The steps are needed, too.
    pub inputs: BTreeMap<String, PathBuf>,
    /// The files with certificates among them, which others may renew: only the certificates in them are compared, and
    /// links are followed. A playbook does not say these: steps of kind `certificate` in `inputs` become these.
    #[serde(default)]
    pub certificates: BTreeMap<String, PathBuf>,
    /// The file to which the unit writes, at each start, the digest of each file that it reads, as `sha256sum` prints
    /// it. By it the program sees whether the service runs what is on the disk.
    pub record: PathBuf,
    /// If true, others use the service too: it is reloaded and not restarted, it is not stopped by a rollback, and it
    /// goes with its packages.
    #[serde(default)]
    pub shared: bool,
    /// If false, the service listens on no port: a rollback that starts the service again waits only until it stays up.
    /// In `extra.toml` that is the default, elsewhere it is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listens: Option<bool>,
    /// A program with its arguments that must succeed before the service is started or reloaded.
    #[serde(default)]
    pub test: Vec<String>,
    /// A program with its arguments that shows what the unit has set up outside of itself, such as a table of nftables.
    /// The unit writes the digest of that to its record, so that the program sees if somebody has removed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shows: Vec<String>,
}

/// The state of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    enabled: bool,
    active: bool,
    /// The inputs that have changed since the service was started.
    outdated: Vec<String>,
}

impl Service {
    async fn show(&self, host: &Host) -> Result<BTreeMap<String, String>> {
        properties(host, &self.unit).await
    }

    /// The state of the service, given its properties from systemd.
    async fn seen(&self, host: &Host, shown: &BTreeMap<String, String>) -> Result<Option<State>> {
        let is = |key: &str, values: &[&str]| {
            shown.get(key).is_some_and(|v| values.contains(&v.as_str()))
        };
        // right after a boot the unit may be about to start: then it counts as active, whatever its record says; a
        // unit that systemd only restarts again and again does not
        let starts = is("ActiveState", &["activating"]) && !is("SubState", &["auto-restart"]);
        let waits = is("ActiveState", &["inactive", "failed"])
            && shown
                .get("Job")
                .is_some_and(|job| !["", "0"].contains(&job.as_str()));
        let starts = starts || waits;
        let active = starts || is("ActiveState", &["active", "reloading"]);
        // for our own units the link decides: systemd keeps its first answer, and returns none if the unit file is
        // missing, although it would start the unit if the file came back. A package's unit keeps its link until dpkg
        // purges the package
        let wanted = Path::new(WANTS).join(&self.unit);
        let enabled = if self.shared {
            is("UnitFileState", &["enabled", "enabled-runtime"])
        } else {
            host.link_target(&wanted)?.is_some()
        };
        // the unit file belongs to another step: a unit that neither runs nor is enabled counts as absent
        if !active && !enabled {
            return Ok(None);
        }
        // a starting unit that has written no record yet will start with the present files
        let outdated = if active && !(starts && host.meta(&self.record)?.is_none()) {
            self.outdated(host).await?
        } else {
            Vec::new()
        };
        Ok(Some(State {
            enabled,
            active,
            outdated,
        }))
    }

    async fn outdated(&self, host: &Host) -> Result<Vec<String>> {
        let record = host.read(&self.record)?.unwrap_or_default();
        let record = String::from_utf8_lossy(&record).into_owned();
        let started: BTreeMap<&str, &str> = record
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(value, path)| (path, value))
            .collect();
        let files = self.inputs.iter().map(|it| (it, false));
        let certificates = self.certificates.iter().map(|it| (it, true));
        let mut inputs = Vec::new();
        for ((step, path), is_certificate) in files.chain(certificates) {
            let present = if is_certificate {
                input::certificates(host, path)?
            } else {
                input::file(host, path)?
            };
            inputs.push((step, path, present));
        }
        let writer = self.writer(host)?;
        // an nginx without a file of this site uses none of the site's certificates either
        let is_there = |(step, _, present): &(&String, _, Option<String>)| {
            self.inputs.contains_key(*step) && present.is_some()
        };
        let runs_nothing = self.shared && writer.is_none() && !inputs.iter().any(is_there);
        let mut outdated = Vec::new();
        for (step, path, present) in inputs {
            let path = path.display().to_string();
            // after a rollback an input may be gone, and the service was started without it
            let record = started.get(path.as_str()).copied();
            // a unit with an earlier configuration does not record inputs that only a later configuration has
            let is_foreign = record.is_none()
                && (runs_nothing || writer.as_ref().is_some_and(|text| !names(text, &path)));
            if !is_foreign && record != present.as_deref() {
                outdated.push(step.clone());
            }
        }
        let written = started.get(SHOWN).copied();
        if written.is_some() && written != self.shown(host).await?.as_deref() {
            outdated.push(CHANGED.to_owned());
        }
        outdated.sort();
        Ok(outdated)
    }

    /// The digest of what the unit has set up, if that can be shown.
    async fn shown(&self, host: &Host) -> Result<Option<String>> {
        let [program, args @ ..] = self.shows.as_slice() else {
            return Ok(None);
        };
        match host.run(&Cmd::new(program).args(args).accept(1)).await {
            Ok(output) if output.code == Some(0) && output.stdout.is_empty() => {
                let what = format!("the output of `{}`", self.shows.join(" "));
                Err(Error::garbled(what, "it is empty"))
            }
            Ok(output) => Ok(Some(digest(output.stdout.as_bytes()))),
            Err(Error::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The text that determines what is recorded at a start: the unit itself, or, for a unit of a package, the
    /// drop-ins that write the record. `None` if there is none, or if it is a link (masked, or put there by somebody
    /// else): the step that writes it reports that.
    fn writer(&self, host: &Host) -> Result<Option<String>> {
        let unit = Path::new(UNITS).join(&self.unit);
        if !self.shared {
            return own_text(host, &unit);
        }
        let folder = Path::new(UNITS).join(format!("{}.d", self.unit));
        let record = self.record.display().to_string();
        let mut writers = String::new();
        for name in host.list(&folder)? {
            let text = own_text(host, &folder.join(name))?.unwrap_or_default();
            if names(&text, &record) {
                writers.push_str(&text);
            }
        }
        Ok((!writers.is_empty()).then_some(writers))
    }

    /// Restarts the service if it was started or reloaded after `moment` with files that have changed since, or if it
    /// could not start with them. Returns whether it did. In any case systemd then has the present unit files.
    ///
    /// # Errors
    /// If systemd does not start the service, or cannot be asked.
    pub async fn start_anew(&self, host: &Host, moment: Option<&BootTime>) -> Result<bool> {
        let shown = self.show(host).await?;
        reload_stale(host, &shown).await?;
        let now = self.seen(host, &shown).await?;
        let wanted = self.want(now.as_ref());
        let Some(state) = now.as_ref().filter(|_| now != wanted) else {
            return Ok(false);
        };
        let changed = shown.get("StateChangeTimestampMonotonic");
        let changed = changed.and_then(|at| at.parse().ok());
        if state.active
            && let Some((moment, changed)) = moment.zip(changed)
            && !moment.is_before(host, changed)?
        {
            return Ok(false);
        }
        self.set(host, now.as_ref(), wanted.as_ref()).await?;
        Ok(true)
    }

    /// Enables or disables the service, and syncs the links: systemd does not.
    async fn enable(&self, host: &Host, verb: &[&str]) -> Result<()> {
        self.systemctl(host, verb).await?;
        host.sync(Path::new(UNITS))
    }

    /// Starts, restarts or reloads the service, unless its test program fails.
    async fn put_to_work(&self, host: &Host, active: bool) -> Result<()> {
        if let [program, args @ ..] = self.test.as_slice() {
            host.run(&Cmd::new(program).args(args)).await?;
        }
        let verb = if active && self.shared {
            "reload"
        } else {
            "restart"
        };
        self.systemctl(host, &[verb]).await
    }

    async fn systemctl(&self, host: &Host, verb: &[&str]) -> Result<()> {
        host.run(
            &Cmd::new("systemctl")
                .args(verb.iter().copied())
                .args(["--", &self.unit])
                .deadline(300),
        )
        .await?;
        Ok(())
    }
}

/// Whether a unit has failed and has not been started since.
///
/// # Errors
/// If systemd cannot be asked.
pub async fn unit_failed(host: &Host, unit: &str) -> Result<bool> {
    let shown = properties(host, unit).await?;
    Ok(shown
        .get("ActiveState")
        .is_some_and(|state| state == "failed"))
}

/// The properties of a unit in systemd's memory. Concurrent questions are batched into one call.
async fn properties(host: &Host, unit: &str) -> Result<BTreeMap<String, String>> {
    let all = async |units: Vec<String>| {
        let blocks = show(host, &units).await.ok()?;
        (blocks.len() == units.len()).then_some(blocks)
    };
    let block = match host.batches().systemd.ask(unit.to_owned(), all).await {
        Some(block) => block,
        None => show(host, &[unit.to_owned()]).await?.concat(),
    };
    let pairs = block.lines().filter_map(|line| line.split_once('='));
    let shown: BTreeMap<String, String> =
        pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    // without `ActiveState` the answer is incomplete, and does not mean that the unit neither runs nor is enabled
    if shown.contains_key("ActiveState") {
        return Ok(shown);
    }
    let said = block.lines().next().unwrap_or("nothing");
    let what = format!("the answer of `systemctl show` about `{unit}`");
    Err(Error::garbled(what, format!("it says `{said}`")))
}

/// The text of a regular file; `None` if there is none.
fn own_text(host: &Host, path: &Path) -> Result<Option<String>> {
    match host.meta(path)? {
        Some(meta) if meta.kind == Kind::File => host.text(path),
        _ => Ok(None),
    }
}

/// Whether `path` is a word in the text of a unit.
fn names(text: &str, path: &str) -> bool {
    let parts = |letter: char| letter.is_whitespace() || ";\"'".contains(letter);
    text.split(parts).any(|word| word == path)
}

/// The properties of units in systemd's memory: a block for each, in the same order.
async fn show(host: &Host, units: &[String]) -> Result<Vec<String>> {
    let show = Cmd::new("systemctl").args([
        "show",
        "--property=LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,StateChangeTimestampMonotonic,\
         MainPID,Job",
        "--",
    ]);
    let output = host.run(&show.args(units)).await?;
    Ok(output.stdout.split("\n\n").map(str::to_owned).collect())
}

/// Makes systemd reload all units if it has an outdated version of this one.
async fn reload_stale(host: &Host, shown: &BTreeMap<String, String>) -> Result<()> {
    if shown.get("NeedDaemonReload").is_some_and(|v| v == "yes") {
        host.run(&Cmd::new("systemctl").arg("daemon-reload"))
            .await?;
    }
    Ok(())
}

impl Resource for Service {
    type State = State;

    fn subject(&self) -> String {
        self.unit.clone()
    }

    async fn read(&self, host: &Host) -> Result<Option<State>> {
        self.seen(host, &self.show(host).await?).await
    }

    fn want(&self, _now: Option<&State>) -> Option<State> {
        Some(State {
            enabled: true,
            active: true,
            outdated: Vec::new(),
        })
    }

    async fn set(&self, host: &Host, from: Option<&State>, to: Option<&State>) -> Result<Moved> {
        let Some(to) = to else {
            if let Some(from) = from.filter(|_| self.shared) {
                if from.active && !from.outdated.is_empty() {
                    self.put_to_work(host, true).await?;
                }
                return Ok(Moved::Kept("others may use it".into()));
            }
            if let Some(from) = from {
                // not `disable --now`: that would not stop a unit that is not enabled or has no file any more
                if from.enabled {
                    self.enable(host, &["disable", "--quiet"]).await?;
                }
                if from.active {
                    self.systemctl(host, &["stop"]).await?;
                }
                // otherwise a failed unit stays on systemd's list after it is gone
                let reset = Cmd::new("systemctl")
                    .args(["reset-failed", "--quiet", "--", &self.unit])
                    .accept(1);
                host.run(&reset).await?;
            }
            // also if an earlier rollback was interrupted before this
            gate::remove_record(host, &self.record)?;
            return Ok(Moved::Applied);
        };
        if from == Some(to) {
            return Ok(Moved::Applied);
        }
        reload_stale(host, &self.show(host).await?).await?;
        if from.is_none_or(|from| from.enabled != to.enabled) {
            let verb = if to.enabled { "enable" } else { "disable" };
            self.enable(host, &[verb, "--quiet"]).await?;
        }
        match (from.is_some_and(|from| from.active), to.active) {
            (_, false) => self.systemctl(host, &["stop"]).await?,
            (false, true) => {
                let reset = Cmd::new("systemctl")
                    .args(["reset-failed", "--quiet", "--", &self.unit])
                    .accept(1);
                host.run(&reset).await?;
                self.put_to_work(host, false).await?;
            }
            (true, true) if from.is_some_and(|from| from.outdated != to.outdated) => {
                self.put_to_work(host, true).await?;
            }
            (true, true) => (),
        }
        Ok(Moved::Applied)
    }

    fn paused(&self, state: &State) -> State {
        if self.shared {
            return state.clone();
        }
        State {
            active: false,
            outdated: Vec::new(),
            ..state.clone()
        }
    }

    /// A rollback reaches a service that uses the present files, so the earlier `outdated` does not count. A shared
    /// service that came with packages of the run is removed with them.
    fn rollback_target(
        &self,
        now: Option<&State>,
        before: Option<&State>,
        _after: Option<&State>,
    ) -> Option<State> {
        let before = before.filter(|_| now.is_some() || !self.shared);
        before.map(|before| State {
            outdated: Vec::new(),
            ..before.clone()
        })
    }

    fn predict(&self, state: &State, by: &[String]) -> State {
        let mut state = state.clone();
        if state.active {
            let runs = self.inputs.keys().chain(self.certificates.keys());
            let changed = runs.filter(|step| by.contains(step));
            state.outdated.extend(changed.cloned());
            state.outdated.sort();
            state.outdated.dedup();
        }
        state
    }

    fn causes(&self, from: &State) -> Vec<String> {
        from.outdated.clone()
    }

    fn summary(&self, from: Option<&State>, to: Option<&State>) -> String {
        match (from, to) {
            (None, Some(_)) => "enabled at boot and started".into(),
            (Some(from), Some(to)) if !from.active && to.active => "started".into(),
            (Some(from), Some(to)) if from.outdated != to.outdated && self.shared => {
                "reloaded".into()
            }
            (Some(from), Some(to)) if from.outdated != to.outdated => "restarted".into(),
            _ => String::new(),
        }
    }
}
