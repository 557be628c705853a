//! The reference of `site.toml`, for `docs/configuration.md`.

use super::about::{About, Absent, Key};
use super::access::{Key as DeployKey, Token};
use super::section::Section;
use super::server::Password;
use super::{
    Addons, Apt, Fail2ban, Firewall, Head, Http, Logs, Odoo, Postgres, Proxy, Python, Wkhtmltopdf,
};

const INTRODUCTION: &str = "# site.toml

<!-- Made from the doc comments in `src/site/`: `UPDATE_SCHEMA=1 cargo test --lib schema` writes this page anew. -->

`site.toml` describes one Odoo on one server. Only `version` of `[odoo]` is needed. `odoo-deploy` reads the whole file before
it does anything, and reports every mistake with its line and a hint. An unknown key is a mistake.

Secrets are never written in this file. The file names the place of a secret, for instance a file that only root can read. In
the paths below, `NAME` is the `name` of `[site]`. [`schema/site.json`](schema/site.json) is a JSON Schema of this file, for
editors.
";

/// Describes the tables of the file.
pub(super) fn sections() -> [About; 12] {
    [
        Head::about(),
        Odoo::about(),
        Addons::about(),
        Python::about(),
        Apt::about(),
        Http::about(),
        Postgres::about(),
        Logs::about(),
        Wkhtmltopdf::about(),
        Firewall::about(),
        Fail2ban::about(),
        Proxy::about(),
    ]
}

/// Returns the reference in Markdown: a table for each section.
#[must_use]
pub fn reference() -> String {
    let mut pages = vec![INTRODUCTION.to_owned()];
    for section in sections() {
        pages.push(section.page("##"));
        let nested = match section.header {
            "[[addons]]" => vec![DeployKey::about(), Token::about()],
            "[postgres]" => vec![Password::about()],
            _ => Vec::new(),
        };
        pages.extend(nested.iter().map(|table| table.page("###")));
    }
    pages.join("\n")
}

impl About {
    fn page(&self, level: &str) -> String {
        let meaning = self.meaning.replace('\n', "\n\n");
        let head = "| key | type | default | meaning |\n|---|---|---|---|";
        let rows: String = self.keys.iter().map(Key::row).collect();
        format!("{level} `{}`\n\n{meaning}\n\n{head}\n{rows}", self.header)
    }
}

impl Key {
    fn row(&self) -> String {
        let meaning = self.meaning.replace('\n', "<br>");
        format!(
            "| `{}` | {} | {} | {meaning} |\n",
            self.name, self.words, self.absent
        )
    }
}

impl std::fmt::Display for Absent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused => f.write_str("needed"),
            Self::Nothing => f.write_str("none"),
            // The values of defaults are written alike in JSON and in TOML.
            Self::Default(value) => write!(f, "`{value}`"),
            Self::Derived(words) => f.write_str(words),
        }
    }
}

#[cfg(test)]
mod tests;
