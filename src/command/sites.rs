//! Runs a command for several sites, one after the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::command::ending::{Ending, Refused, misconfigured, worst};
use crate::command::tell;
use crate::event::{Event, SiteEnd};
use crate::host::Host;
use crate::plan::blueprint::holds_steps;
use crate::site::Site;
use crate::text::error::chain;
use crate::text::source;

/// Runs `work` for each site, reports how each ended, and returns the exit code for all. After a failure for one site,
/// the other sites are still done.
pub(super) async fn each(
    host: &Host,
    asked: &[PathBuf],
    work: impl AsyncFn(&Path) -> Result<Ending, Refused>,
) -> u8 {
    let events = host.events();
    let configs = match configs(asked) {
        Ok(configs) => configs,
        Err(refused) => return tell(events, Err(refused)),
    };
    if let [only] = &configs[..] {
        return tell(events, work(only).await);
    }
    let namesakes = namesakes(&configs);
    let mut sites = Vec::with_capacity(configs.len());
    for (number, config) in (1..).zip(&configs) {
        let name = config.display().to_string();
        if let Err(stopped) = host.stop().check() {
            sites.push(end(name, &Ending::stopped(stopped)));
            continue;
        }
        events.tell(Event::SiteBegan {
            config: name.clone(),
            number,
            total: configs.len(),
        });
        let ending = match namesakes.get(config) {
            Some(reason) => misconfigured(reason),
            None => work(config).await.unwrap_or_else(|refused| refused),
        };
        sites.push(end(name, &ending));
        tell(events, Ok(ending));
    }
    let exit_code = worst(sites.iter().map(|site| site.exit_code));
    events.tell(Event::SitesEnded { sites, exit_code });
    exit_code
}

fn end(config: String, ending: &Ending) -> SiteEnd {
    SiteEnd {
        config,
        outcome: ending.outcome,
        exit_code: ending.code,
    }
}

/// The configurations, each once, in the order given. A folder is replaced by its configurations, sorted by name.
fn configs(asked: &[PathBuf]) -> Result<Vec<PathBuf>, Refused> {
    let mut configs: Vec<PathBuf> = Vec::new();
    for path in asked {
        let found = if path.is_dir() {
            in_folder(path)?
        } else {
            vec![path.clone()]
        };
        for config in found {
            if !configs.contains(&config) {
                configs.push(config);
            }
        }
    }
    Ok(configs)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Refused> {
    let mut found = source::list(folder, "toml").map_err(|e| misconfigured(chain(&e)))?;
    // `odoo.toml` and `extra.toml` are no sites: they apply to all sites of the folder
    found.retain(|path| !holds_steps(path));
    if found.is_empty() {
        return Err(misconfigured(format!(
            "no site is in `{}`: every `*.toml` in it is one, but for `odoo.toml`, the playbook, and `extra.toml`, which adds \
             steps to it",
            folder.display()
        )));
    }
    Ok(found)
}

/// Configurations with the same site name, each with an error text. They are refused, because each would undo the
/// changes of the other.
fn namesakes(configs: &[PathBuf]) -> BTreeMap<&PathBuf, String> {
    let mut by_name: BTreeMap<String, Vec<&PathBuf>> = BTreeMap::new();
    for config in configs {
        if let Ok(site) = Site::load(config) {
            by_name
                .entry(site.name.to_string())
                .or_default()
                .push(config);
        }
    }
    let mut reasons = BTreeMap::new();
    for (name, of_it) in by_name.iter().filter(|(_, of_it)| of_it.len() > 1) {
        let paths: Vec<String> = of_it
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let text = format!(
            "the site `{name}` has several configurations: `{}`; give each its own `name` below `[site]`",
            paths.join("`, `")
        );
        reasons.extend(of_it.iter().map(|config| (*config, text.clone())));
    }
    reasons
}
