//! The translations of Odoo in a checkout.
//!
//! Four fifths of Odoo's files are translations, one for each module and language. git leaves out files according to
//! its list of patterns (a sparse checkout). The first line of that list is ours: it names the languages with
//! complete translations.

use std::collections::BTreeSet;

/// The languages with complete translations; `None` means all.
pub(super) type Languages = Option<BTreeSet<String>>;

/// git's list of patterns, in the checkout.
pub(super) const LIST: &str = ".git/info/sparse-checkout";

/// The patterns of translation files and of their templates.
const FILES: [&str; 2] = ["*.po", "*.pot"];

/// The beginning of the list's first line.
const SAYS: &str = "# odoo-deploy: ";

/// The rest of that line if all translations are there.
const ALL: &str = "all";

/// The names of the files in which Odoo looks for translations into these languages (`get_base_langs` in its
/// `odoo/tools/translate.py`). The templates are included, because Odoo prefers their comments.
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

/// The list for a checkout with complete translations into these languages and no others.
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

/// Reads the languages from a list. Without a list, all translations are there; if its first line is cut off, none
/// count as complete.
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

/// The languages of both.
pub(super) fn union(one: &Languages, other: &Languages) -> Languages {
    Some(one.as_ref()?.union(other.as_ref()?).cloned().collect())
}

/// The names of the files that `wanted` has and `now` has not.
pub(super) fn missing(now: &Languages, wanted: &Languages) -> BTreeSet<String> {
    match (now, wanted) {
        (None, _) => BTreeSet::new(),
        (_, None) => FILES.map(str::to_owned).into(),
        (Some(now), Some(wanted)) => &names(wanted) - &names(now),
    }
}

/// Whether the file at `path` has one of these names.
pub(super) fn has_name(path: &str, names: &BTreeSet<String>) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    names.iter().any(|name| match name.strip_prefix('*') {
        Some(end) => file.ends_with(end),
        None => file == name,
    })
}

/// Arguments for `find` that select the translations into all other languages.
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
    fn a_list_records_its_languages() {
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
    fn only_missing_files_are_fetched() {
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
