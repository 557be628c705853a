use super::*;

fn one(source: &str, span: Range<usize>) -> Diagnostics {
    let item = Diagnostic::new(span, "wrong")
        .label("here")
        .hint("write `right`");
    Diagnostics::new(Path::new("site.toml"), source, vec![item])
}

#[test]
fn shows_place_underline_and_hint() {
    insta::assert_snapshot!(one("a = 1\nb = twö\n", 10..14).render(80, false), @r"
    error: wrong
     --> site.toml:2:5
      |
    2 | b = twö
      |     ^^^ here
      |
      = help: write `right`
    ");
}

#[test]
fn a_long_line_is_cut_and_keeps_its_column() {
    let source = format!(
        "key = \"{}wrong{}\"\n",
        "ä".repeat(32 * 1024),
        "x".repeat(32 * 1024)
    );
    let start = 7 + 64 * 1024;
    insta::assert_snapshot!(one(&source, start..start + 5).render(80, false), @r"
    error: wrong
     --> site.toml:1:32776
      |
     :::
    1 | ...ääääääääääwrongxxxxxxxxxxxxxxxxxxxx...
      |              ^^^^^ here
      |
      = help: write `right`
    ");
}

#[test]
fn odd_texts_are_rendered() {
    let long = format!("key = \"{}\"\n", "x".repeat(64 * 1024));
    let cases: &[(&str, Range<usize>)] = &[
        ("", 0..0),
        ("", 5..9),
        ("a", 1..1),
        ("a\n", 2..2),
        ("a\n\n\n", 4..4),
        ("a = 1\r\nb = 2\r\n", 11..12),
        ("a = 1\r\nb = 2\r\n", 4..12),
        ("\u{feff}a = 1\n", 3..4),
        ("\ta\t=\t1\n", 5..6),
        ("a = \"\u{1b}[31m\u{202e}\"\n", 4..12),
        ("ä = 1\n", 1..2),
        ("日本語 = 1\n", 0..3),
        (&long, 0..3),
        (&long, 6..long.len()),
        (&long, long.len() - 2..long.len()),
        ("a\rb\n", 0..2),
    ];
    for (source, span) in cases {
        for width in [0, 20, 80, 500] {
            let text = one(source, span.clone()).render(width, false);
            assert!(text.starts_with("error: wrong\n"), "{text}");
            assert!(text.contains("help: write `right`"), "{text}");
            assert!(
                !text.contains('\u{1b}') && !text.contains('\u{202e}'),
                "{text}"
            );
            assert!(
                text.lines()
                    .all(|line| line.chars().count() <= width.max(40) + 40),
                "{text}"
            );
        }
    }
}

#[test]
fn places_are_counted_from_one_in_characters() {
    for (source, offset, expected) in [
        ("", 0, (1, 1)),
        ("abc", 2, (1, 3)),
        ("a\nb", 2, (2, 1)),
        ("a\r\nbö c", 7, (2, 4)),
        ("a\n", 99, (2, 1)),
    ] {
        assert_eq!(place(source, offset), expected, "{source:?} {offset}");
    }
}

#[test]
fn the_one_liner_names_the_first_place() {
    let mut both = vec![
        Diagnostic::new(6..7, "second"),
        Diagnostic::new(0..1, "first"),
    ];
    let two = Diagnostics::new(Path::new("site.toml"), "a = 1\nb = 2\n", both.clone());
    assert_eq!(two.to_string(), "site.toml:1:1: first (and 1 more error)");
    both.pop();
    let one = Diagnostics::new(Path::new("site.toml"), "a = 1\nb = 2\n", both);
    assert_eq!(one.to_string(), "site.toml:2:1: second");
}

#[test]
fn typing_errors_are_recognised() {
    let keys = ["version", "repository", "branch", "gevent_port", "port"];
    for (word, expected) in [
        ("verison", Some("version")),
        ("Version", Some("version")),
        ("gevent-port", Some("gevent_port")),
        ("brnach", Some("branch")),
        ("colour", None),
        ("x", None),
        ("", None),
    ] {
        assert_eq!(did_you_mean(word, keys), expected, "{word}");
    }
    assert_eq!(did_you_mean(&"v".repeat(100_000), keys), None);
}

#[test]
fn quoted_text_is_safe_to_show() {
    assert_eq!(quote("a\u{1b}[31m"), "`a\\u{1b}[31m`");
    assert_eq!(quote(&"x".repeat(100)).chars().count(), 63);
}
