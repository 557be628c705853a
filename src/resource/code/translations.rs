//! Which translations of Odoo are in a checkout.
//!
//! Four fifths of Odoo's files are translations, one for each module and language. Git leaves out what its list of
//! patterns says; the first line of that list is ours, and says which languages are wholly there.

use std::collections::BTreeSet;

/// The languages whose translations are there; `None` where all are.
pub(super) type Languages = Option<BTreeSet<String>>;

/// The list of patterns, in git's folder.
pub(super) const LIST: &str = ".git/info/sparse-checkout";

/// What a file of translations is called, and a template of such.
const FILES: [&str; 2] = ["*.po", "*.pot"];

/// How the list's first line begins.
const SAYS: &str = "# odoo-deploy: ";

/// What that line says of a checkout with all.
const ALL: &str = "all";

/// The names of the files in which Odoo looks for these languages: `get_base_langs` in its `odoo/tools/translate.py`.
/// With any of them come the templates, whose comments it takes for the better ones.
fn names(languages: &BTreeSet<String>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for language in languages {
        let base = language.split('_').next().unwrap_or_default();
        names.extend([base.to_owned(), language.clone()]);
        if base == "es" && language != "es_ES" {
            names.insert("es_419".to_owned());
        }
        if language == "zh_HK" {
            names.insert("zh_TW".to_owned());
        }
    }
    let mut names: BTreeSet<String> = names.iter().map(|name| format!("{name}.po")).collect();
    if !names.is_empty() {
        names.insert("*.pot".to_owned());
    }
    names
}

/// The list for a checkout in which these are wholly there, and no others.
pub(super) fn list(languages: &Languages) -> String {
    let Some(languages) = languages else {
        return format!("{SAYS}{ALL}\n/*\n");
    };
    let said: Vec<&str> = languages.iter().map(String::as_str).collect();
    let mut list = format!("{SAYS}{}\n/*\n!*.po\n!*.pot\n", said.join(" "));
    for name in names(languages) {
        list = list + &name + "\n";
    }
    list
}

/// What a list says: where there is none, all are there. None are where it was cut off in its first line.
pub(super) fn said(list: Option<&str>) -> Languages {
    let line = list?.split_once('\n').map(|(line, _)| line);
    let said = line.and_then(|line| line.strip_prefix(SAYS));
    match said {
        Some(ALL) => None,
        said => Some(
            said.unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        ),
    }
}

/// Both together.
pub(super) fn union(one: &Languages, other: &Languages) -> Languages {
    Some(one.as_ref()?.union(other.as_ref()?).cloned().collect())
}

/// The names of the files that are in `wanted` and not in `now`.
pub(super) fn missing(now: &Languages, wanted: &Languages) -> BTreeSet<String> {
    match (now, wanted) {
        (None, _) => BTreeSet::new(),
        (_, None) => FILES.map(str::to_owned).into(),
        (Some(now), Some(wanted)) => &names(wanted) - &names(now),
    }
}

/// Whether a file, by its path, has one of these names.
pub(super) fn has_name(path: &str, names: &BTreeSet<String>) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    names.iter().any(|name| match name.strip_prefix('*') {
        Some(end) => file.ends_with(end),
        None => file == name,
    })
}

/// How `find` is told of all translations that are not of these.
pub(super) fn others(languages: &BTreeSet<String>) -> Vec<String> {
    let mut words = [
        "-type", "f", "(", "-name", FILES[0], "-o", "-name", FILES[1], ")",
    ]
    .map(str::to_owned)
    .to_vec();
    for name in names(languages) {
        words.extend(["!".to_owned(), "-name".to_owned(), name]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn these(languages: &[&str]) -> BTreeSet<String> {
        languages
            .iter()
            .map(|&language| language.to_owned())
            .collect()
    }

    #[test]
    fn the_files_of_a_language_are_those_that_odoo_looks_for() {
        for (language, expected) in [
            ("de_DE", "*.pot de.po de_DE.po"),
            ("de_CH", "*.pot de.po de_CH.po"),
            ("es_ES", "*.pot es.po es_ES.po"),
            ("es_MX", "*.pot es.po es_419.po es_MX.po"),
            ("es_419", "*.pot es.po es_419.po"),
            ("pt_BR", "*.pot pt.po pt_BR.po"),
            ("sr@latin", "*.pot sr@latin.po"),
            ("zh_HK", "*.pot zh.po zh_HK.po zh_TW.po"),
            ("eo", "*.pot eo.po"),
        ] {
            let names: Vec<String> = names(&these(&[language])).into_iter().collect();
            assert_eq!(names.join(" "), expected, "{language}");
        }
        assert_eq!(names(&these(&[])), these(&[]));
    }

    #[test]
    fn a_list_says_what_it_was_made_for() {
        let german = Some(these(&["de_CH", "de_DE"]));
        for languages in [None, Some(these(&[])), german.clone()] {
            assert_eq!(said(Some(&list(&languages))), languages);
        }
        assert_eq!(
            list(&german),
            "# odoo-deploy: de_CH de_DE\n/*\n!*.po\n!*.pot\n*.pot\nde.po\nde_CH.po\nde_DE.po\n"
        );
        assert_eq!(said(None), None);
        let nothing = Some(these(&[]));
        for cut in [
            "",
            "# odoo-deploy: ",
            "# odoo-deploy: de_DE",
            "# odoo-deploy: all",
            "/*\n",
        ] {
            assert_eq!(said(Some(cut)), nothing, "{cut}");
        }
    }

    #[test]
    fn only_what_is_not_there_is_brought() {
        let some = |languages: &[&str]| Some(these(languages));
        for (now, wanted, expected) in [
            (some(&[]), some(&["de_DE"]), "*.pot de.po de_DE.po"),
            (some(&["de_DE"]), some(&["de_CH", "de_DE"]), "de_CH.po"),
            (some(&["de_DE"]), some(&["de_DE"]), ""),
            (some(&["de_DE"]), some(&[]), ""),
            (some(&["de_DE"]), None, "*.po *.pot"),
            (None, some(&["de_DE"]), ""),
        ] {
            let missing: Vec<String> = missing(&now, &wanted).into_iter().collect();
            assert_eq!(missing.join(" "), expected);
        }
        let names = these(&["*.pot", "de.po"]);
        for good in ["addons/sale/i18n/de.po", "a/sale.pot", "de.po"] {
            assert!(has_name(good, &names), "{good}");
        }
        for bad in ["a/de.po/x", "a/xde.po", "a/de_DE.po", "a.po"] {
            assert!(!has_name(bad, &names), "{bad}");
        }
    }
}
