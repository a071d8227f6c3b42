//! Lines of Rust that a program should have instead.
//!
//! Findings show them. What the reader must fill in stands as `…`, so that no line passes for a whole program.

use tracing_core::Level;

/// Words that cannot stand in a field's name as they are.
const KEYWORDS: [&str; 38] = [
    "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "extern", "false", "fn", "for", "gen", "if", "impl", "in",
    "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "unsafe",
    "use", "where", "while", "abstract", "yield",
];

/// An event with these fields.
pub(super) fn event<'a>(name: &str, level: Level, fields: impl IntoIterator<Item = &'a str>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|field| format!("{} = …", self::field(field))).collect();
    let fields = if fields.is_empty() { "…".to_owned() } else { fields.join(", ") };
    format!("event!(name: \"{}\", Level::{level}, {fields});", text(name))
}

/// A span with these fields.
pub(super) fn span<'a>(name: &str, fields: impl IntoIterator<Item = &'a str>) -> String {
    let fields: String = fields.into_iter().map(|field| format!(", {} = …", self::field(field))).collect();
    format!("info_span!(\"{}\"{fields})", text(name))
}

/// A field as the macros take it.
pub(super) fn field(name: &str) -> String {
    let is_word =
        |part: &str| part.starts_with(|c: char| c.is_alphabetic() || c == '_') && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !name.split('.').all(is_word) {
        return format!("\"{}\"", text(name));
    }
    let part = |part: &str| if KEYWORDS.contains(&part) { format!("r#{part}") } else { part.to_owned() };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}

/// A name between quotes, or in a sentence: nothing in it acts on a terminal.
pub(super) fn text(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '"' | '\\' => shown.extend(['\\', c]),
            c if c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_the_macros_take_them() {
        for (name, written) in [
            ("acme.order.items", "acme.order.items"),
            ("otelcol.node.type", "otelcol.node.r#type"),
            ("http.request.header.x-id", "\"http.request.header.x-id\""),
            ("", "\"\""),
            ("a.1b", "\"a.1b\""),
        ] {
            assert_eq!(field(name), written);
        }
    }

    #[test]
    fn a_name_cannot_break_out_of_its_quotes_or_steer_a_terminal() {
        assert_eq!(event("a\"b\x1b[2J", Level::INFO, []), "event!(name: \"a\\\"b\\u{1b}[2J\", Level::INFO, …);");
        assert_eq!(span("a.b", ["c.d"]), "info_span!(\"a.b\", c.d = …)");
    }
}
