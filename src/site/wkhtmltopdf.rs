//! The section `[wkhtmltopdf]`.

use super::git::Sha256;
use super::net::Address;
use super::place::FilePath;
use super::read::{Errors, unique};
use super::section::{Section, section};
use super::setting::{choice, none_of};
use crate::text::reader::Table;

section! {
    /// The wkhtmltopdf that prints PDF reports. Without this section there are no PDF reports. The patched build is
    /// fetched from its project, compared with a known SHA-256, and unpacked for this site alone.
    pub struct Wkhtmltopdf from Written in "[wkhtmltopdf]" {
        /// Which build prints.
        build: Build = Build::Auto,
        /// A mirror that has the patched build.
        url: Option<Address>,
        /// A file on the server that is the patched build. Not together with `url`.
        file: Option<FilePath>,
        /// The SHA-256 of the file at `url` or `file`, if the file is a build of your own.
        sha256: Option<Sha256>,
        /// Scripts whose fonts are installed for reports.
        fonts: Vec<Script>,
    }
}

choice! {
    /// Which wkhtmltopdf prints reports.
    Build, "a build of wkhtmltopdf", none_of {
        /// The patched build if one is known for the system, else the distribution's.
        Auto = "auto",
        /// The build with a patched Qt, which prints headers and footers.
        Patched = "patched",
        /// The package of the distribution.
        Distribution = "distribution",
        /// No build: no PDF reports.
        None = "none",
    }
}

choice! {
    /// A script that needs fonts of its own.
    Script, "a script", none_of {
        /// Chinese, Japanese, Korean.
        Cjk = "cjk",
        /// Arabic.
        Arabic = "arabic",
    }
}

impl Wkhtmltopdf {
    /// Reads the section. Without the section no build is wanted.
    pub(super) fn read(root: &mut Table<'_, '_>, errors: &mut Errors) -> Option<Self> {
        let wanted = root.has(Self::key());
        let written = Self::written(root, errors);
        rules(&written, errors);
        let value = Self::value(&written)?;
        Some(Self {
            build: if wanted { value.build } else { Build::None },
            ..value
        })
    }
}

fn rules(written: &Written, errors: &mut Errors) {
    let (url, file) = (written.url.span(), written.file.span());
    if let (Some(_), Some(file)) = (&url, &file) {
        let hint = "write `url` or `file`, not both";
        errors.wrong(file.clone(), "the build is in one place", hint);
    }
    if let (Some(sha256), None, None) = (written.sha256.span(), &url, &file) {
        let hint = "the digests of the published builds are known: take the line away";
        errors.wrong(sha256, "`sha256` is that of a `url` or a `file`", hint);
    }
    if let Some(Build::Distribution | Build::None) = written.build.get()
        && let Some(place) = url.or(file)
    {
        let hint = "write `build = \"patched\"`, or take the line away";
        errors.wrong(place, "this is a place of the patched build", hint);
    }
    unique(&written.fonts, "script", errors);
}
