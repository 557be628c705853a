//! The sections of the parts round Odoo: `[wkhtmltopdf]`, `[firewall]`, `[fail2ban]`.

use toml::Spanned;

use super::Errors;
use super::odoo::unique;
use crate::site::{
    Address, Build, Count, Fail2ban, FilePath, Firewall, Script, Sha256, Wkhtmltopdf,
};
use crate::text::diagnostic::Diagnostic;
use crate::text::reader::Table;

/// `[wkhtmltopdf]`: where it is not there, nothing is wanted; where it is, the best there is.
pub(super) fn wkhtmltopdf(root: &mut Table<'_, '_>, errors: &mut Errors) -> Wkhtmltopdf {
    let wanted = root.has("wkhtmltopdf");
    let mut table = root.table("wkhtmltopdf");
    let build = table.take::<Build>("build").map(Spanned::into_inner);
    let url = table.take::<Address>("url");
    let file = table.take::<FilePath>("file");
    let sha256 = table.take::<Sha256>("sha256");
    let fonts = table.list::<Script>("fonts").unwrap_or_default();
    if let (Some(_), Some(file)) = (&url, &file) {
        let error = Diagnostic::new(file.span(), "the build is in one place");
        table.error(error.hint("write `url` or `file`, not both"));
    }
    if let (Some(sha256), None, None) = (&sha256, &url, &file) {
        let error = Diagnostic::new(sha256.span(), "`sha256` is that of a `url` or a `file`");
        table
            .error(error.hint("the digests of the published builds are known: take the line away"));
    }
    if let (Some(Build::Distribution | Build::None), Some(place)) = (
        build,
        url.as_ref()
            .map(Spanned::span)
            .or(file.as_ref().map(Spanned::span)),
    ) {
        let error = Diagnostic::new(place, "this is a place of the patched build");
        table.error(error.hint("write `build = \"patched\"`, or take the line away"));
    }
    unique(&fonts, "script", errors);
    errors.items.extend(table.finish());
    Wkhtmltopdf {
        build: build.unwrap_or(if wanted { Build::Auto } else { Build::None }),
        url: url.map(Spanned::into_inner),
        file: file.map(Spanned::into_inner),
        sha256: sha256.map(Spanned::into_inner),
        fonts: fonts.into_iter().map(Spanned::into_inner).collect(),
    }
}

pub(super) fn firewall(mut table: Table<'_, '_>, errors: &mut Errors) -> Firewall {
    let enabled = table.take("enabled").is_some_and(Spanned::into_inner);
    errors.items.extend(table.finish());
    Firewall { enabled }
}

pub(super) fn fail2ban(mut table: Table<'_, '_>, errors: &mut Errors) -> Fail2ban {
    let fail2ban = Fail2ban {
        enabled: table.take("enabled").is_some_and(Spanned::into_inner),
        attempts: table
            .take("attempts")
            .map_or(Count::of(5), Spanned::into_inner),
        minutes: table
            .take("minutes")
            .map_or(Count::of(15), Spanned::into_inner),
    };
    errors.items.extend(table.finish());
    fail2ban
}
