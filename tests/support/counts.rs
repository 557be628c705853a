//! What the tests have tried, for the table that `make test` prints at its end.

use std::fs;

/// Tells that `source` tried `what` so many times, and that all of it held: it is said last, by a
/// test that got that far. Said again, it replaces what was said before.
pub fn tell(what: &str, source: &str, count: usize) {
    println!("{what}: {count} by {source}");
    let program = std::env::current_exe().unwrap();
    // TARGET/debug/deps/PROGRAM
    let target = program.ancestors().nth(3).unwrap();
    let folder = target.join("tmp/counts").join(what);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(source), format!("{count}\n")).unwrap();
}
