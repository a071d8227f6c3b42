//! Numbers as a person reads them: grouped digits, bytes and times in a fitting unit.
//! The tables of the summary call it.
//! It rounds for the eye alone; who needs exact values reads the snapshot.

#[cfg(feature = "console")]
use std::time::Duration;

use tracing_weaver_layers::{HistogramPoint, PointValue};

/// How a unit of the registry is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Unit<'a> {
    /// Scaled by 1024.
    Bytes,
    /// Scaled from nanoseconds to hours; so many seconds are one of the unit.
    Time(f64),
    /// Said in the head of the column.
    Named(&'a str),
    /// A bare number.
    None,
}

impl<'a> Unit<'a> {
    /// The unit of a UCUM code.
    pub(super) fn of(code: &'a str) -> Unit<'a> {
        match code {
            "By" => Unit::Bytes,
            "s" => Unit::Time(1.0),
            "ms" => Unit::Time(1e-3),
            "us" => Unit::Time(1e-6),
            "ns" => Unit::Time(1e-9),
            "min" => Unit::Time(60.0),
            "h" => Unit::Time(3600.0),
            "" | "1" => Unit::None,
            code => Unit::Named(code.strip_prefix('{').and_then(|code| code.strip_suffix('}')).unwrap_or(code)),
        }
    }
}

/// A point's value.
pub(super) fn point(value: &PointValue, unit: Unit<'_>) -> String {
    match value {
        PointValue::Int(int) => match unit {
            Unit::Bytes if int.unsigned_abs() >= 1024 => bytes(*int as f64),
            Unit::Bytes => format!("{int} B"),
            Unit::Time(seconds) => time(*int as f64 * seconds),
            _ => integer(*int),
        },
        PointValue::Double(double) => scaled(*double, unit),
        PointValue::Histogram(histogram) => distribution(histogram, unit),
    }
}

fn distribution(histogram: &HistogramPoint, unit: Unit<'_>) -> String {
    let count: u64 = histogram.counts.iter().sum();
    if count == 0 {
        return "n 0".to_owned();
    }
    let [mean, min, max] = [histogram.sum / count as f64, histogram.min, histogram.max].map(|value| scaled(value, unit));
    match histogram.min == histogram.max {
        true => format!("n {}, each {mean}", grouped(count)),
        false => format!("n {}, mean {mean}, {min} … {max}", grouped(count)),
    }
}

fn scaled(value: f64, unit: Unit<'_>) -> String {
    match unit {
        Unit::Bytes => bytes(value),
        Unit::Time(seconds) => time(value * seconds),
        _ => float(value),
    }
}

/// Digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn integer(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

fn bytes(value: f64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = value;
    let mut unit = 0;
    while value.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", float(value), UNITS[unit])
}

/// A duration in the unit that keeps it above one.
#[cfg(feature = "console")]
pub(super) fn duration(duration: Duration) -> String {
    time(duration.as_secs_f64())
}

/// A time in seconds, in the unit that keeps it above one.
fn time(seconds: f64) -> String {
    let (scale, unit) = match seconds.abs() {
        0.0 => (1.0, "s"),
        size if size < 1e-6 => (1e9, "ns"),
        size if size < 1e-3 => (1e6, "µs"),
        size if size < 1.0 => (1e3, "ms"),
        size if size < 120.0 => (1.0, "s"),
        size if size < 7200.0 => (1.0 / 60.0, "min"),
        _ => (1.0 / 3600.0, "h"),
    };
    format!("{} {unit}", float(seconds * scale))
}

/// About three significant digits below a thousand, whole numbers above.
fn float(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() || size >= 1e15 || (size > 0.0 && size < 0.001) {
        return format!("{value:.3e}");
    }
    if size >= 1000.0 {
        return integer(value.round() as i64);
    }
    let decimals = if size >= 100.0 { 0 } else { if size >= 10.0 { 1 } else { 2 } };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn numbers_come_in_the_unit_that_a_person_would_choose() {
        for (value, unit, shown) in [
            (PointValue::Int(0), "{item}", "0"),
            (PointValue::Int(-1_234_567), "{item}", "-1,234,567"),
            (PointValue::Int(512), "By", "512 B"),
            (PointValue::Int(1_572_864), "By", "1.5 MiB"),
            (PointValue::Double(0.0012), "s", "1.2 ms"),
            (PointValue::Double(250.0), "us", "250 µs"),
            (PointValue::Int(90), "s", "90 s"),
            (PointValue::Double(0.5), "1", "0.5"),
            (PointValue::Double(f64::NAN), "1", "NaN"),
            (PointValue::Int(i64::MIN), "1", "-9,223,372,036,854,775,808"),
        ] {
            assert_eq!(point(&value, Unit::of(unit)), shown);
        }
    }

    #[test]
    fn a_distribution_says_how_many_how_large_and_how_far_apart() {
        let histogram = |counts: &[u64], sum, min, max| {
            PointValue::Histogram(HistogramPoint { bounds: Arc::from([1.0]), counts: counts.into(), sum, min, max })
        };
        assert_eq!(point(&histogram(&[3, 1], 0.008, 0.001, 0.004), Unit::of("s")), "n 4, mean 2 ms, 1 ms … 4 ms");
        assert_eq!(point(&histogram(&[2, 0], 6.0, 3.0, 3.0), Unit::of("{item}")), "n 2, each 3");
        assert_eq!(point(&histogram(&[0, 0], 0.0, 0.0, 0.0), Unit::of("s")), "n 0");
    }

    #[test]
    fn a_unit_in_braces_is_a_word() {
        assert_eq!(Unit::of("{batch}"), Unit::Named("batch"));
        assert_eq!(Unit::of("{item}/s"), Unit::Named("{item}/s"));
        assert_eq!(Unit::of("1"), Unit::None);
    }
}
