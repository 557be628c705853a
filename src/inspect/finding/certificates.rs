//! Certificates that expire soon and are not renewed automatically.

mod validity;

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Finding, Surveyed};
use crate::host::Result;
use crate::resource::{AnyResource, Certificate, Issuer, unit_failed};

const DAY: i64 = 24 * 60 * 60;

/// How many days before the end an owner's certificate is reported.
const AHEAD: i64 = 30;

/// certbot renews 30 days before the end, so five days later the renewal has failed.
const AHEAD_OF_ACME: i64 = 25;

/// The server's authority is renewed 30 days before its end, and browsers must then import the new one.
const AHEAD_OF_AUTHORITY: i64 = 60;

/// The unit that renews certificates of Let's Encrypt.
const CERTBOT: &str = "certbot.service";

/// Problems of the plan's certificates that no step corrects.
pub(super) async fn findings(surveyed: Surveyed<'_>) -> Result<Vec<Finding>> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    });
    let mut found = Vec::new();
    for step in &surveyed.plan.steps {
        let AnyResource::Certificate(certificate) = &step.resource else {
            continue;
        };
        let Some(text) = surveyed.host.read_text(&certificate.path)? else {
            continue;
        };
        if let Some(until) = validity::until(&text) {
            found.extend(of(certificate, until, now));
        }
        if matches!(certificate.issuer, Issuer::Acme { .. })
            && unit_failed(surveyed.host, CERTBOT).await?
        {
            found.push(Finding::of_host(
                format!("`{CERTBOT}`, which renews certificates, has failed"),
                "see `journalctl -u certbot.service`, and try `certbot renew --dry-run`",
            ));
        }
    }
    Ok(found)
}

fn of(certificate: &Certificate, until: i64, now: i64) -> Option<Finding> {
    let (path, key) = (certificate.path.display(), certificate.key.display());
    let days = (until - now).div_euclid(DAY);
    let (ahead, hint) = match &certificate.issuer {
        // the next `install` renews the certificate, and no user has to do anything
        Issuer::Authority { .. } => return None,
        Issuer::Itself => (
            AHEAD_OF_AUTHORITY,
            "`install` makes a new one from 30 days before; browsers must then import that".to_owned(),
        ),
        Issuer::Acme { .. } => (
            AHEAD_OF_ACME,
            "certbot should have renewed it by now; see `systemctl status certbot.timer`, and try `certbot renew --dry-run`"
                .to_owned(),
        ),
        Issuer::Owner => (
            AHEAD,
            format!("put a new one at `{path}`, its key at `{key}`, and `systemctl reload nginx`"),
        ),
    };
    if days < 0 {
        return Some(Finding::of_host(
            format!("the certificate `{path}` has ended"),
            hint,
        ));
    }
    (days < ahead).then(|| {
        let plural = if days == 1 { "" } else { "s" };
        Finding::soon(
            format!("the certificate `{path}` is about to end"),
            format!("in {days} day{plural}; {hint}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_warned_in_time() {
        let of = |issuer: Issuer, days: i64| {
            let certificate = Certificate {
                path: "/c".into(),
                key: "/k".into(),
                domain: None,
                issuer,
            };
            of(&certificate, days * DAY + 5, 0).map(|finding| finding.is_wrong())
        };
        let acme = || Issuer::Acme {
            name: "n".into(),
            webroot: "/w".into(),
            email: "e".into(),
        };
        for (issuer, days, expected) in [
            (Issuer::Owner, 30, None),
            (Issuer::Owner, 29, Some(false)),
            (Issuer::Owner, 0, Some(false)),
            (Issuer::Owner, -1, Some(true)),
            (acme(), 25, None),
            (acme(), 24, Some(false)),
            (Issuer::Itself, 59, Some(false)),
            (Issuer::Itself, 60, None),
        ] {
            assert_eq!(of(issuer.clone(), days), expected, "{issuer:?} {days}");
        }
    }
}
