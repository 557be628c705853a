//! Checks an owner's override of a built-in file: refuses texts that cannot be meant as an override.

use std::path::Path;

use super::{Error, built_in};
use crate::resource::MASK;

/// Refuses an empty file, and the output of `odoo-deploy render`. In `odoo-deploy render > FILE`, the shell empties
/// `FILE` before the program prints, and the output has marks in place of secrets and unknown values.
pub(super) fn check(name: &str, path: &Path, text: &str) -> Result<(), Error> {
    let place = path.display();
    let way = if built_in(name).is_ok() {
        format!(
            "`odoo-deploy playbook {name}` prints the one that is built in, to be written elsewhere first and then moved here; \
             without the file that one is used"
        )
    } else {
        "write a template there, or take the step away that names it".to_owned()
    };
    if text.trim().is_empty() {
        return Err(Error::Refused(format!("`{place}` is empty: {way}")));
    }
    let marked = |line: &&str| line.contains(MASK) || line.contains('‹');
    let Some(index) = text.lines().position(|line| marked(&line)) else {
        return Ok(());
    };
    Err(Error::Refused(format!(
        "`{place}` (line {}) is what `render` prints, with marks in place of what is secret or not known yet, and no template: \
         {way}",
        index + 1
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_printed_file_is_refused_with_its_line() {
        for (text, expected) in [
            ("", Some("is empty")),
            (" \n\n", Some("is empty")),
            (
                "[options]\nadmin_passwd = •••\n",
                Some("(line 2) is what `render` prints"),
            ),
            ("a = ‹commit of 19.0›\n", Some("(line 1)")),
            ("[options]\nadmin_passwd = {{ mask }}\n", None),
        ] {
            let refused = check("odoo.conf", Path::new("/srv/odoo.conf"), text);
            let told = refused.err().map(|error| error.to_string());
            assert_eq!(told.is_some(), expected.is_some(), "{text}");
            assert!(
                told.unwrap_or_default()
                    .contains(expected.unwrap_or_default())
            );
        }
    }
}
