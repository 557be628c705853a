//! Old releases and environments are cleared, and every rollback still restores its state.

use support::act::{Act, act, still_to_do};
use support::machine::Machine;
use support::site::SiteFile;
use support::snapshot::{differences, snapshot};

fn environments(machine: &Machine) -> usize {
    machine.disk.list("/opt/odoo/venvs").len()
}

#[test]
fn only_environments_of_the_last_runs_stay_and_a_rollback_makes_others_again() {
    if support::skipped() {
        return;
    }
    let machine = Machine::bare();
    let mut was = vec![snapshot(&machine)];
    for number in 1..=6 {
        let site = SiteFile::with_index(number);
        let planned = act(&machine, &site, Act::DryRun).unwrap();
        let planned = planned.pending().into_keys();
        let cleared = planned.filter(|step| step.starts_with("cleared-")).count();
        let ended = act(&machine, &site, Act::Install).unwrap();
        assert_eq!(ended.code, 0, "{}", ended.error);
        assert_eq!(cleared, usize::from(number > 4), "{number}");
        // the running one, and three for rollbacks
        assert_eq!(environments(&machine), number.min(4), "{number}");
        assert_eq!(still_to_do(&machine, &site), [""; 0]);
        was.push(snapshot(&machine));
    }
    for number in (1..6).rev() {
        let back = act(&machine, &SiteFile::with_index(6), Act::Rollback).unwrap();
        assert_eq!(back.code, 0, "{}", back.error);
        let now = snapshot(&machine);
        let mut expected = was[number].clone();
        // environments that were cleared and that no rollback has needed yet
        expected
            .retain(|place, _| !place.starts_with("/opt/odoo/venvs/") || now.contains_key(place));
        assert_eq!(differences(&expected, &now), [""; 0], "{number}");
    }
    let back = act(&machine, &SiteFile::with_index(6), Act::Rollback).unwrap();
    assert_eq!(back.code, 0, "{}", back.error);
    assert!(!machine.disk.exists("/opt/odoo"));
}
