//! Lists of pairs, `key=value,key2=value2` with percent-encoded values, as headers and resource attributes come.
//! The readers of this folder call it.
//! What is malformed is named by its place in the list, never by its text: it may be a secret.

use percent_encoding::percent_decode_str;

/// Splits a list; each entry is a pair or its place (from 1) with what is wrong with it. Empty entries are no entries.
pub(super) fn pairs(list: &str) -> impl Iterator<Item = Result<(String, String), String>> {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).enumerate().map(|(at, entry)| {
        let wrong = |what: &str| format!("entry {} {what}", at + 1);
        let (key, value) = entry.split_once('=').ok_or_else(|| wrong("is not `key=value`"))?;
        let (key, value) = (decoded(key.trim()), decoded(value.trim()));
        match (key, value) {
            (Some(key), _) if key.is_empty() => Err(wrong("has no key")),
            (Some(key), Some(value)) => Ok((key, value)),
            _ => Err(wrong("is not percent-encoded UTF-8 (write `%25` for `%`)")),
        }
    })
}

/// Unlike the library's own decoding, a `%` without two hexadecimal digits is a fault.
fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let escaped = bytes.iter().enumerate().all(|(at, byte)| *byte != b'%' || (digit(at + 1) && digit(at + 2)));
    if !escaped {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_decoded_and_white_space_round_them_goes() {
        let list: Vec<_> = pairs(" a = b%20c%2Cd , ,k=v=w,e=").map(Result::unwrap).collect();
        let expected = [("a", "b c,d"), ("k", "v=w"), ("e", "")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(list, expected);
    }

    #[test]
    fn a_malformed_entry_is_named_by_its_place_and_not_by_its_text() {
        for (list, what) in
            [("a=1,hunter2", "entry 2 is not `key=value`"), ("=hunter2", "entry 1 has no key"), ("a=hunter2%2", "percent-encoded")]
        {
            let wrong = pairs(list).find_map(Result::err).unwrap();
            assert!(wrong.contains(what), "{wrong}");
            assert!(!wrong.contains("hunter2"), "{wrong}");
        }
        assert!(pairs("a=%ff").any(|pair| pair.is_err()), "no UTF-8");
    }
}
