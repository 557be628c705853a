//! wkhtmltopdf, which prints PDF reports: the available builds, and which one a machine gets.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::odoo::release::embedded;
use crate::site::{Build, Wkhtmltopdf};

/// The data in `playbooks/wkhtmltopdf.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Builds {
    version: String,
    /// The URL of a build, with the placeholders `BUILD` and `ARCHITECTURE`.
    address: String,
    /// The digests, by build and architecture.
    sha256: BTreeMap<String, BTreeMap<String, String>>,
    /// The package with fonts, by script.
    fonts: BTreeMap<String, String>,
    /// What each distribution offers, by codename.
    distributions: BTreeMap<String, Offer>,
}

/// What a distribution offers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Offer {
    /// Whether it has a package `wkhtmltopdf`.
    package: bool,
    /// The patched build that runs there.
    build: String,
    /// The packages that this build needs.
    libraries: Vec<String>,
}

fn builds() -> &'static Builds {
    static ALL: LazyLock<Builds> = LazyLock::new(|| {
        embedded(
            "wkhtmltopdf.toml",
            include_str!("../../playbooks/wkhtmltopdf.toml"),
        )
    });
    &ALL
}

/// What a machine gets. Serialised, it is `wkhtmltopdf` in playbooks and templates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Chosen {
    /// Packages of the distribution: the program itself or what it needs, and fonts.
    pub packages: Vec<String>,
    /// The path of the program; empty if the site has none.
    pub program: String,
    /// Whether the site has the program.
    pub present: bool,
    /// Whether it is the patched build, unpacked from an archive.
    pub patched: bool,
    /// The folder into which the archive is unpacked.
    pub path: String,
    /// The URL from which apt fetches the archive.
    pub url: String,
    /// The SHA-256 of the archive.
    pub sha256: String,
}

/// Chooses the build for a site. `home` is the home of the site, `codename` the codename of the distribution; the
/// architecture is given as dpkg names it.
///
/// # Errors
/// If the site asks for a build that does not exist for this machine. The error says what to write instead.
pub fn choose(
    site: &Wkhtmltopdf,
    home: &str,
    codename: &str,
    architecture: &str,
) -> Result<Chosen, String> {
    let none = Offer::default();
    let all = builds();
    let offer = all.distributions.get(codename).unwrap_or(&none);
    let fonts = site
        .fonts
        .iter()
        .filter_map(|script| all.fonts.get(&script.to_string()).cloned());
    let pinned = all
        .sha256
        .get(&offer.build)
        .and_then(|by| by.get(architecture));
    let own = site.file.is_some() || site.url.is_some();
    let sha256 = site.sha256.as_ref().map(ToString::to_string);
    let known = sha256.or_else(|| pinned.cloned());
    let patched = |sha256: String| {
        let address = all
            .address
            .replace("BUILD", &offer.build)
            .replace("ARCHITECTURE", architecture);
        let local = site.file.as_ref().map(|file| format!("copy:{file}"));
        let mirror = site.url.as_ref().map(ToString::to_string);
        let path = format!("{home}/wkhtmltopdf-{}", &sha256[..16]);
        Chosen {
            packages: offer
                .libraries
                .iter()
                .cloned()
                .chain(fonts.clone())
                .collect(),
            program: format!("{path}/usr/local/bin/wkhtmltopdf"),
            present: true,
            patched: true,
            path,
            url: local.or(mirror).unwrap_or(address),
            sha256,
        }
    };
    match (site.build, known) {
        (Build::None, _) => Ok(Chosen {
            packages: fonts.collect(),
            ..Chosen::default()
        }),
        (Build::Auto | Build::Patched, Some(sha256)) if own || pinned.is_some() => {
            Ok(patched(sha256))
        }
        (Build::Auto | Build::Distribution, _) if offer.package => Ok(Chosen {
            packages: std::iter::once("wkhtmltopdf".to_owned())
                .chain(fonts)
                .collect(),
            program: "/usr/bin/wkhtmltopdf".into(),
            present: true,
            ..Chosen::default()
        }),
        (Build::Distribution, _) => Err(format!(
            "`{codename}` has no package `wkhtmltopdf`; write `build = \"patched\"` or `\"none\"` below `[wkhtmltopdf]`"
        )),
        (Build::Auto | Build::Patched, _) => Err(format!(
            "no build of wkhtmltopdf {} for `{codename}` on {architecture} is known; name one that you trust with `file` \
             (or `url`) and `sha256` below `[wkhtmltopdf]`, or write `build = \"none\"`",
            all.version
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odoo::distribution::Distribution;
    use crate::site::Site;

    fn asked(lines: &str) -> Wkhtmltopdf {
        let text = format!("[odoo]\nversion = \"19.0\"\n{lines}");
        let site = Site::parse(std::path::Path::new("site.toml"), &text);
        site.unwrap().wkhtmltopdf
    }

    #[test]
    fn the_pins_are_digests_and_every_build_is_one_of_them() {
        for by in builds().sha256.values() {
            for digest in by.values() {
                assert!(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()));
            }
        }
        for (codename, offer) in &builds().distributions {
            assert!(builds().sha256.contains_key(&offer.build), "{codename}");
            let known = Distribution::all().iter().any(|d| d.codename == *codename);
            assert!(known, "{codename}");
        }
    }

    #[test]
    fn what_a_machine_gets() {
        let sha = "a".repeat(64);
        let with = |lines: &str| format!("[wkhtmltopdf]\n{lines}\n");
        let table = [
            (String::new(), "bookworm", "amd64", Ok("")),
            (
                with(""),
                "bookworm",
                "amd64",
                Ok(
                    "https://github.com/wkhtmltopdf/packaging/releases/download/0.12.6.1-3/wkhtmltox_0.12.6.1-3.bookworm_amd64.deb",
                ),
            ),
            (
                with(""),
                "trixie",
                "arm64",
                Ok(
                    "https://github.com/wkhtmltopdf/packaging/releases/download/0.12.6.1-3/wkhtmltox_0.12.6.1-3.bookworm_arm64.deb",
                ),
            ),
            (
                with(""),
                "noble",
                "amd64",
                Ok(
                    "https://github.com/wkhtmltopdf/packaging/releases/download/0.12.6.1-3/wkhtmltox_0.12.6.1-3.jammy_amd64.deb",
                ),
            ),
            (with(""), "bookworm", "riscv64", Ok("package")),
            (
                with(""),
                "resolute",
                "amd64",
                Err("no build of wkhtmltopdf"),
            ),
            (
                with("build = \"distribution\""),
                "trixie",
                "amd64",
                Err("has no package"),
            ),
            (
                with("build = \"distribution\""),
                "bookworm",
                "amd64",
                Ok("package"),
            ),
            (
                with("build = \"patched\""),
                "bookworm",
                "riscv64",
                Err("no build of wkhtmltopdf"),
            ),
            (
                with("file = \"/srv/w.deb\""),
                "bookworm",
                "amd64",
                Ok("copy:/srv/w.deb"),
            ),
            (
                with(&format!(
                    "url = \"https://mirror.example.org/w.deb\"\nsha256 = \"{sha}\""
                )),
                "resolute",
                "amd64",
                Ok("https://mirror.example.org/w.deb"),
            ),
        ];
        for (lines, codename, architecture, expected) in table {
            let chosen = choose(&asked(&lines), "/opt/odoo", codename, architecture);
            match (chosen, expected) {
                (Ok(chosen), Ok("")) => assert_eq!(chosen, Chosen::default()),
                (Ok(chosen), Ok("package")) => assert_eq!(chosen.packages, ["wkhtmltopdf"]),
                (Ok(chosen), Ok(url)) => assert_eq!(chosen.url, url, "{codename}"),
                (Err(reason), Err(words)) => assert!(reason.contains(words), "{reason}"),
                (chosen, expected) => panic!("{lines} {codename}: {chosen:?}, not {expected:?}"),
            }
        }
    }
}
