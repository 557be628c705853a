//! A throwaway machine, from boot to removal.

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

/// A machine that is up. Dropping it removes it, whatever it is doing.
#[derive(Debug)]
pub struct Machine {
    bed: Bed,
    state: PathBuf,
    record: Record,
    /// Its systemd-nspawn, if this process started it.
    child: Option<Child>,
    /// Released when the machine is kept or removed.
    lock: Option<Lock>,
}

impl Machine {
    /// Boots a machine and returns when its systemd is up, even with failed units. First removes what a killed
    /// process left of an earlier machine with this name.
    ///
    /// # Errors
    ///
    /// If a machine with this name is up, or something that it needs cannot be created. Nothing is left of the new
    /// machine then. [`Error::Boot`] contains the end of the console's output.
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

    /// The root of its files. Valid while the machine is up and until it is rebooted.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        let pid = self.record.init.map_or(0, Process::pid);
        Path::new("/proc").join(pid.to_string()).join("root")
    }

    /// The address at which the host reaches it.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        let subnet = self.record.subnet;
        subnet.map_or(Ipv4Addr::LOCALHOST, Subnet::address).into()
    }

    /// A command that runs a program in the machine as root, in `/`, without input, with a login's environment and
    /// the variables of the machine's `/etc/environment`. The caller adds arguments, variables and streams. The
    /// program runs in the machine's namespaces but not in its cgroups, and killing the command does not end the
    /// program.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = match self.record.init {
            Some(init) => enter(init),
            // a machine that is up always has a PID 1; without one, the command fails like a missing program
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

    /// Powers the machine off cleanly and boots it again. What it wrote stays.
    ///
    /// # Errors
    ///
    /// If it does not power off, or does not boot again.
    pub fn reboot(&mut self) -> Result<()> {
        self.shut_down()?;
        self.launch()
    }

    /// Powers the machine off cleanly and turns what it wrote into a base, from which other machines can boot.
    ///
    /// # Errors
    ///
    /// [`Error::BaseExists`] if the name is taken; other errors if the machine does not power off.
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

    /// Removes the machine and everything that it has added to the host.
    ///
    /// # Errors
    ///
    /// If something cannot be removed; [`Bed::stop`] can try again.
    pub fn stop(mut self) -> Result<()> {
        self.take_down()
    }

    /// Lets the machine run after this process has ended, until [`Bed::stop`].
    ///
    /// # Errors
    ///
    /// If the record cannot be written. The machine is removed then.
    pub fn keep(mut self) -> Result<()> {
        self.record.kept = true;
        self.save()?;
        self.lock = None;
        Ok(())
    }

    fn save(&self) -> Result<()> {
        self.record.save(&self.state)
    }

    /// Creates the network and the files of the machine.
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
        // from now on another machine may have the name
        self.lock = None;
        outcome
    }

    /// Waits for systemd-nspawn to end; its exit code is not needed.
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
