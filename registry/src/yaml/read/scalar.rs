//! What an unquoted YAML scalar is: null, boolean, number or text.
//!
//! The tree reader asks it. It follows YAML 1.2's core schema but for numbers with a leading zero, which are text,
//! and must never turn text into a number that would print differently enough to lose a digit.

use super::node::Value;

/// Reads an unquoted scalar.
pub(crate) fn read(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Double(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Double(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Value::Double(f64::NAN),
        _ => {}
    }
    integer(text).or_else(|| float(text)).unwrap_or_else(|| Value::String(text.to_owned()))
}

fn integer(text: &str) -> Option<Value> {
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x', ..] => (16, &text[2..]),
        [b'0', b'o', ..] => (8, &text[2..]),
        _ => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            if !is_decimal(digits) {
                return None;
            }
            return text.parse().ok().map(Value::Int);
        }
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    i64::from_str_radix(digits, radix).ok().map(Value::Int)
}

/// Digits without a leading zero: `007` is an identifier somebody forgot to quote.
fn is_decimal(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'))
}

fn float(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    }
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !fraction.is_none_or(digits) || (whole.is_empty() && fraction.is_none_or(str::is_empty)) {
        return None;
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    text.parse().ok().map(Value::Double)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        format!("{:?}", read(text))
    }

    #[test]
    fn numbers_booleans_and_null_are_those_of_the_core_schema() {
        for (text, value) in [
            ("12", "Int(12)"),
            ("-3", "Int(-3)"),
            ("0x1F", "Int(31)"),
            ("0o17", "Int(15)"),
            ("1.5", "Double(1.5)"),
            (".5", "Double(0.5)"),
            ("1e3", "Double(1000.0)"),
            ("-.inf", "Double(-inf)"),
            ("true", "Bool(true)"),
            ("~", "Null"),
        ] {
            assert_eq!(shown(text), value, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_number_stays_text() {
        for text in
            ["007", "1_000", "1.2.3", "yes", "no", "on", "-", "+", ".", "0x", "0x-1", "1e", "e3", "12h", "1,5", "99999999999999999999x"]
        {
            assert_eq!(shown(text), format!("String({text:?})"), "{text}");
        }
    }

    #[test]
    fn an_integer_beyond_64_bits_is_a_float() {
        assert_eq!(shown("99999999999999999999"), "Double(1e20)");
    }
}
