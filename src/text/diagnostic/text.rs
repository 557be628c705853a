//! Places in a text, likely slips, and text that is safe to show.

/// The last place at or before `offset` where `text` can be cut.
pub(super) fn floor(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    (0..=end)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// The first place at or after `offset` where `text` can be cut.
pub(super) fn ceil(text: &str, offset: usize) -> usize {
    (offset..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len())
}

/// The line and the column (in characters) of a byte of `source`, both counted from 1.
#[must_use]
pub fn place(source: &str, offset: usize) -> (usize, usize) {
    let before = &source[..floor(source, offset)];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

/// The candidate that was most likely meant by `word`, if one is close enough: one slip for every
/// three letters, not counting case and the choice between `-` and `_`.
#[must_use]
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    // Distance is quadratic: a word far longer than any name was no slip of the finger.
    if word.len() > 64 {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word, &plain(candidate)),
                candidate,
            )
        })
        .filter(|(slips, candidate)| *slips <= candidate.len().max(word.len()).div_ceil(3).min(3))
        .filter(|(slips, candidate)| *slips < candidate.chars().count())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// Whether a character moves, hides or reorders the text around it, so that what is shown is not what is
/// there: control characters, line and paragraph separators, bidirectional marks (the set of
/// "Trojan Source", CVE-2021-42574) and characters without width.
#[must_use]
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        )
}

/// `text` between back-ticks as it may be shown in a message: on one line, no longer than 60
/// characters, with characters that would move or hide text written as their code point.
#[must_use]
pub fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        if is_deceptive(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown.push('`');
    shown
}
