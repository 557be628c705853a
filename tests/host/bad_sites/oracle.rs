//! What must be true of every refusal.

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::Path;

use odoo_deploy::site::Site;
use odoo_deploy::text::diagnostic::Diagnostics;

/// The smallest good site. Lines that are added belong to `[odoo]`; the first is line 3.
pub const GOOD: &str = "[odoo]\nversion = \"19.0\"\n";

/// A mistake that must be told: its line, the word that names it, and a part of its error.
pub struct Mistake {
    pub line: usize,
    pub names: String,
    pub part: String,
}

pub fn mistake(line: usize, names: &str, part: &str) -> Mistake {
    Mistake {
        line,
        names: names.to_owned(),
        part: part.to_owned(),
    }
}

/// Parses `source`, which must be refused without a panic. No line of the errors may be wider than the
/// terminal, and no form of them may show the secret `hunter2`.
pub fn is_sound(case: &str, source: &str) -> Diagnostics {
    let parsed = catch_unwind(|| Site::parse(Path::new("site.toml"), source));
    let Ok(parsed) = parsed else {
        panic!("{case}: panicked on {source:.500}");
    };
    let Err(errors) = parsed else {
        panic!("{case}: accepted: {source:.500}");
    };
    let mut forms = vec![
        errors.to_string(),
        format!("{errors:?}"),
        errors.render(40, true),
    ];
    for width in [80, 200] {
        let rendered = errors.render(width, false);
        let mut lines = rendered.lines();
        let all_fit = lines.all(|line| line.chars().count() <= width);
        assert!(all_fit, "{case}: {rendered:.2000}");
        forms.push(rendered);
    }
    for form in forms {
        assert!(!form.contains("hunter2"), "{case}: {form:.2000}");
    }
    errors
}

/// Asserts that `source` is refused. Every mistake must have an error on its line that contains its word, and
/// no error may be on another line.
pub fn refused(case: &str, source: &str, mistakes: &[Mistake]) {
    let errors = is_sound(case, source);
    let rendered = errors.render(200, false);
    let one_line = errors.to_string();
    let lines: Vec<&str> = source.lines().collect();
    let mut told = BTreeSet::new();
    for (at, item) in errors.items().iter().enumerate() {
        let (line, column) = errors.place(item);
        let place = format!("site.toml:{line}:{column}");
        let width = lines.get(line - 1).map_or(0, |text| text.chars().count());
        assert!(column <= width + 1, "{case}: {place} is outside the text");
        assert!(
            rendered.contains(&place),
            "{case}: {place} not in {rendered}"
        );
        assert!(
            at > 0 || one_line.starts_with(&format!("{place}: ")),
            "{case}: {one_line}"
        );
        told.insert(line);
    }
    let meant: BTreeSet<usize> = mistakes.iter().map(|mistake| mistake.line).collect();
    assert_eq!(
        told, meant,
        "{case}: lines told and meant\n{rendered:.2000}"
    );
    for Mistake { line, names, part } in mistakes {
        // the line has the key as it was typed, the message may have cut it
        let found = errors.items().iter().any(|item| {
            let hint = item.hint.as_deref().unwrap_or_default();
            let said = format!("{} / {} / {hint}", item.message, item.label);
            errors.place(item).0 == *line
                && said.contains(part)
                && (said.contains(names) || lines[line - 1].contains(names))
        });
        assert!(
            found,
            "{case}: line {line}: {names}: {part}\n{rendered:.2000}"
        );
    }
}
