//! The bases: states that scenarios start from, each made once and frozen.

use std::env;
use std::fs;
use std::panic::{UnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use odoo_deploy::odoo::distribution::Distribution;
use odoo_deploy::odoo::release::{Release, Series};
use odoo_deploy::odoo::target::{Target, target};
use odoo_deploy::plan::requirements;
use rehearse::{Base, Bind};
use sha2::{Digest, Sha256};

use super::server::{SITE, Server};
use super::world::world;

const FETCHED: &str = "e2e-fetched";
const PACKED: &str = "e2e-packed";
const INSTALLED: &str = "e2e-installed";

/// The bases to remove after the tests, upper layers first. With `KEEP_BASES` in the environment, only the base
/// that depends on odoo-deploy is removed.
pub(crate) fn passing() -> &'static [&'static str] {
    const ALL: [&str; 3] = [INSTALLED, PACKED, FETCHED];
    if env::var_os("KEEP_BASES").is_some() {
        &ALL[..1]
    } else {
        &ALL
    }
}

/// The requirements file that Odoo's repository publishes.
const PUBLISHED: &str = include_str!("../requirements-19.0.txt");

/// What Odoo 19 needs on Debian 12.
fn needs() -> Target {
    let debian = Distribution::of("debian", "12").expect("Debian 12 is known");
    target(Release::of(Series::V19), debian).expect("a pair that runs")
}

/// A base or folder that is made once. A failure is remembered, so it is not tried again.
struct Made<T>(OnceLock<Option<T>>);

impl<T: Clone> Made<T> {
    const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn get(&self, what: &str, make: impl FnOnce() -> T + UnwindSafe) -> T {
        let made = self.0.get_or_init(|| {
            let began = Instant::now();
            let made = catch_unwind(make).ok()?;
            let seconds = began.elapsed().as_secs_f64();
            println!("machine: made {what} in {seconds:.1} s");
            Some(made)
        });
        let made = made.clone();
        made.unwrap_or_else(|| panic!("{what} could not be made: see the first failure"))
    }
}

/// A fresh distribution.
pub(crate) fn bare(suite: &str) -> Base {
    world().bed.base(suite).expect("a bare root")
}

/// A fresh Debian 12 with current package lists and all packages of the plan downloaded.
pub(crate) fn fetched() -> Base {
    static BASE: Made<Base> = Made::new();
    let make = || {
        let server = Server::boot("fetched", bare("bookworm"));
        server.sh("apt-get -qq update");
        server.sh(&format!("apt-get -qq --download-only {}", install()));
        server.power_off(FETCHED)
    };
    BASE.get("a Debian 12 with downloads", || {
        kept(FETCHED).unwrap_or_else(make)
    })
}

/// A base that an earlier test run kept.
fn kept(name: &str) -> Option<Base> {
    world().bed.find_base(name).expect("the bed's bases")
}

fn install() -> String {
    let packages = needs().packages.join(" ");
    format!("-o Dpkg::Use-Pty=0 --yes --no-install-recommends install {packages}")
}

/// A Debian 12 with the packages installed by hand.
pub(crate) fn packed() -> Base {
    static BASE: Made<Base> = Made::new();
    let make = || {
        let server = Server::boot("packed", fetched());
        server.sh(&format!(
            "DEBIAN_FRONTEND=noninteractive apt-get -qq {}",
            install()
        ));
        server.power_off(PACKED)
    };
    BASE.get("a Debian 12 with packages", || {
        kept(PACKED).unwrap_or_else(make)
    })
}

/// A Debian 12 on which `odoo-deploy install` has finished.
pub(crate) fn installed() -> Base {
    static BASE: Made<Base> = Made::new();
    let make = || {
        let server = Server::boot_with("installed", packed(), Some(&wheels()));
        server.write(SITE, &super::server::site(""));
        let run = server.odoo(&["install", "--yes"]);
        run.expect_code(0);
        server.power_off(INSTALLED)
    };
    BASE.get("a Debian 12 with Odoo", make)
}

/// The wheels that Odoo 19 needs on Debian 12; kept from one test run to the next.
pub(crate) fn wheels() -> PathBuf {
    static WHEELS: Made<PathBuf> = Made::new();
    WHEELS.get("wheels", || {
        let needs = needs();
        let (own, more) = (&needs.requirements, &needs.overrides);
        let wanted = requirements::effective(&[PUBLISHED], more, own) + "uv\nwheel\n";
        let key = Sha256::digest(format!("{wanted}{:?}", needs.build_constraints));
        let name = format!("wheels-{:02x}{:02x}{:02x}", key[0], key[1], key[2]);
        let folder = world().kept.join(name);
        if !folder.exists() {
            build_wheels(&folder, &wanted, &needs);
        }
        folder
    })
}

fn build_wheels(folder: &Path, wanted: &str, needs: &Target) {
    let partial = folder.with_extension("partial");
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial).expect("a folder for wheels");
    let out = Bind {
        source: partial.clone(),
        target: "/run/wheels".into(),
        read_only: false,
    };
    let server = Server::boot_binding("wheels", packed(), vec![out]);
    server.write("/root/wanted.txt", wanted);
    server.write("/root/constraints.txt", &needs.build_constraints.join("\n"));
    server.sh("python3 -m venv /root/venv
         export PIP_CONSTRAINT=/root/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1
         /root/venv/bin/pip install -q wheel setuptools
         /root/venv/bin/pip wheel -q -w /run/wheels -r /root/wanted.txt");
    server.stop();
    fs::rename(&partial, folder).expect("wheels in their place");
}
