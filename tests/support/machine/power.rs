//! A power cut and the boot after it.

use super::super::dice::Dice;
use super::{Death, Machine, Model, systemd};

const WANTS: &str = "/etc/systemd/system/multi-user.target.wants";

impl Machine {
    /// Applies a death to the machine: after a power cut, changes that were not synced are lost and the machine
    /// boots.
    pub fn after(&self, death: Death, number: usize) {
        match death {
            Death::Before | Death::Torn => return,
            Death::PowerCut => self.disk.unsynced.lose(),
            Death::PartialCut(seed) => {
                let mut dice = Dice::new((number * 8 + usize::from(seed)) as u64);
                self.disk.unsynced.lose_some(&mut dice);
            }
        }
        self.boot();
    }

    fn boot(&self) {
        let model = self.model();
        model.disk.unsynced.program(true);
        for name in self.disk.list("/run") {
            if name != "systemd" {
                self.disk.remove(&format!("/run/{name}"));
            }
        }
        {
            let mut state = self.state.borrow_mut();
            state.postgres.running = false;
            state.units.clear();
            state.nginx.running = false;
            state.nginx.sites.clear();
        }
        model.name_boot(
            &Dice::new(systemd::monotonic())
                .below(usize::MAX)
                .to_string(),
        );
        model.write_proc();
        model.reload_drop_ins();
        let wanted = self.disk.list(WANTS);
        if wanted.iter().any(|unit| unit == "postgresql.service") && model.has_server() {
            model.start_server();
        }
        for unit in wanted.iter().filter(|unit| *unit != "postgresql.service") {
            model.boot_unit(unit);
        }
    }
}

impl Model {
    /// Sets the boot ID, which the kernel changes at every boot.
    pub(super) fn name_boot(&self, name: &str) {
        self.disk.put("/proc/sys/kernel/random/boot_id", name);
    }

    /// Starts a unit that is enabled at boot; a failure is ignored, as systemd does.
    fn boot_unit(&self, unit: &str) {
        if self.disk.exists(&format!("{WANTS}/{unit}")) {
            let _ = self.systemctl(&["start", unit]);
        }
    }
}
