//! Bytes as the value of a span's attribute, which OpenTelemetry's SDK does not know: they travel as a marked text.
//!
//! Span values are made here, and the exporter asks for the bytes again. The mark is drawn once per process, so that no text of a
//! program is taken for one.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

fn mark() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    MARK.get_or_init(|| format!("\u{0}bytes:{:016x}{:016x}:", RandomState::new().hash_one(0), RandomState::new().hash_one(1)))
}

/// The text that stands for bytes.
pub(crate) fn marked_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(mark().len() + 2 * bytes.len());
    text.push_str(mark());
    text.extend(bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
    text
}

/// The bytes that a text in a span stands for; `None` for a text that is simply one.
///
/// ```
/// assert_eq!(tracing_weaver_layers::bytes_of_marked_text("north"), None);
/// ```
pub fn bytes_of_marked_text(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix('\u{0}').and_then(|_| text.strip_prefix(mark()))?.as_bytes();
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_texts_stay_texts() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes_of_marked_text(&marked_text(&bytes)), Some(bytes));
        assert_eq!(bytes_of_marked_text(&marked_text(b"")), Some(Vec::new()));
        assert_eq!(bytes_of_marked_text("bytes:00"), None);
        assert_eq!(bytes_of_marked_text("\u{0}bytes:00000000000000000000000000000000:00"), None);
    }
}
