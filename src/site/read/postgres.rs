//! The section `[postgres]`.

use toml::Spanned;

use super::Errors;
use crate::site::{FilePath, Port, Postgres, RoleName, Server, ServerName, SiteName, SslMode};
use crate::text::diagnostic::Diagnostic;
use crate::text::reader::Table;

pub(super) fn postgres(
    mut table: Table<'_, '_>,
    site: Option<&SiteName>,
    errors: &mut Errors,
) -> Postgres {
    let named = table.has("host");
    let tuning = table.take::<bool>("tuning");
    let host = table.take::<ServerName>("host");
    let port = table.take::<Port>("port");
    let user = table.take::<RoleName>("user");
    let mode = table.take::<SslMode>("sslmode");
    let authority = table.has("root_certificate");
    let root = table.take::<FilePath>("root_certificate");
    let span = table.span();
    let secret = table.has("password").then(|| password(&mut table, errors));
    errors.items.extend(table.finish());

    let alone = [
        port.as_ref().map(|value| (value.span(), "port")),
        user.as_ref().map(|value| (value.span(), "user")),
        mode.as_ref().map(|value| (value.span(), "sslmode")),
        root.as_ref()
            .map(|value| (value.span(), "root_certificate")),
    ];
    if !named {
        for (place, key) in alone.into_iter().flatten() {
            let message = format!("`{key}` is for a server on another host, and `host` is missing");
            errors
                .items
                .push(Diagnostic::absent(place, message).hint("name the server: `host = \"…\"`"));
        }
        if let Some((place, _)) = secret {
            let message =
                format!("`password` is for a server on another host, and `host` is missing");
            let error = Diagnostic::absent(place, message);
            errors
                .items
                .push(error.hint("the server of this host is reached without a password"));
        }
        return Postgres {
            tuning: tuning.map(Spanned::into_inner),
            server: None,
        };
    }
    if let Some(tuning) = &tuning {
        let message = "`tuning` is for the server of this host, and `host` names another";
        errors
            .items
            .push(Diagnostic::new(tuning.span(), message).hint("take the line away"));
    }
    if secret.is_none() {
        let message = "`password` of `[postgres]` is missing";
        let error = Diagnostic::absent(span, message).label("a server on another host asks for it");
        errors.items.push(
            error.hint("write it into a file of root's own, and `password = { file = \"/…\" }`"),
        );
    }
    if let Some(mode) = mode.as_ref().filter(|mode| mode.get_ref().verifies())
        && !authority
    {
        let message = format!(
            "`sslmode = \"{}\"` needs the certificate of an authority",
            mode.get_ref()
        );
        errors.items.push(
            Diagnostic::new(mode.span(), message)
                .hint("name it: `root_certificate = \"/…/ca.pem\"`"),
        );
    }
    let by_certificate = if root.is_some() {
        SslMode::VerifyFull
    } else {
        SslMode::Require
    };
    let name = site.and_then(|site| site.as_str().parse().ok());
    let server = || {
        Some(Server {
            host: host?.into_inner(),
            port: port.map_or(Port::POSTGRESQL, Spanned::into_inner),
            user: user.map(Spanned::into_inner).or(name)?,
            sslmode: mode.map_or(by_certificate, Spanned::into_inner),
            root_certificate: root.map(Spanned::into_inner),
            password: secret?.1?,
        })
    };
    Postgres {
        tuning: None,
        server: server(),
    }
}

/// The place of the table and the file that it names.
fn password(
    table: &mut Table<'_, '_>,
    errors: &mut Errors,
) -> (std::ops::Range<usize>, Option<FilePath>) {
    let mut table = table.table("password");
    let span = table.span();
    let absent = !table.has("file");
    let file = table.take::<FilePath>("file");
    let mut found = table.finish();
    if absent && found.is_empty() {
        let message = "`file` of `password` is missing";
        found.push(
            Diagnostic::absent(span.clone(), message)
                .hint("name the file that holds it: `{ file = \"/…\" }`"),
        );
    }
    errors.items.extend(found);
    (span, file.map(Spanned::into_inner))
}
