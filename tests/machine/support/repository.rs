//! A repository laid out like Odoo's; the benchmarks use it too.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the variant `full` or `lite` in `folder`, and makes it if it does not exist yet.
pub(crate) fn repository(folder: &Path, variant: &str) -> PathBuf {
    let name = if variant == "lite" {
        "odoo-lite.git"
    } else {
        "odoo.git"
    };
    let repository = folder.join(name);
    if !repository.exists() {
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machine/make-odoo-repository.sh");
        let made = Command::new("bash")
            .arg(script)
            .arg(variant)
            .arg(folder)
            .status();
        assert!(made.expect("bash").success(), "no repository was made");
    }
    repository
}
