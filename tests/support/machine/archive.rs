//! `apt-helper` and `dpkg-deb`, which fetch and unpack an archive, and the program in that archive.

use super::universe::ARCHIVE_OF_WKHTMLTOPDF;
use super::{Answer, Model};

impl Model {
    pub(super) fn apt_helper(&self, args: &[&str]) -> Answer {
        let ["-q", "download-file", url, file, digest] = args else {
            panic!("no model of apt-helper {args:?}");
        };
        let (known, sha256, _) = ARCHIVE_OF_WKHTMLTOPDF;
        if *url != known {
            return Err((100, format!("E: Failed to fetch {url}")));
        }
        if *digest != format!("SHA256:{sha256}") {
            return Err((100, format!("E: Failed to fetch {url}  Hash Sum mismatch")));
        }
        self.fuse.halves(
            || self.disk.put(file, "half"),
            |()| self.disk.put(file, sha256),
        );
        Ok(String::new())
    }

    pub(super) fn dpkg_deb(&self, args: &[&str]) -> Answer {
        let ["--extract", archive, tree] = args else {
            panic!("no model of dpkg-deb {args:?}");
        };
        let (_, sha256, file) = ARCHIVE_OF_WKHTMLTOPDF;
        if !self.disk.exists(archive) {
            let words = format!("failed to read archive '{archive}': No such file or directory");
            return Err((2, format!("dpkg-deb: error: {words}")));
        }
        if self.disk.text(archive) != sha256 {
            return Err((
                2,
                format!("dpkg-deb: error: '{archive}' is not a Debian format archive"),
            ));
        }
        self.fuse.halves(
            || self.disk.folder_as(tree, (0, 0), 0o755),
            |()| {
                self.disk
                    .put_as(&format!("{tree}/{file}"), "ELF", (0, 0), 0o755);
            },
        );
        Ok(String::new())
    }

    pub(super) fn wkhtmltopdf(args: &[&str]) -> Answer {
        match args {
            ["--version"] => Ok("wkhtmltopdf 0.12.6.1 (with patched qt)\n".into()),
            [.., "-", "-"] => Ok("%PDF-1.4\n%%EOF\n".into()),
            _ => panic!("no model of wkhtmltopdf {args:?}"),
        }
    }
}
