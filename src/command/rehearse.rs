//! `rehearse`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use clap::Args;

use crate::command::args::ForSite;
use crate::command::ending::{Ending, INTERRUPTED, Refused, failed, refused};
use crate::command::session::{begin, load};
use crate::event::{Event, Outcome};
use crate::host::Host;
use crate::host::stop::Stop;
use crate::site::Site;
use crate::text::error::chain;
use rehearse::{Bed, Bind, Machine, Spec};

/// `rehearse`.
#[derive(Clone, Debug, Args)]
pub struct Rehearse {
    /// The site.
    #[command(flatten)]
    pub site: ForSite,
    /// The suite of the distribution to rehearse on; without it, this machine's own suite.
    #[arg(long, value_name = "SUITE")]
    pub suite: Option<String>,
    /// Leave the machine running, and say how to reach it and how to take it down.
    #[arg(long)]
    pub keep: bool,
    /// Take down a machine that was kept.
    #[arg(long, conflicts_with_all = ["keep", "suite"])]
    pub stop: bool,
    /// Where machines, and what they are made of, are stored.
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "/var/tmp/odoo-deploy-bed"
    )]
    pub bed: PathBuf,
}

/// The paths of the program and of the site's folder in the machine.
const PROGRAM: &str = "/run/rehearsal/odoo-deploy";
const SITE: &str = "/run/rehearsal/site";

/// Runs the whole install in a throwaway machine on this host.
pub(super) async fn rehearse(host: Host, asked: &Rehearse) -> Result<Ending, Refused> {
    let (events, stop) = (host.events(), host.stop());
    let site = load(&asked.site.config)?;
    begin(events, "rehearse", site.name.as_str(), None);
    let bed = Bed::open(&asked.bed).map_err(failed)?;
    let name = format!("rehearse-{}", site.name);
    if asked.stop {
        bed.stop(&name).map_err(failed)?;
        return Ok(Ending::of(Outcome::Changed));
    }
    let note = |text: String| events.tell(Event::Note { text });
    let missing = Bed::missing_tools();
    if !missing.is_empty() {
        note(format!("installing {} on this host", missing.join(", ")));
    }
    bed.prepare_tools().map_err(failed)?;
    let chosen = asked.suite.clone();
    let suite = chosen.map_or_else(Bed::host_suite, Ok).map_err(failed)?;
    let began = Instant::now();
    if bed.find_base(&suite).map_err(failed)?.is_none() {
        note(format!(
            "making a bare {suite}, once for all rehearsals: this takes a few minutes"
        ));
    }
    let base = bed.base(&suite).map_err(failed)?;
    note(format!(
        "a bare {suite} is at hand ({:.1} s)",
        began.elapsed().as_secs_f64()
    ));
    let began = Instant::now();
    let mut spec = Spec::new(&name, base);
    spec.binds = binds(&site, &asked.site.config).map_err(|e| refused(e.to_string()))?;
    let machine = Machine::boot(&bed, spec).map_err(failed)?;
    note(format!(
        "`{name}` has booted at {} ({:.1} s)",
        machine.address(),
        began.elapsed().as_secs_f64()
    ));
    let ended = install(&machine, &asked.site.config, stop).await;
    let code =
        ended.map_err(|e| refused(format!("cannot run the install in `{name}`: {}", chain(&e))))?;
    let again = format!(
        "odoo-deploy rehearse --config {} --stop",
        asked.site.config.display()
    );
    let address = machine.address();
    if asked.keep {
        machine.keep().map_err(failed)?;
        note(format!(
            "`{name}` stays up at {address}, with Odoo on its loopback"
        ));
    } else {
        machine.stop().map_err(failed)?;
        note(format!("`{name}` is taken down"));
    }
    let ending = match code {
        0 => Ending::of(Outcome::Rehearsed),
        code => refused("the install in the throwaway machine did not come to its end").coded(code),
    };
    Ok(if asked.keep {
        ending.then(again)
    } else {
        ending
    })
}

/// The bind mounts of the machine: this program, the site's folder, and every repository and folder of wheels that the
/// site names by path.
fn binds(site: &Site, config: &Path) -> std::io::Result<Vec<Bind>> {
    let read_only = |source: PathBuf, target: &str| Bind {
        source,
        target: target.into(),
        read_only: true,
    };
    let folder = config
        .canonicalize()?
        .parent()
        .unwrap_or(Path::new("/"))
        .to_owned();
    let mut binds = vec![
        read_only(std::env::current_exe()?, PROGRAM),
        read_only(folder, SITE),
    ];
    let mut repositories = vec![site.odoo.repository.to_string()];
    repositories.extend(
        site.addons
            .iter()
            .map(|addons| addons.repository.to_string()),
    );
    let paths = repositories
        .iter()
        .filter_map(|url| url.strip_prefix("file://"));
    let paths = paths.chain(site.python.wheels.iter().map(crate::site::Folder::as_str));
    for path in paths {
        if !binds.iter().any(|bind| bind.target == Path::new(path)) {
            binds.push(read_only(path.into(), path));
        }
    }
    Ok(binds)
}

/// Runs the install with the standard streams of this process. Returns its exit code.
async fn install(machine: &Machine, config: &Path, stop: &Stop) -> std::io::Result<u8> {
    let config = Path::new(SITE).join(config.file_name().unwrap_or(OsStr::new("site.toml")));
    let mut command = tokio::process::Command::from(machine.command(PROGRAM));
    command
        .arg("install")
        .arg("--yes")
        .arg("--config")
        .arg(config);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit());
    let mut child = command.kill_on_drop(true).spawn()?;
    let status = tokio::select! {
        status = child.wait() => status?,
        // the machine is stopped then, and all processes in it
        () = stop.requested() => return Ok(INTERRUPTED),
    };
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1))
}
