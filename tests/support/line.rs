//! Lines of code that an error tells people to write, written.

/// Runs code, after it was found in the error's text, however it is laid out there.
macro_rules! written {
    ($error:expr, { $($code:tt)* }) => {
        let (text, code): (String, &str) = ($error.to_string(), stringify!($($code)*));
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        assert!(squeezed(&text).contains(&squeezed(code)), "{text}\ndoes not say\n{code}");
        $($code)*
    };
}

pub(crate) use written;
