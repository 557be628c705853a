//! The sources of apt: which of them failed, and whether the distribution's own are among them.

use std::path::{Path, PathBuf};

use crate::host::{Host, Result};

const LIST: &str = "/etc/apt/sources.list";
const FOLDER: &str = "/etc/apt/sources.list.d";

/// The lines of a `Release` file that name a distribution as its origin.
const ORIGINS: [&str; 2] = ["Origin: Debian", "Origin: Ubuntu"];

/// A source for which `apt-get update` failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Failed {
    uri: String,
    suite: String,
    why: String,
}

/// The sources that failed, according to the output of `apt-get update`.
pub(super) fn failed(said: &str) -> Vec<Failed> {
    let mut all: Vec<Failed> = Vec::new();
    let mut lines = said.lines().peekable();
    while let Some(line) = lines.next() {
        // either `Err:3 URI SUITE FILE` with the reason in the next line, or
        // `E: The repository 'URI SUITE FILE' is not signed.`
        let source = match (
            line.strip_prefix("Err:"),
            line.strip_prefix("E: The repository '"),
        ) {
            (Some(rest), _) => rest.split_once(' ').map(|(_, source)| (source, "")),
            (_, Some(rest)) => rest.split_once('\''),
            _ => None,
        };
        let Some((source, why)) = source else {
            continue;
        };
        let mut words = source.rsplitn(3, ' ');
        let (Some(_), Some(suite), Some(uri)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let below = lines.peek().filter(|line| line.starts_with("  "));
        let why = match below {
            Some(below) if why.is_empty() => below.trim(),
            _ => why.trim(),
        };
        if !all
            .iter()
            .any(|known| known.uri == uri && known.suite == suite)
        {
            all.push(Failed {
                uri: uri.trim_end_matches('/').to_owned(),
                suite: suite.to_owned(),
                why: why.trim_end_matches('.').to_owned(),
            });
        }
    }
    all
}

/// Whether the lists of the distribution's own sources are there and none of these sources failed.
pub(super) fn distribution_came(host: &Host, failed: &[Failed]) -> Result<bool> {
    let is_own = |failed: &Failed| {
        // only distributions have suites with these names
        failed.suite.ends_with("-security") || failed.suite.ends_with("-updates")
    };
    if failed.iter().any(is_own) {
        return Ok(false);
    }
    let mut came = false;
    let folder = Path::new(super::LISTS);
    for name in host.list(folder)? {
        if !name.ends_with("Release") {
            continue;
        }
        let text = host.read_text(&folder.join(&name))?.unwrap_or_default();
        if text
            .lines()
            .take(20)
            .any(|line| ORIGINS.contains(&line.trim()))
        {
            if failed.iter().any(|failed| name.starts_with(&stem(failed))) {
                return Ok(false);
            }
            came = true;
        }
    }
    Ok(came)
}

/// The beginning of the file names of a source's lists.
fn stem(failed: &Failed) -> String {
    let place = failed
        .uri
        .split_once("://")
        .map_or(failed.uri.as_str(), |(_, rest)| rest);
    format!(
        "{}_dists_{}_",
        place.replace('/', "_"),
        failed.suite.replace('/', "_")
    )
}

/// The message about a failed source.
pub(super) fn note(host: &Host, failed: &Failed) -> Result<String> {
    let Failed { uri, suite, why } = failed;
    let place = place(host, uri)?.map_or_else(String::new, |(file, line)| {
        format!(", by `{}` (line {line})", file.display())
    });
    let why = if why.is_empty() {
        ""
    } else {
        &format!(": {why}")
    };
    Ok(format!(
        "apt's list of `{uri} {suite}` did not come{place}{why}; the distribution's own lists came, and nothing is needed of \
         that one: put a `#` before it, or mend it"
    ))
}

/// The files that configure the sources.
fn files(host: &Host) -> Result<Vec<PathBuf>> {
    let mut files = vec![PathBuf::from(LIST)];
    for name in host.list(Path::new(FOLDER))? {
        let path = Path::new(FOLDER).join(name);
        if path
            .extension()
            .is_some_and(|kind| kind == "list" || kind == "sources")
        {
            files.push(path);
        }
    }
    Ok(files)
}

/// The file and the line that configure a source.
fn place(host: &Host, uri: &str) -> Result<Option<(PathBuf, usize)>> {
    let word = if uri.starts_with("cdrom:") {
        "cdrom:"
    } else {
        uri
    };
    for file in files(host)? {
        let text = host.read_text(&file)?.unwrap_or_default();
        let mut lines = text.lines().enumerate();
        // apt prints `file:/x` for a source that is written as `file:///x`
        let is_it = |line: &str| {
            let line = line.trim_start().replace("file:///", "file:/");
            !line.starts_with('#') && line.contains(word)
        };
        let named = lines.find(|(_, line)| is_it(line));
        if let Some((index, _)) = named {
            return Ok(Some((file, index + 1)));
        }
    }
    Ok(None)
}

/// The time of the last change of the sources, in nanoseconds since 1970.
pub(super) fn changed(host: &Host) -> Result<i128> {
    let mut changed = 0;
    for path in files(host)?.into_iter().chain([FOLDER.into()]) {
        changed = host
            .meta(&path)?
            .map_or(changed, |meta| meta.modified.max(changed));
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::event::Events;
    use crate::host::Programs;

    const SAID: &str = "\
Hit:1 http://deb.example.org/debian bookworm InRelease
Err:2 http://gone.example.org/apt stable InRelease
  Could not resolve 'gone.example.org'
Ign:3 https://flat.example.org/deb ./ InRelease
Err:4 cdrom://[Debian GNU/Linux 12.5.0 _Bookworm_ - Official amd64 NETINST] bookworm Release
  Please use apt-cdrom to make this CD-ROM recognized by APT.
Reading package lists...
E: The repository 'https://flat.example.org/deb ./ Release' is not signed.
E: Failed to fetch http://gone.example.org/apt/dists/stable/InRelease  Could not resolve 'gone.example.org'
E: Some index files failed to download. They have been ignored, or old ones used instead.
";

    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let host = Host::at(root.path(), Programs::Real, Events::silent());
        (root, host)
    }

    #[test]
    fn a_failed_source_is_reported_with_file_and_line() {
        let failed = failed(SAID);
        let told: Vec<(&str, &str)> = failed
            .iter()
            .map(|f| (f.suite.as_str(), f.why.as_str()))
            .collect();
        let expected = [
            ("stable", "Could not resolve 'gone.example.org'"),
            (
                "bookworm",
                "Please use apt-cdrom to make this CD-ROM recognized by APT",
            ),
            ("./", "is not signed"),
        ];
        assert_eq!(told, expected);
        let list = "deb http://deb.example.org/debian bookworm main\n# deb cdrom:[x]/ x\ndeb cdrom:[Debian]/ bookworm main\n";
        let (_root, host) = machine(&[
            ("etc/apt/sources.list", list),
            (
                "etc/apt/sources.list.d/gone.sources",
                "Types: deb\nURIs: http://gone.example.org/apt/\nSuites: stable\n",
            ),
        ]);
        let told = note(&host, &failed[0]).unwrap();
        assert!(
            told.contains("by `/etc/apt/sources.list.d/gone.sources` (line 2): Could not"),
            "{told}"
        );
        let told = note(&host, &failed[1]).unwrap();
        assert!(
            told.contains("by `/etc/apt/sources.list` (line 3): Please"),
            "{told}"
        );
    }

    #[test]
    fn the_distributions_own_lists_are_required() {
        let own = (
            "var/lib/apt/lists/deb.example.org_debian_dists_bookworm_InRelease",
            "Origin: Debian\nCodename: bookworm\n",
        );
        let other = (
            "var/lib/apt/lists/gone.example.org_apt_dists_stable_InRelease",
            "Origin: Gone\n",
        );
        let all = failed(SAID);
        let of = |uri: &str, suite: &str| {
            vec![Failed {
                uri: uri.into(),
                suite: suite.into(),
                why: String::new(),
            }]
        };
        for (files, failed, expected) in [
            (&[own, other][..], all.clone(), true),
            (&[other], all, false),
            (
                &[own],
                of("http://deb.example.org/debian", "bookworm"),
                false,
            ),
            (
                &[own],
                of(
                    "http://security.debian.org/debian-security",
                    "bookworm-security",
                ),
                false,
            ),
            (
                &[own],
                of("http://apt.postgresql.org/pub/repos/apt", "bookworm-pgdg"),
                true,
            ),
        ] {
            let (_root, host) = machine(files);
            assert_eq!(
                distribution_came(&host, &failed).unwrap(),
                expected,
                "{failed:?}"
            );
        }
    }
}
