//! The three laws of every kind: `want` of a wanted state is that state; `set` reaches it; `set` back restores the old
//! state.

use odoo_deploy::event::Events;
use odoo_deploy::host::{Disk, Host, Store};
use odoo_deploy::resource::{AnyResource, AnyState, MASK, Moved};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::act::journals;
use support::machine::{Machine, ODOO_COMMIT, OLD, Role};
use support::runtime::paused;
use support::scenario::installed;
use support::site::SiteSpec;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = paused();
    runtime.block_on(work)
}

/// A host that may be changed, as in a run with an open journal.
fn host(machine: &Machine) -> Host {
    let folder = journals(machine);
    odoo_deploy::engine::journal::make_folder(&Disk::default(), &folder).unwrap();
    machine
        .host(Events::silent())
        .with_store(Store::new(&Disk::default(), folder, 1))
}

/// Sets a resource, sets it back, and sets it again. Checks all three laws.
async fn laws(host: &Host, resource: &AnyResource) -> Result<(), String> {
    let name = format!("{} {}", resource.kind(), resource.subject());
    let say = |what: String| format!("{name}: {what}");
    let failed = |e: odoo_deploy::host::Error| say(e.to_string());
    let before = resource.read(host).await.map_err(failed)?;
    let want = resource.want(&before).map_err(failed)?;
    let again = resource.want(&want).map_err(failed)?;
    if again != want {
        return Err(say(format!(
            "want does not settle: {want:?}, then {again:?}"
        )));
    }
    let reached = reach(host, resource, &before, &want).await.map_err(say)?;
    let back = resource
        .rollback_target(&reached, &before, &want)
        .map_err(failed)?;
    let moved = resource.set(host, &reached, &back).await.map_err(failed)?;
    let returned = resource.read(host).await.map_err(failed)?;
    // the states of these kinds show a residue; and a service that was restarted does not get its old start back
    let lenient = match resource.kind() {
        "database" => before.is_some(),
        kind => ["lists", "packages", "service", "settings"].contains(&kind),
    };
    let kept = matches!(moved, Moved::Kept(_));
    if returned != back && !kept && !lenient {
        return Err(say(format!(
            "set does not return: {back:?}, but {returned:?}"
        )));
    }
    if returned != before && !kept && !lenient {
        return Err(say(format!("it was {before:?} and is {returned:?}")));
    }
    let now = resource.read(host).await.map_err(failed)?;
    let want = resource.want(&now).map_err(failed)?;
    reach(host, resource, &now, &want).await.map_err(say)?;
    Ok(())
}

async fn reach(
    host: &Host,
    resource: &AnyResource,
    from: &AnyState,
    to: &AnyState,
) -> Result<AnyState, String> {
    let told = |e: odoo_deploy::host::Error| e.to_string();
    if from != to {
        resource.set(host, from, to).await.map_err(told)?;
    }
    let reached = resource.read(host).await.map_err(told)?;
    let wanted = resource.want(&reached).map_err(told)?;
    if wanted == reached {
        Ok(reached)
    } else {
        Err(format!("set does not reach: {wanted:?}, but {reached:?}"))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "callers write it in place")]
fn resource(kind: &str, fields: Value) -> AnyResource {
    serde_json::from_value(json!({ kind: fields })).unwrap()
}

/// Every resource of a whole site, in order, as the journal has it, with the contents of files.
fn of_a_site() -> Vec<AnyResource> {
    let machine = installed(&SiteSpec {
        proxy: true,
        ..SiteSpec::default()
    });
    let runs = odoo_deploy::engine::journal::runs(&journals(&machine)).unwrap();
    let steps = runs[0].steps.iter().map(|step| step.resource.clone());
    let with_content = steps.map(|mut resource| {
        if let AnyResource::File(file) = &mut resource {
            let text = machine.disk.text(file.path.to_str().unwrap());
            let masked = text.split('\n').map(|line| match line.split_once(" = ") {
                Some((key, _)) if file.secrets.contains_key(key) => format!("{key} = {MASK}"),
                _ => line.to_owned(),
            });
            file.content = masked.collect::<Vec<_>>().join("\n");
        }
        resource
    });
    with_content.collect()
}

#[test]
fn for_every_kind_on_a_bare_machine() {
    if support::skipped() {
        return;
    }
    let machine = Machine::bare();
    let host = host(&machine);
    let mut kinds = std::collections::BTreeSet::new();
    for resource in of_a_site() {
        kinds.insert(resource.kind());
        block_on(laws(&host, &resource)).unwrap();
    }
    // the packages start the cluster; this is a machine with a stopped one
    machine.state.borrow_mut().postgres.running = false;
    machine.disk.remove("/run/postgresql");
    let cluster = resource("cluster", json!({ "encoding": "UTF8", "minimum": 13 }));
    kinds.insert(cluster.kind());
    block_on(laws(&host, &cluster)).unwrap();
    let values = json!({ "shared_buffers": "400MB", "random_page_cost": "1.1" });
    let settings = json!({ "file": "odoo-deploy.conf", "values": values });
    let settings = resource("settings", settings);
    kinds.insert(settings.kind());
    block_on(laws(&host, &settings)).unwrap();
    // a server on another host is only read, never changed
    machine.state.borrow_mut().postgres.remote = Some("hush".into());
    let remote = json!({ "service": "/etc/postgresql.service", "minimum": 13 });
    let remote = resource("remote", remote);
    kinds.insert(remote.kind());
    machine
        .disk
        .put("/etc/postgresql.service", "[odoo]\npassword=hush\n");
    block_on(laws(&host, &remote)).unwrap();
    let venv = machine.disk.list("/opt/odoo/venvs").remove(0);
    let cleared = json!({ "path": format!("/opt/odoo/venvs/{venv}"), "goes": true });
    let cleared = resource("cleared", cleared);
    kinds.insert(cleared.kind());
    block_on(laws(&host, &cleared)).unwrap();
    assert!(kinds.iter().eq(AnyResource::KINDS), "{kinds:?}");
}

/// If the server refuses the connection, a database is neither present nor absent: neither is forecast, and the
/// database is neither created nor dropped.
#[test]
fn a_database_that_cannot_be_read_is_not_new() {
    if support::skipped() {
        return;
    }
    let machine = installed(&SiteSpec::default());
    machine.state.borrow_mut().postgres.remote = Some("hush".into());
    let host = host(&machine);
    let service = "/etc/postgresql.service";
    let database = resource(
        "database",
        json!({
            "name": "odoo", "owner": "odoo", "remote": service, "modules": ["base"], "python": "/p", "odoo": "/o",
            "conf": "/c", "data": "/var/lib/odoo", "password": "/s", "site": "odoo",
        }),
    );
    let read = |password: &str| {
        let text = format!("[odoo]\npassword={password}\n");
        machine.disk.put(service, text);
        block_on(database.read(&host)).unwrap()
    };
    let seen = read("hush");
    assert_eq!(database.want(&seen).unwrap(), seen);
    let unseen = read("old");
    let wanted = database.want(&unseen).unwrap();
    assert!(unseen.is_some() && unseen != seen && unseen != wanted);
    let summary = database.summary(&unseen, &wanted).unwrap();
    assert!(summary.contains("cannot be seen"), "{summary}");
    let there = || machine.state.borrow().postgres.databases.clone();
    let before = there();
    let none: AnyState = None;
    for (password, to) in [("old", &wanted), ("hush", &wanted), ("hush", &none)] {
        read(password);
        let set = block_on(database.set(&host, &unseen, to));
        assert!(set.is_err(), "{password}: {set:?}");
        let back = block_on(database.set(&host, &seen, &unseen)).unwrap();
        assert_eq!(back, Moved::Applied);
        assert_eq!(before, there(), "{password}");
    }
}

/// A file that its program rejects (`test`) does not count as set, also if the process was killed before the test. A
/// file from before the run is restored without a test.
#[test]
fn a_file_is_tested_before_it_counts() {
    if support::skipped() {
        return;
    }
    let machine = installed(&SiteSpec {
        proxy: true,
        ..SiteSpec::default()
    });
    let (host, path) = (host(&machine), "/etc/nginx/sites-enabled/extra.conf");
    let file = |content: &str| {
        resource(
            "file",
            json!({
                "path": path, "owner": "root", "group": "root", "mode": "0644", "content": content,
                "test": ["nginx", "-q", "-t"],
            }),
        )
    };
    let older = "server { # broken by another hand\n";
    machine.disk.put(path, older);
    let before = block_on(file("").read(&host)).unwrap();
    let broken = file("server {\n");
    let wanted = broken.want(&before).unwrap();
    assert!(block_on(broken.set(&host, &before, &wanted)).is_err());
    let now = block_on(broken.read(&host)).unwrap();
    assert_eq!(broken.want(&now).unwrap(), now, "the file is there");
    assert!(block_on(broken.set(&host, &now, &now)).is_err());
    // as the journal has it
    let journalled = serde_json::from_value::<AnyResource>(json!(broken)).unwrap();
    block_on(journalled.set(&host, &now, &before)).unwrap();
    assert_eq!(machine.disk.text(path), older);

    // nginx reads every file in this folder, also the kept copy
    let digest = odoo_deploy::host::store::digest(older.as_bytes());
    machine
        .disk
        .remove(&format!("{path}.kept-{}", &digest[..8]));
    let whole = file("server { }\n");
    let wanted = whole.want(&before).unwrap();
    machine.disk.remove(path);
    block_on(whole.set(&host, &None, &wanted)).unwrap();
}

/// From a server without partial clones, everything is fetched, but the checkout has no more files than otherwise.
#[test]
fn a_sparse_checkout_works_without_partial_clones() {
    if support::skipped() {
        return;
    }
    let machine = installed(&SiteSpec::default());
    let host = host(&machine);
    let path = "/opt/odoo/releases/old";
    for (languages, files) in [
        (json!([]), ""),
        (json!(["de_CH"]), "base.pot de.po de_CH.po"),
        (Value::Null, "base.pot de.po de_CH.po fr.po"),
    ] {
        let checkout = resource(
            "checkout",
            json!({
                "path": path, "url": OLD, "branch": "19.0", "commit": ODOO_COMMIT, "builder": "odoo-build",
                "site": "odoo", "languages": languages,
            }),
        );
        let before = block_on(checkout.read(&host)).unwrap();
        let wanted = checkout.want(&before).unwrap();
        block_on(reach(&host, &checkout, &before, &wanted)).unwrap();
        let there = machine.disk.list(&format!("{path}/odoo/addons/base/i18n"));
        assert_eq!(there.join(" "), files);
        let config = machine.disk.text(&format!("{path}/.git/config"));
        assert!(!config.contains("promisor"), "{config}");
    }
}

/// The accounts and groups that a bare machine has.
const ACCOUNTS: &[&str] = &["root", "daemon"];

fn account() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(ACCOUNTS)
}

fn mode() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0o755), Just(0o640), Just(0o600), 0_u32..0o1000]
}

fn number(name: &str) -> u32 {
    u32::from(name == "daemon")
}

fn hold(machine: &Machine, resource: &AnyResource) -> Result<(), TestCaseError> {
    block_on(laws(&host(machine), resource)).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn for_folders(
        now in proptest::option::of((account(), account(), mode())),
        owner in account(), group in account(), mode in mode(), data: bool, full: bool,
    ) {
        if support::skipped() { return Ok(()) }
        let machine = Machine::bare();
        if let Some((owner, group, mode)) = now {
            machine.disk.folder_as("/srv", (number(owner), number(group)), mode);
            if full {
                machine.disk.put("/srv/theirs", "");
            }
        }
        let folder = resource("directory", json!({
            "path": "/srv", "owner": owner, "group": group, "mode": format!("{mode:04o}"), "data": data,
        }));
        hold(&machine, &folder)?;
        prop_assert_eq!(machine.disk.exists("/srv/theirs"), now.is_some() && full);
    }

    #[test]
    fn for_files(
        now in proptest::option::of(("[a-z=\n•]{0,20}", account(), mode())),
        content in "[a-z=\n•]{0,20}", owner in account(), group in account(), mode in mode(), secret: bool,
    ) {
        if support::skipped() { return Ok(()) }
        let machine = Machine::bare();
        machine.disk.put_as("/etc/secret", "hush\n", (0, 0), 0o600);
        if let Some((text, owner, mode)) = &now {
            machine.disk.put_as("/etc/thing", text, (number(owner), 0), *mode);
        }
        let (content, secrets) = if secret {
            (content + &format!("\nkey = {MASK}\n"), json!({ "key": "/etc/secret" }))
        } else {
            (content, json!({}))
        };
        let file = resource("file", json!({
            "path": "/etc/thing", "owner": owner, "group": group, "mode": format!("{mode:04o}"),
            "content": content, "secrets": secrets,
        }));
        hold(&machine, &file)?;
        let written = machine.disk.text("/etc/thing");
        prop_assert_eq!(written.contains("key = hush"), secret);
    }

    #[test]
    fn for_links(
        now in proptest::option::of("/[a-z]{1,9}"), target in "(/[a-z]{1,9})?",
    ) {
        if support::skipped() { return Ok(()) }
        let machine = Machine::bare();
        if let Some(now) = &now {
            machine.disk.link("/opt/current", now);
        }
        let link = resource("link", json!({ "path": "/opt/current", "target": target }));
        hold(&machine, &link)?;
    }

    #[test]
    fn for_users(
        now in proptest::option::of((1_u32..999, "/bin/(bash|false|sh)", proptest::sample::subsequence(vec!["adm", "sudo", "users"], 0..=3))),
    ) {
        if support::skipped() { return Ok(()) }
        let machine = Machine::bare();
        if let Some((uid, shell, groups)) = &now {
            let uid = uid + 1;
            let passwd = machine.disk.text("/etc/passwd");
            machine.disk.put("/etc/passwd", passwd + &format!("odoo:x:{uid}:{uid}::/srv/odoo:{shell}\n"));
            let group = machine.disk.text("/etc/group");
            let changed: Vec<String> = group.lines().map(|line| {
                let name = line.split(':').next().unwrap();
                line.to_owned() + if groups.contains(&name) { "odoo" } else { "" }
            }).collect();
            let changed = changed.join("\n") + "\n";
            machine.disk.put("/etc/group", changed + &format!("odoo:x:{uid}:\n"));
        }
        let user = resource("user", json!({ "name": "odoo", "home": "/var/lib/odoo" }));
        hold(&machine, &user)?;
    }

    #[test]
    fn for_settings(
        now in proptest::collection::btree_map("(shared_buffers|work_mem|wal_level)", "[1-9]MB", 0..3),
        running in proptest::collection::btree_map("(shared_buffers|work_mem|wal_level)", "[1-9]MB", 0..3),
        values in proptest::collection::btree_map("(shared_buffers|work_mem|wal_level)", "[1-9]MB", 0..3),
    ) {
        if support::skipped() { return Ok(()) }
        let machine = installed_without_role();
        let lines = |values: &std::collections::BTreeMap<String, String>| {
            values.iter().fold(String::new(), |lines, (k, v)| lines + &format!("{k} = {v}\n"))
        };
        if !now.is_empty() {
            machine.disk.put("/etc/postgresql/15/main/conf.d/odoo-deploy.conf", lines(&now));
        }
        machine.state.borrow_mut().postgres.settings = running;
        let settings = resource("settings", json!({ "file": "odoo-deploy.conf", "values": values }));
        hold(&machine, &settings)?;
        prop_assert_eq!(&machine.state.borrow().postgres.settings, &values);
    }

    #[test]
    fn for_roles(now in proptest::option::of(any::<[bool; 4]>())) {
        if support::skipped() { return Ok(()) }
        let machine = installed_without_role();
        if let Some([login, createdb, superuser, createrole]) = now {
            let role = Role { login, createdb, superuser, createrole, ..Role::default() };
            machine.state.borrow_mut().postgres.roles.insert("odoo".into(), role);
        }
        let role = resource("role", json!({ "name": "odoo" }));
        hold(&machine, &role)?;
    }
}

/// A machine with an empty PostgreSQL server.
fn installed_without_role() -> Machine {
    let machine = Machine::bare();
    let host = host(&machine);
    let lists = resource("lists", json!({ "packages": ["postgresql"] }));
    let packages = resource("packages", json!({ "names": ["postgresql"] }));
    for resource in [lists, packages] {
        block_on(async {
            let before = resource.read(&host).await.unwrap();
            let want = resource.want(&before).unwrap();
            resource.set(&host, &before, &want).await.unwrap();
        });
    }
    machine
}
