//! The bed of this test run, and what every machine sees of its host.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use rehearse::{Bed, Bind, DEFAULT_DIR, Lock, Status};

use super::bases;
use super::repository::repository;

/// The prefix of the names of these tests' machines and bases.
pub(crate) const PREFIX: &str = "e2e-";

static WORLD: OnceLock<World> = OnceLock::new();
static HELD: Mutex<Option<Lock>> = Mutex::new(None);

pub(crate) struct World {
    pub(crate) bed: Bed,
    /// The folder of files that are kept from one test run to the next.
    pub(crate) kept: PathBuf,
    repository: OnceLock<PathBuf>,
    full: OnceLock<PathBuf>,
}

pub(crate) fn world() -> &'static World {
    WORLD.get().expect("begun")
}

/// Opens the bed, and removes what an interrupted test run left.
pub(crate) fn begin() -> Result<(), String> {
    if !nix::unistd::geteuid().is_root() {
        return Err("these tests boot machines: run them as root".into());
    }
    let told = |error: rehearse::Error| odoo_deploy::text::error::chain(&error);
    let folder = env::var_os("ODOO_DEPLOY_BED").unwrap_or_else(|| DEFAULT_DIR.into());
    let bed = Bed::open(&folder).map_err(told)?;
    bed.prepare_tools().map_err(told)?;
    // only one run of these tests at a time
    *HELD.lock().unwrap() = Some(bed.freezing("e2e").map_err(told)?);
    let kept = Path::new(&folder).join("tests");
    fs::create_dir_all(&kept).map_err(|error| error.to_string())?;
    let world = World {
        bed,
        kept,
        repository: OnceLock::new(),
        full: OnceLock::new(),
    };
    let _ = WORLD.set(world);
    sweep()
}

/// Removes what this test run made, except what is kept on purpose.
pub(crate) fn end() -> Result<(), String> {
    sweep()
}

fn sweep() -> Result<(), String> {
    let bed = &world().bed;
    let told = |error: rehearse::Error| odoo_deploy::text::error::chain(&error);
    for machine in bed.machines().map_err(told)? {
        if machine.name.starts_with(PREFIX) && machine.status != Status::Busy {
            bed.stop(&machine.name).map_err(told)?;
        }
    }
    for base in bases::passing() {
        bed.remove_base(base).map_err(told)?;
    }
    Ok(())
}

/// The folder in each machine with the repository, the wheels and the binary.
pub(crate) const SHARED: &str = "/run/e2e";

impl World {
    /// A repository laid out like Odoo's, with what `-i base` needs.
    pub(crate) fn repository(&self) -> &Path {
        self.repository.get_or_init(|| made("lite"))
    }

    /// What a machine sees of the host if it needs modules beyond those of `-i base`.
    pub(crate) fn binds_with_all_modules(&self) -> Vec<Bind> {
        let mut binds = self.binds(Some(&bases::wheels()));
        let all = self.full.get_or_init(|| made("full"));
        binds.push(Bind {
            source: all.clone(),
            target: Path::new(SHARED).join("odoo-full.git"),
            read_only: true,
        });
        binds
    }

    /// What every machine sees of the host.
    pub(crate) fn binds(&self, wheels: Option<&Path>) -> Vec<Bind> {
        let bind = |source: &Path, name: &str| Bind {
            source: source.to_owned(),
            target: Path::new(SHARED).join(name),
            read_only: true,
        };
        let mut binds = vec![
            bind(Path::new(env!("CARGO_BIN_EXE_odoo-deploy")), "odoo-deploy"),
            bind(self.repository(), "odoo.git"),
        ];
        binds.extend(wheels.map(|folder| bind(folder, "wheels")));
        binds
    }
}

/// Makes a variant of the repository.
fn made(variant: &str) -> PathBuf {
    let folder = env::var_os("ODOO_DEPLOY_REPOSITORIES")
        .map_or_else(|| "/var/tmp/odoo-deploy-repositories".into(), PathBuf::from);
    repository(&folder, variant)
}
