//! Languages that are written from right to left.

use std::path::Path;

use super::{Found, Inspected};
use crate::site::Languages;

/// The right-to-left languages of Odoo, by the first part of their codes.
const RIGHT_TO_LEFT: [&str; 3] = ["ar", "fa", "he"];

/// Where the service looks for the program that mirrors style sheets.
const PROGRAMS: [&str; 2] = ["/usr/bin/rtlcss", "/usr/local/bin/rtlcss"];

/// Notes if pages in such a language would not be mirrored: Odoo does not report that.
pub(super) fn look(inspected: &Inspected<'_>, found: &mut Found) {
    let odoo = &inspected.site.odoo;
    let these = match &odoo.languages {
        Languages::These(these) => Some(these),
        // `all` does not mean that anybody uses these languages
        Languages::All => None,
    };
    let languages = these.into_iter().flatten().chain(&odoo.language);
    let mut names = languages.map(ToString::to_string);
    let is_turned = |name: &String| {
        let first = name.split(['_', '@']).next().unwrap_or_default();
        RIGHT_TO_LEFT.contains(&first)
    };
    let there = |program: &&str| inspected.host.path(Path::new(program)).exists();
    let Some(name) = names.find(is_turned) else {
        return;
    };
    if !PROGRAMS.iter().any(there) {
        found.notes.push(format!(
            "`{name}` is written from right to left, and Odoo turns its pages round with `rtlcss`, which is not on this server \
             and in no package of its distribution: `apt-get install npm` and `npm install --global rtlcss`, then \
             `systemctl restart {}`",
            inspected.site.paths.unit
        ));
    }
}
