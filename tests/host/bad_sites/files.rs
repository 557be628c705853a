//! Files that are wrong as a whole, each given to the command.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use super::counts;
use super::oracle::GOOD;
use nix::sys::stat::Mode;

/// The documented exit code of a wrong configuration.
const MISCONFIGURED: i32 = 78;

/// Runs `audit` with this configuration.
pub fn audit(folder: &Path, config: &str) -> Output {
    Command::new("timeout")
        .args([
            "60",
            env!("CARGO_BIN_EXE_odoo-deploy"),
            "audit",
            "--config",
            config,
        ])
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The command ended with exit code 78, said `part`, and did not panic.
pub fn is_refused(case: &str, output: &Output, part: &str) {
    // Long messages are wrapped.
    let said = String::from_utf8_lossy(&output.stderr).replace("\n  ", " ");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(MISCONFIGURED),
        "{case}: {said:.1000}"
    );
    assert!(said.contains(part), "{case}: no {part:?} in {said:.1000}");
    assert!(!said.contains("panicked"), "{case}: {said:.1000}");
    assert!(stdout.is_empty(), "{case}: {stdout:.1000}");
}

/// A name, the content of the file, and a part of what is said.
type Case = (&'static str, Vec<u8>, &'static str);

fn good(more: &str) -> Vec<u8> {
    format!("{GOOD}{more}\n").into_bytes()
}

fn contents(source: &str, cases: &[Case]) {
    let folder = tempfile::tempdir().unwrap();
    for (case, content, part) in cases {
        fs::write(folder.path().join("site.toml"), content).unwrap();
        is_refused(case, &audit(folder.path(), "site.toml"), part);
    }
    counts::tell("bad configurations", source, cases.len());
}

#[test]
fn bytes_that_are_not_utf_8_are_refused() {
    let bytes = |more: &[u8]| [GOOD.as_bytes(), more, b"\n"].concat();
    let program = fs::read("/proc/self/exe").unwrap()[..4096].to_vec();
    let utf_16 = b"\xff\xfe[\0o\0".to_vec();
    let cases = [
        ("UTF-16", utf_16, "line 1, byte offset 0: byte 0xff"),
        (
            "UTF-16 without a mark",
            b"[\0o\0d\0o\0o\0]\0".to_vec(),
            "site.toml:1:2",
        ),
        (
            "Latin-1",
            bytes(b"# caf\xe9"),
            "line 3, byte offset 29: byte 0xe9",
        ),
        (
            "a cut character",
            bytes(b"# \xe2\x82"),
            "line 3, byte offset 26: byte 0xe2",
        ),
        (
            "a surrogate",
            bytes(b"# \xed\xa0\x80"),
            "line 3, byte offset 26: byte 0xed",
        ),
        (
            "an overlong NUL",
            bytes(b"# \xc0\x80"),
            "line 3, byte offset 26: byte 0xc0",
        ),
        ("a program", program, "`site.toml` is not UTF-8"),
    ];
    contents("bad_sites_bytes", &cases);
}

#[test]
fn deep_and_large_files_are_refused() {
    let deep = 400_000;
    let keys: Vec<_> = (0..20_000).map(|key| format!("k{key} = 1")).collect();
    let cases = [
        (
            "81 parts",
            good(&format!("{}a = 1", "a.".repeat(80))),
            "too many parts\n --> site.toml:3:1",
        ),
        (
            "80 parts",
            good(&format!("{}a = 1", "a.".repeat(79))),
            "unknown key `a` in `[odoo]`",
        ),
        (
            "deep lists",
            good(&format!(
                "modules = {}{}",
                "[".repeat(deep),
                "]".repeat(deep)
            )),
            "site.toml:3:",
        ),
        (
            "open deep lists",
            good(&format!("modules = {}", "[".repeat(2 * deep))),
            "site.toml:3:",
        ),
        (
            "deep tables",
            good(&format!(
                "x = {}1{}",
                "{a=".repeat(deep / 2),
                "}".repeat(deep / 2)
            )),
            "site.toml:3:",
        ),
        (
            "a deep key",
            good(&format!("{}a = 1", "a.".repeat(deep))),
            "site.toml:3:1",
        ),
        (
            "a deep section",
            good(&format!("[{}a]", "a.".repeat(deep))),
            "site.toml:3:2",
        ),
        (
            "a deep list of sections",
            good(&format!("[[{}a]]", "a.".repeat(deep))),
            "site.toml:3:3",
        ),
        (
            "a deep key in a table",
            good(&format!("x = {{ {}a = 1 }}", "a.".repeat(deep))),
            "site.toml:3:7",
        ),
        ("one long line", good(&"=".repeat(deep)), "site.toml:3:1"),
        (
            "a long key",
            good(&format!("{} = 1", "k".repeat(deep))),
            "site.toml:3:1",
        ),
        ("very many keys", good(&keys.join("\n")), "site.toml:3:1"),
        (
            "the same key very often",
            good(&"demo = true\n".repeat(50_000)),
            "site.toml:4:1",
        ),
        (
            "too large by a byte",
            vec![b'#'; 1024 * 1024 + 1],
            "larger than 1048576 bytes",
        ),
    ];
    contents("bad_sites_sizes", &cases);
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), GOOD).unwrap();
    fs::create_dir(at("folder")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink("folder", at("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    let long = "a".repeat(300);
    let cases = [
        ("none.toml", "No such file"),
        ("dangling", "No such file"),
        ("loop", "symbolic links"),
        ("folder", "no site is in"),
        ("link", "no site is in"),
        (".", "no site is in"),
        ("/", "no site is in"),
        ("file/site.toml", "Not a directory"),
        (&long, "File name too long"),
        ("socket", "No such device or address"),
        ("/dev/null", "/dev/null:1:1"),
        ("/dev/zero", "larger than 1048576 bytes"),
        ("/dev/full", "larger than 1048576 bytes"),
        // not even root may read this file
        ("/proc/self/mem", "cannot read `/proc/self/mem`"),
    ];
    for (config, part) in cases {
        is_refused(config, &audit(folder.path(), config), part);
    }
    counts::tell("bad configurations", "bad_sites_no_file", cases.len());
}

/// A pipe is read to its end, so that `--config <(…)` works.
#[test]
fn pipes_are_read_like_files() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let cases: [(&[u8], &str); 3] = [
        (b"", "pipe:1:1"),
        (b"[odoo]\nversion = 19.0\n", "pipe:2:11"),
        (b"[odoo]\nversion = \"\xff\"\n", "line 2, byte offset 18"),
    ];
    for (content, part) in cases {
        let to = pipe.clone();
        let writer = thread::spawn(move || fs::write(to, content));
        is_refused(part, &audit(folder.path(), "pipe"), part);
        writer.join().unwrap().unwrap();
    }
    counts::tell("bad configurations", "bad_sites_pipes", cases.len());
}
