//! Text of others, made fit for a terminal: control characters, terminal escapes and invisible direction marks become visible.
//! Console, summary, warnings and errors pass through here whatever they did not write themselves.
//! It must never let a byte through that a terminal acts on.

use std::fmt::Write as _;

/// A text without anything that a terminal acts on. A backslash stays as it is.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push(&mut out, text, false);
    out
}

/// At most `max` characters of a text, with `…` where it was longer.
pub(crate) fn short(long: &str, max: usize) -> String {
    match long.char_indices().nth(max) {
        Some((end, _)) => text(&long[..end]) + "…",
        None => text(long),
    }
}

/// A value: bare where it reads unambiguously, else in quotes.
pub(crate) fn value(text: &str) -> String {
    let bare = |c: char| c.is_alphanumeric() || "_-.:/@%+*~,;!?&#$".contains(c);
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    push(&mut out, text, true);
    out.push('"');
    out
}

fn push(out: &mut String, text: &str, quoted: bool) {
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' | '\\' if quoted => out.extend(['\\', c]),
            // Writing to a string has no way to fail.
            c if is_hostile(c) => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
}

/// Control characters (terminal escapes begin with one), line separators, and marks that turn the direction of text around.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_comes_through() {
        let hostile = "\x1b[31mred\x1b[0m \x07 \u{9b}2J \r\n\u{202e}abc\u{200f}\x7f\0";
        for shown in [text(hostile), value(hostile)] {
            assert!(!shown.contains(|c: char| c.is_control() || is_hostile(c)), "{shown:?}");
            assert!(shown.contains("\\u{1b}[31mred"), "{shown}");
        }
    }

    #[test]
    fn ordinary_text_in_any_script_stays_as_it_is() {
        let ordinary = "naïve café — 日本語 🙂 C:\\dir \"quoted\"";
        assert_eq!(text(ordinary), ordinary);
    }

    #[test]
    fn a_value_is_quoted_where_it_would_read_ambiguously() {
        assert_eq!(value("pdata:batch:out"), "pdata:batch:out");
        assert_eq!(value(""), "\"\"");
        assert_eq!(value("a b=\"c\\"), r#""a b=\"c\\""#);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(short("äöü", 2), "äö…");
        assert_eq!(short("äöü", 3), "äöü");
    }
}
