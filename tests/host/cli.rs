//! The binary as people type it: its output and its exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const WIDTH: &str = "80";

fn odoo_deploy(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_odoo-deploy"));
    command.args(args).current_dir(folder).env_clear();
    command
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C.UTF-8")
        .env("COLUMNS", WIDTH);
    command.output().unwrap()
}

/// Exit code, standard output and standard error in one text.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!(
        "exit: {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr)
    )
}

fn site(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("site.toml"), text).unwrap();
    folder
}

#[test]
fn help() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!("help", said(&odoo_deploy(folder.path(), &["--help"])));
    for command in [
        "install",
        "audit",
        "status",
        "rollback",
        "render",
        "graph",
        "rehearse",
        "schema",
        "completions",
        "man",
    ] {
        let help = said(&odoo_deploy(folder.path(), &[command, "--help"]));
        insta::assert_snapshot!(format!("help_{command}"), help);
    }
}

#[test]
fn wrong_usage_ends_with_64() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["instal"][..],
        &["install", "--exit-code"],
        &["audit", "--yes"],
        &[],
        &["rollback", "--site", "../x"],
    ] {
        let output = odoo_deploy(folder.path(), args);
        assert_eq!(
            output.status.code(),
            Some(64),
            "{args:?}: {}",
            said(&output)
        );
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn all_mistakes_of_a_site_are_told_at_once_with_their_places() {
    let folder =
        site("[odoo]\nversion = 19.0\nmodule = [\"sale\"]\n\n[http]\nworkers = 1\nport = 80\n");
    let output = odoo_deploy(folder.path(), &["install"]);
    insta::assert_snapshot!("misconfigured", said(&output));
}

#[test]
fn the_same_mistakes_in_colour_and_for_programs() {
    let folder = site("[odoo]\nversion = \"18\"\n");
    insta::assert_snapshot!(
        "misconfigured_colour",
        said(&odoo_deploy(folder.path(), &["audit", "--color=always"]))
    );
    let json = odoo_deploy(folder.path(), &["audit", "--json"]);
    assert_eq!(json.status.code(), Some(78));
    let line: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&line["event"], &line["exit_code"], &line["format"]),
        (&"ended".into(), &78.into(), &1.into())
    );
    assert!(
        line["error"].as_str().unwrap().contains("site.toml:2:11"),
        "{line}"
    );
}

#[test]
fn a_site_that_cannot_be_read_ends_with_78() {
    let folder = site("");
    fs::write(
        folder.path().join("latin1.toml"),
        b"[site]\nname = \"caf\xe9\"\n",
    )
    .unwrap();
    for (config, said_of_it) in [
        ("none.toml", "cannot read `none.toml`"),
        (".", "line 2"),
        ("latin1.toml", "line 2"),
        ("site.toml", "version"),
    ] {
        let output = odoo_deploy(folder.path(), &["install", "--config", config]);
        assert_eq!(output.status.code(), Some(78), "{config}");
        assert!(
            said(&output).contains(said_of_it),
            "{config}: {}",
            said(&output)
        );
    }
}

#[test]
fn completions_and_the_manual_page_are_made_from_the_same_definition() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = odoo_deploy(folder.path(), &["completions", shell]);
        assert!(output.status.success());
        assert!(said(&output).contains("rehearse"), "{shell}");
    }
    assert!(said(&odoo_deploy(folder.path(), &["man"])).contains(".TH odoo-deploy 1"));
    assert!(said(&odoo_deploy(folder.path(), &["schema"])).contains("\"$schema\""));
}

#[test]
fn a_site_without_runs_has_a_status() {
    let folder = tempfile::tempdir().unwrap();
    let output = odoo_deploy(folder.path(), &["status", "--site", "no-such-site"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        said(&output).contains("\nruns     none\n"),
        "{}",
        said(&output)
    );
}

/// A reader that closes the pipe early causes no panic.
#[test]
fn a_closed_pipe_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_odoo-deploy");
    let script =
        format!("{program} schema | head -c 1; {program} man | true; {program} --help | head -c 1");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("panicked"),
        "{output:?}"
    );
}
