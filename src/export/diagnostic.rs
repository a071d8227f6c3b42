//! What the exporter says on stderr: one line per kind of trouble and half minute, however often it happens.
//! The export thread alone calls it.
//! It never prints headers or bodies of error replies, and never fails: a closed stderr is nobody's problem.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two lines of one kind.
const QUIET: Duration = Duration::from_secs(30);
/// Time between two messages of a receiver that took a batch in part.
const QUIET_PARTIAL: Duration = Duration::from_secs(60);
/// Longest text from outside that is shown.
const MAX_FOREIGN: usize = 200;

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A batch will be sent again.
    Retry,
    /// A batch was given up or is in doubt.
    Lost,
    /// Records or spans found no room on their way to the export thread.
    Overflow,
    /// A receiver took a batch in part, or sent a warning with its answer.
    Partial,
    /// A local sink failed.
    Sink,
    /// A destination cannot work at all.
    Setup,
    /// The export thread survived a fault of its own.
    Fault,
}

/// Says things on stderr, seldom.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    said: Mutex<HashMap<(Kind, String), Said>>,
}

#[derive(Debug)]
struct Said {
    at: Instant,
    held_back: u64,
}

impl Diagnostics {
    /// Says `message` about `subject` (a destination's name), unless the same kind was said of it a short while ago.
    pub(crate) fn say(&self, kind: Kind, subject: &str, message: &str) {
        if let Some(line) = self.line(kind, subject, message, Instant::now()) {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// What a kind of trouble was said about, sorted.
    #[cfg(test)]
    pub(crate) fn said_about(&self, kind: Kind) -> Vec<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut subjects: Vec<_> = said.keys().filter(|(said, _)| *said == kind).map(|(_, subject)| subject.clone()).collect();
        subjects.sort();
        subjects
    }

    fn line(&self, kind: Kind, subject: &str, message: &str, now: Instant) -> Option<String> {
        let quiet = if kind == Kind::Partial { QUIET_PARTIAL } else { QUIET };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held_back = 0;
        if let Some(before) = said.get_mut(&(kind, subject.to_owned())) {
            if now.saturating_duration_since(before.at) < quiet {
                before.held_back += 1;
                return None;
            }
            held_back = before.held_back;
        }
        said.insert((kind, subject.to_owned()), Said { at: now, held_back: 0 });
        let more = if held_back > 0 { format!(" ({held_back} more like it since the last line)") } else { String::new() };
        Some(format!("tracing-weaver: {subject}: {}{more}", foreign(message)))
    }
}

/// Text from outside, fit for a terminal: no control characters, not too long.
pub(crate) fn foreign(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_FOREIGN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_FOREIGN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_is_said_once_per_half_minute_and_then_counted() {
        let diagnostics = Diagnostics::default();
        let start = Instant::now();
        let line = |after, subject| diagnostics.line(Kind::Lost, subject, "dropped", start + Duration::from_secs(after));
        assert_eq!(line(0, "a").as_deref(), Some("tracing-weaver: a: dropped"));
        assert_eq!(line(1, "a"), None);
        assert_eq!(line(1, "b").as_deref(), Some("tracing-weaver: b: dropped"));
        assert_eq!(line(29, "a"), None);
        assert_eq!(line(30, "a").as_deref(), Some("tracing-weaver: a: dropped (2 more like it since the last line)"));
    }

    #[test]
    fn text_of_a_receiver_cannot_steer_a_terminal_or_flood_it() {
        let hostile = format!("\x1b[2J\r\n{}", "x".repeat(1000));
        let shown = foreign(&hostile);
        assert!(!shown.contains(|c: char| c.is_control()));
        assert!(shown.chars().count() <= MAX_FOREIGN + 1);
    }
}
