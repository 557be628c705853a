//! Counts what the tests tried, for the table that `make test` prints at its end.

use std::fs;

/// Records that `source` tried `what` `count` times and that every case held. A test calls this last, so a
/// failed test records nothing. A second call replaces the first.
pub fn tell(what: &str, source: &str, count: usize) {
    println!("{what}: {count} by {source}");
    let program = std::env::current_exe().unwrap();
    // TARGET/debug/deps/PROGRAM
    let target = program.ancestors().nth(3).unwrap();
    let folder = target.join("tmp/counts").join(what);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(source), format!("{count}\n")).unwrap();
}
