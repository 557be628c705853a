//! The modules and the first database of a site, on the model machine.

use std::fs;

use odoo_deploy::event::{Event, Found};
use support::act::{Act, Ended, act, journals};
use support::machine::Machine;
use support::scenario::installed;
use support::site::{SiteFile, SiteSpec};

fn wish(modules: &[&'static str]) -> SiteSpec {
    SiteSpec {
        modules: modules.to_vec(),
        ..SiteSpec::default()
    }
}

fn notes(ended: &Ended) -> Vec<&str> {
    let notes = ended.events.iter().filter_map(|event| match event {
        Event::Note { text } => Some(text.as_str()),
        _ => None,
    });
    // without the note about the playbook of the tests
    notes
        .filter(|text| !text.contains("in place of the built-in file"))
        .collect()
}

#[test]
fn a_module_that_is_no_longer_asked_for_stays_and_is_noted() {
    if support::skipped() {
        return;
    }
    let machine = installed(&wish(&["sale", "stock"]));
    let fewer = SiteFile::new(&wish(&["sale"]));
    let ended = act(&machine, &fewer, Act::Install).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.error);
    let notes = notes(&ended);
    assert!(
        notes
            .iter()
            .any(|note| note.contains("still installed: `stock`;")),
        "{notes:?}"
    );
    let state = machine.state.borrow();
    let modules = state.postgres.databases["odoo"].modules.clone().unwrap();
    assert!(modules.contains("stock"));
}

#[test]
fn an_installed_module_that_is_asked_for_is_not_noted() {
    if support::skipped() {
        return;
    }
    let machine = installed(&wish(&["sale"]));
    let more = SiteFile::new(&wish(&["sale", "stock"]));
    let ended = act(&machine, &more, Act::Install).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.error);
    assert!(notes(&ended).is_empty(), "{:?}", notes(&ended));
}

/// The service keeps running while modules are installed, so its transactions may conflict with the installation.
#[test]
fn an_installation_that_conflicts_with_the_service_is_retried_a_few_times() {
    if support::skipped() {
        return;
    }
    for (collisions, code) in [(4, 0), (5, 3)] {
        let machine = installed(&wish(&["sale"]));
        machine.state.borrow_mut().postgres.collisions = collisions;
        let more = SiteFile::new(&wish(&["sale", "stock"]));
        let ended = act(&machine, &more, Act::InstallOrGoBack).unwrap();
        assert_eq!(ended.code, code, "{collisions}: {}", ended.error);
        let state = machine.state.borrow();
        let modules = state.postgres.databases["odoo"].modules.clone().unwrap();
        assert_eq!(modules.contains("stock"), code == 0, "{collisions}");
    }
}

#[test]
fn an_unknown_module_is_refused_before_anything_is_changed() {
    if support::skipped() {
        return;
    }
    let machine = installed(&wish(&["sale"]));
    let runs = || fs::read_dir(journals(&machine)).unwrap().count();
    let before = runs();
    let wrong = SiteFile::new(&wish(&["sale", "stokc"]));
    let ended = act(&machine, &wrong, Act::InstallOrGoBack).unwrap();
    assert_eq!(ended.code, 1, "{}", ended.error);
    assert!(
        ended.error.contains("did you mean `stock`?"),
        "{}",
        ended.error
    );
    assert_eq!(before, runs());
}

/// On a bare machine an unknown module is found once the source is fetched, before a database is created.
#[test]
fn on_a_bare_machine_a_run_with_an_unknown_module_is_rolled_back() {
    if support::skipped() {
        return;
    }
    let machine = Machine::bare();
    let wrong = SiteFile::new(&wish(&["stokc"]));
    let ended = act(&machine, &wrong, Act::InstallOrGoBack).unwrap();
    assert_eq!(ended.code, 3, "{}", ended.error);
    assert!(
        ended.error.contains("did you mean `stock`?"),
        "{}",
        ended.error
    );
    let began =
        |event: &Event| matches!(event, Event::StepBegan { step, .. } if step == "database");
    assert!(!ended.events.iter().any(began));
}

#[test]
fn language_and_company_of_a_new_database_go_through_standard_input() {
    if support::skipped() {
        return;
    }
    let machine = Machine::bare();
    let site = SiteFile::new(&wish(&["sale"]));
    let text = fs::read_to_string(site.path()).unwrap();
    let first = "[odoo]\nlanguage = \"de_DE\"\ncompany = 'A \"B\" \\ C'\n";
    fs::write(site.path(), text.replacen("[odoo]\n", first, 1)).unwrap();
    let ended = act(&machine, &site, Act::Install).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.error);
    let state = machine.state.borrow();
    let told = state.postgres.databases["odoo"].first.clone().unwrap();
    assert_eq!(
        told,
        r#"language, country, company = "de_DE", None, "A \"B\" \\ C""#
    );
    let modules = state.postgres.databases["odoo"].modules.clone().unwrap();
    assert!(modules.contains("sale"));
}

fn found(ended: &Ended) -> Vec<(&str, Found)> {
    let findings = ended.events.iter().filter_map(|event| match event {
        Event::Finding { what, found, .. } => Some((what.as_str(), *found)),
        _ => None,
    });
    findings.collect()
}

#[test]
fn findings_from_before_a_run_and_new_ones_are_reported_separately() {
    if support::skipped() {
        return;
    }
    let machine = installed(&wish(&["sale"]));
    {
        let mut state = machine.state.borrow_mut();
        let database = state.postgres.databases.get_mut("odoo").unwrap();
        database.modules.as_mut().unwrap().insert("gone".into());
        database.rows.insert("stock".into(), "to upgrade".into());
        database.version = Some("19.0.1.2".into());
    }
    let words = [
        "Odoo runs no scheduled action: the database `odoo` has `base` 19.0.1.2, its code is 19.0.1.3",
        "`stock` in the database `odoo` is left in the state `to upgrade`",
        "there is no code for `gone`, installed in the database `odoo`: Odoo does not load it",
    ];
    let same = act(&machine, &SiteFile::new(&wish(&["sale"])), Act::Install).unwrap();
    assert_eq!(same.code, 0, "{}", same.error);
    assert_eq!(found(&same), words.map(|what| (what, Found::Before)));
    let more = SiteFile::new(&SiteSpec {
        workers: 3,
        ..wish(&["sale"])
    });
    let ended = act(&machine, &more, Act::InstallOrGoBack).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.error);
    let both = [Found::Before, Found::Still];
    let both = both
        .iter()
        .flat_map(|found| words.map(|what| (what, *found)));
    assert_eq!(found(&ended), both.collect::<Vec<_>>());
}

#[test]
fn code_that_does_not_fit_the_database_never_serves() {
    if support::skipped() {
        return;
    }
    let machine = installed(&wish(&["sale"]));
    let pid = || machine.state.borrow().units["odoo.service"].pid;
    let before = pid();
    machine.state.borrow_mut().postgres.lacks = vec!["res.partner.x".into()];
    let later = SiteFile::new(&SiteSpec {
        later: true,
        ..wish(&["sale"])
    });
    let ended = act(&machine, &later, Act::InstallOrGoBack).unwrap();
    assert_eq!(ended.code, 3, "{}", ended.error);
    assert!(ended.error.contains("`res.partner.x`"), "{}", ended.error);
    let began = |event: &Event| matches!(event, Event::StepBegan { step, .. } if step == "service");
    assert!(!ended.events.iter().any(began));
    assert_eq!(pid(), before, "the old process kept serving");
}
