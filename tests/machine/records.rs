//! The recorder of transcripts: asks the real programs what the model is asked, and rewrites the answers. It
//! only runs if asked for by name, by `tests/record.sh`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use libtest_mimic::Trial;

use super::support::server::Server;
use super::support::{bases, scenario};
use ::support::transcript::{self, Answer, Call, Entry};

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |(name, path): (String, std::path::PathBuf)| {
        let title = format!("records_of_{name}");
        scenario(title, move || record(&name, &path)).with_ignored_flag(true)
    };
    transcript::all().into_iter().map(trial).collect()
}

/// Calls a program as odoo-deploy does: with an empty environment and no supplementary groups.
const CALL: &str = r#"
    user=$1 folder=$2
    shift 2
    cd "$folder"
    set -- env LC_ALL=C.UTF-8 HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" LOGNAME="$user" "$@"
    [ "$user" = root ] || set -- setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@"
    exec "$@"
"#;

fn record(name: &str, path: &Path) {
    let text = fs::read_to_string(path).expect("a transcript");
    let server = Server::boot(&format!("records-{name}"), bases::fetched());
    let mut words: BTreeMap<String, String> = BTreeMap::new();
    let mut printed = String::new();
    let mut entries = transcript::parse(&text);
    for entry in &mut entries {
        match entry {
            Entry::Remark(_) => (),
            Entry::Real(script) => drop(server.sh(script)),
            Entry::Same(word, script) => _ = words.insert(word.clone(), server.sh(script)),
            Entry::File(path, mode, text) => {
                // remove first, because writing through a link would leave the machine
                server.sh(&format!("rm -f {path}"));
                server.write(path, text);
                server.sh(&format!("chmod {mode:o} {path}"));
            }
            Entry::Folder(path, owner) => {
                let group = server.sh(&format!("id -g {owner}"));
                server.sh(&format!("install -d -o {owner} -g {group} {path}"));
            }
            Entry::Link(path, target) => drop(server.sh(&format!("ln -sfn {target} {path}"))),
            Entry::Keep(path) => {
                server.write(path, &printed);
                server.sh(&format!("chmod 600 {path}"));
            }
            Entry::Call(call) => {
                let (stdout, answer) = ask(&server, call, &words);
                (printed, call.answer) = (stdout, answer);
            }
        }
    }
    let recorded: String = entries.iter().map(ToString::to_string).collect();
    fs::write(path, recorded).expect("a transcript");
    server.stop();
}

/// Replaces all of `pairs` in a text in one pass, so that no replacement is replaced again.
fn replaced(text: &str, pairs: &[(&String, &String)]) -> String {
    let (mut done, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let found = pairs.iter().find(|(from, _)| rest.starts_with(*from));
        let (from, to) = match found {
            Some((from, to)) if !from.is_empty() => (from.len(), (*to).clone()),
            _ => (first.len_utf8(), first.to_string()),
        };
        done += &to;
        rest = &rest[from..];
    }
    done
}

/// Runs a call; returns its output, and the answer to record.
fn ask(server: &Server, call: &Call, words: &BTreeMap<String, String>) -> (String, Answer) {
    let back: Vec<_> = words.iter().map(|(word, real)| (real, word)).collect();
    let there = |text: &str| replaced(text, &words.iter().collect::<Vec<_>>());
    let here = |text: &[u8]| replaced(&String::from_utf8_lossy(text), &back);
    let mut command = server.command("sh");
    command.args(["-euc", CALL, "sh", &call.user]);
    command.arg(call.folder.as_deref().unwrap_or("/"));
    command.args(call.words.iter().map(|word| there(word)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(Stdio::piped());
    let mut child = command.spawn().expect("a call");
    let mut stdin = child.stdin.take().expect("a pipe");
    let read = call.reads.as_ref().map(|path| server.read(path));
    let text = there(&read.or(call.stdin.clone()).unwrap_or_default());
    // a program may exit without reading its input
    let _ = stdin.write_all(text.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("an answer");
    let code = output.status.code().expect("no signal");
    let missing = code == 127;
    let stderr = if missing { &[][..] } else { &output.stderr };
    let stdout = here(&output.stdout);
    let answer = Answer {
        code,
        stdout: call.read(&stdout),
        stderr: call.complaint(code, &here(stderr)),
    };
    (stdout, answer)
}
