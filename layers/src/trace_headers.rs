//! What W3C says of the form of a trace's headers, which OpenTelemetry's propagator takes less strictly.
//!
//! [`trace_context`](crate::trace_context) asks before it hands a header on. Nothing is read out of a header here.
//!
//! Source: <https://www.w3.org/TR/trace-context/>

/// What may stand around a header's value, and around the members of a list.
const BLANK: [char; 2] = [' ', '\t'];

/// Length of a `traceparent`. One of a version that is still to come may go on behind it.
const LENGTH: usize = 55;

/// Most members of a `tracestate`.
const MEMBERS: usize = 32;

/// Longest key and value of a member.
const MEMBER_LENGTH: usize = 256;

/// The part of a `traceparent` that all versions have; `None` for a malformed one.
pub(crate) fn traceparent(value: &str) -> Option<&str> {
    let (known, more) = value.trim_matches(BLANK).split_at_checked(LENGTH)?;
    let parts: Vec<&str> = known.split('-').collect();
    let &[version, trace_id, span_id, flags] = parts.as_slice() else { return None };
    let well_formed = is_hex(version, 2) && version != "ff" && is_id(trace_id, 32) && is_id(span_id, 16) && is_hex(flags, 2);
    let ends = more.is_empty() || version != "00" && more.starts_with('-');
    (well_formed && ends).then_some(known)
}

/// The members of a `tracestate`; `None` for a malformed one.
pub(crate) fn tracestate(value: &str) -> Option<String> {
    let mut members: Vec<(&str, &str)> = Vec::new();
    for member in value.split(',').map(|member| member.trim_matches(BLANK)).filter(|member| !member.is_empty()) {
        let (key, value) = member.split_once('=')?;
        if members.len() == MEMBERS || !is_key(key) || !is_value(value) || members.iter().any(|(other, _)| *other == key) {
            return None;
        }
        members.push((key, value));
    }
    Some(members.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(","))
}

fn is_hex(part: &str, length: usize) -> bool {
    part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_id(part: &str, length: usize) -> bool {
    is_hex(part, length) && part.bytes().any(|byte| byte != b'0')
}

fn is_key(key: &str) -> bool {
    let begins = key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit());
    let may_stand = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    begins && key.len() <= MEMBER_LENGTH && key.bytes().all(may_stand)
}

fn is_value(value: &str) -> bool {
    (1..=MEMBER_LENGTH).contains(&value.len()) && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn a_traceparent_is_handed_on_if_it_is_formed_as_w3c_says() {
        for (value, version, flags) in [
            (format!("00-{TRACE}-{SPAN}-01"), "00", "01"),
            (format!("\t 00-{TRACE}-{SPAN}-ff "), "00", "ff"),
            (format!("01-{TRACE}-{SPAN}-00"), "01", "00"),
            (format!("fe-{TRACE}-{SPAN}-01-"), "fe", "01"),
            (format!("cc-{TRACE}-{SPAN}-01-what will be-+"), "cc", "01"),
        ] {
            assert_eq!(traceparent(&value), Some(format!("{version}-{TRACE}-{SPAN}-{flags}").as_str()), "{value}");
        }
        let (no_trace, no_span) = ("0".repeat(32), "0".repeat(16));
        for malformed in [
            String::new(),
            "nonsense".to_owned(),
            "00-0af7-b7ad-01".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-0001"),
            format!("00-{TRACE}-{SPAN}-0g"),
            format!("00-{TRACE}-{SPAN}-+1"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01"),
            format!("01-{TRACE}-{SPAN}-01.more"),
            format!("01-{TRACE}-{SPAN}-011"),
            format!("0-{TRACE}-{SPAN}-001"),
            format!("-{TRACE}-{SPAN}-0001"),
            format!("+0-{TRACE}-{SPAN}-01"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("FE-{TRACE}-{SPAN}-01"),
            format!("00-{no_trace}-{SPAN}-01"),
            format!("00-{TRACE}-{no_span}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}-+{}-01", &SPAN[1..]),
            format!("00-{TRACE}a-{}-01", &SPAN[1..]),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{TRACE}-{}é-01", &SPAN[2..]),
            format!("00-{TRACE}-{SPAN}-0é"),
        ] {
            assert_eq!(traceparent(&malformed), None, "{malformed}");
        }
    }

    #[test]
    fn a_tracestate_is_handed_on_if_each_of_its_members_is_formed_as_w3c_says() {
        let long = "a".repeat(MEMBER_LENGTH);
        let members = |count: usize| (0..count).map(|at| format!("k{at}=v")).collect::<Vec<_>>().join(",");
        for (value, handed_on) in [
            ("vendor=1", "vendor=1"),
            ("", ""),
            (" , ", ""),
            ("b=1 ,\ta= 2 3!~,,", "b=1,a= 2 3!~"),
            ("0t_-*/@v=1", "0t_-*/@v=1"),
            (&format!("{long}={long}"), &format!("{long}={long}")),
            (&members(MEMBERS), &members(MEMBERS)),
        ] {
            assert_eq!(tracestate(value).as_deref(), Some(handed_on), "{value}");
        }
        for malformed in [
            "===,,,=",
            "vendor",
            "=1",
            "a=",
            "a==1",
            "a=1=2",
            "a=1,b",
            "a=1,a=2",
            "a=1,b=2,a=1",
            "A=1",
            "a b=1",
            "a =1",
            "_a=1",
            "@a=1",
            "a.b=1",
            "a=\u{1}",
            "a=1\t2",
            "a=\u{7f}",
            "a=é",
            "é=1",
            &format!("{long}a=1"),
            &format!("a={long}a"),
            &members(MEMBERS + 1),
        ] {
            assert_eq!(tracestate(malformed), None, "{malformed}");
        }
    }
}
