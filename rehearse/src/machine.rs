//! A throwaway machine, from its boot to its end.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::base::{Base, Draft};
use super::bed::Bed;
use super::error::{Error, OnPath, Result};
use super::launch::{enter, start, wait_until_up};
use super::layer::Layer;
use super::lock::Lock;
use super::network::Subnet;
use super::process::Process;
use super::record::Record;
use super::seed;
use super::spec::{Network, Spec, check_name};
use super::teardown::{shut_down, take_down};

/// A machine that is up. Dropping it takes it down, whatever it was doing.
#[derive(Debug)]
pub struct Machine {
    bed: Bed,
    state: PathBuf,
    record: Record,
    /// Its systemd-nspawn, when this process started it.
    child: Option<Child>,
    /// Gone once it is kept or taken down.
    lock: Option<Lock>,
}

impl Machine {
    /// Boots a machine and returns when its systemd is up, with or without failed units. What a
    /// killed process left of an earlier machine of this name is taken down first.
    ///
    /// # Errors
    ///
    /// If a machine of this name is up, or something it needs cannot be made; nothing of it is
    /// left then. [`Error::Boot`] carries the end of its console.
    pub fn boot(bed: &Bed, spec: Spec) -> Result<Self> {
        check_name(&spec.name)?;
        let lock = bed.lock_machine(&spec.name)?;
        let state = bed.state_of(&spec.name);
        if let Some(mut left) = Record::load(&state)? {
            if left.kept && left.is_up() {
                return Err(Error::AlreadyUp(spec.name));
            }
            take_down(&state, &mut left)?;
        }
        fs::create_dir_all(&state).on("create", &state)?;
        let record = Record {
            id: bed.id_of(&spec.name),
            spec,
            subnet: None,
            nspawn: None,
            init: None,
            kept: false,
        };
        let mut machine = Self {
            bed: bed.clone(),
            state,
            record,
            child: None,
            lock: Some(lock),
        };
        machine.save()?;
        machine.furnish()?;
        machine.launch()?;
        Ok(machine)
    }

    /// Its host name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.record.spec.name
    }

    /// Its files, as long as it is up and is not rebooted.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        let pid = self.record.init.map_or(0, Process::pid);
        Path::new("/proc").join(pid.to_string()).join("root")
    }

    /// Where the host reaches it.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        let subnet = self.record.subnet;
        subnet.map_or(Ipv4Addr::LOCALHOST, Subnet::address).into()
    }

    /// A command that runs a program inside as root, in `/`, without input, and with no more
    /// environment than a login's and the machine's `/etc/environment`. Arguments, variables and
    /// streams are the caller's to add. It joins the machine's namespaces but not its cgroups, and
    /// ending it does not end the program.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = match self.record.init {
            Some(init) => enter(init),
            // Unreachable on a machine that is up; fails as any missing program does.
            None => Command::new("/nonexistent"),
        };
        command
            .env("HOME", "/root")
            .env("USER", "root")
            .env("LANG", "C.UTF-8")
            .envs(seed::environment(&self.root()))
            .arg(program);
        command
    }

    /// Powers it off cleanly and boots it again on what it has written.
    ///
    /// # Errors
    ///
    /// If it does not go down, or does not come up again.
    pub fn reboot(&mut self) -> Result<()> {
        self.shut_down()?;
        self.launch()
    }

    /// Powers it off cleanly and makes what it has written a base, to be booted again and again.
    ///
    /// # Errors
    ///
    /// [`Error::BaseExists`] when the name is taken, or when it does not go down.
    pub fn power_off(mut self, base_name: &str) -> Result<Base> {
        check_name(base_name)?;
        let folder = self.bed.bases();
        if Base::load(&folder, base_name)?.is_some() {
            return Err(Error::BaseExists(base_name.to_owned()));
        }
        self.shut_down()?;
        let layer = Layer::new(&self.state);
        layer.unmount_root()?;
        let draft = Draft::start(&folder, base_name)?;
        layer.freeze(&draft, self.record.spec.storage)?;
        let base = draft.finish(Some(&self.record.spec.base))?;
        self.take_down()?;
        Ok(base)
    }

    /// Takes it down, with all that it has added to the host.
    ///
    /// # Errors
    ///
    /// If something resists; [`Bed::stop`] can try again.
    pub fn stop(mut self) -> Result<()> {
        self.take_down()
    }

    /// Leaves it running beyond this process, until [`Bed::stop`].
    ///
    /// # Errors
    ///
    /// If that cannot be written down; it is taken down then.
    pub fn keep(mut self) -> Result<()> {
        self.record.kept = true;
        self.save()?;
        self.lock = None;
        Ok(())
    }

    fn save(&self) -> Result<()> {
        self.record.save(&self.state)
    }

    /// Gives it its network and its files.
    fn furnish(&mut self) -> Result<()> {
        let mut gateway = Ipv4Addr::LOCALHOST;
        if self.record.spec.network == Network::Private {
            let subnet = Subnet::claim(self.name())?;
            self.record.subnet = Some(subnet);
            self.save()?;
            subnet.connect()?;
            gateway = subnet.gateway();
        }
        let spec = &self.record.spec;
        let layer = Layer::new(&self.state);
        layer.mount(&spec.base, spec.storage)?;
        seed::plant(layer.root(), spec, gateway.into())
    }

    fn launch(&mut self) -> Result<()> {
        self.child = Some(start(&self.state, &mut self.record)?);
        wait_until_up(&self.state, &mut self.record)
    }

    fn shut_down(&mut self) -> Result<()> {
        shut_down(&mut self.record)?;
        self.reap();
        self.save()
    }

    fn take_down(&mut self) -> Result<()> {
        let outcome = take_down(&self.state, &mut self.record);
        self.reap();
        // Only now may another take the name.
        self.lock = None;
        outcome
    }

    /// Collects the exit code of systemd-nspawn, which no one needs.
    fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.lock.is_none() {
            return;
        }
        if let Err(error) = self.take_down() {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(machine = self.name(), error, "left behind");
        }
    }
}
