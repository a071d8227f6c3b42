//! Findings on stderr: where code and registry disagree, as they are met, seldom enough to be read.
//! The export thread lets it print, every turn and at the end; `Telemetry::findings` has them all as data.
//! It never runs on a thread of the program, and never prints a finding twice.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing_weaver_layers::{Finding, Weaver};

use crate::export::Watch;
use crate::start_up::say;

/// Findings that may be printed at once.
const BURST: u32 = 10;
/// Time after which one more may be.
const EVERY: Duration = Duration::from_secs(1);

/// Where findings come from; tests put scripted ones there.
pub(crate) trait FindingSource: Send + Sync {
    /// At most so many from the `from`th on.
    fn read(&self, from: usize, at_most: usize) -> Vec<Finding>;
    /// How many there are so far.
    fn len(&self) -> usize;
}

impl FindingSource for Weaver {
    fn read(&self, from: usize, at_most: usize) -> Vec<Finding> {
        self.findings(from, at_most)
    }

    fn len(&self) -> usize {
        self.findings_len()
    }
}

/// Prints findings.
pub(crate) struct FindingPrinter {
    source: Arc<dyn FindingSource>,
    /// How many were printed.
    printed: usize,
    /// How many may be printed now, and since when.
    allowed: u32,
    since: Instant,
    /// It was said that further ones wait.
    said_more: bool,
    /// Nothing more is printed.
    ended: bool,
}

impl FindingPrinter {
    /// Prints what is found from now on.
    pub(crate) fn new(source: Arc<dyn FindingSource>) -> FindingPrinter {
        FindingPrinter { source, printed: 0, allowed: BURST, since: Instant::now(), said_more: false, ended: false }
    }

    /// What to say in a turn.
    fn sentences(&mut self, now: Instant, ending: bool) -> Vec<String> {
        if self.ended {
            return Vec::new();
        }
        let earned = now.saturating_duration_since(self.since).as_secs() / EVERY.as_secs();
        if earned > 0 {
            self.since = now;
            self.allowed = BURST.min(self.allowed.saturating_add(u32::try_from(earned).unwrap_or(BURST)));
        }
        if ending {
            (self.allowed, self.ended) = (BURST, true);
        }
        if self.allowed == 0 {
            return Vec::new();
        }
        let found = self.source.read(self.printed, self.allowed as usize);
        self.allowed -= found.len() as u32;
        self.printed += found.len();
        let mut sentences: Vec<String> = found.iter().map(|finding| format!("finding ({}): {finding}", finding.level)).collect();
        let more = self.source.len().saturating_sub(self.printed);
        if more > 0 && ending {
            sentences.push(format!("{more} more findings; `Telemetry::findings` has them"));
        } else if more > 0 && self.allowed == 0 && !self.said_more {
            self.said_more = true;
            sentences.push(format!("{more} more findings, and they follow one a second; `Telemetry::findings` has them at once"));
        }
        sentences
    }
}

impl Watch for FindingPrinter {
    fn turn(&mut self, now: Instant, ending: bool) {
        // A finding that cannot be put into words must not cost the records behind it.
        match catch_unwind(AssertUnwindSafe(|| self.sentences(now, ending))) {
            Ok(sentences) if sentences.is_empty() => {}
            Ok(sentences) => say(&sentences),
            Err(_) => self.ended = true,
        }
    }
}

impl fmt::Debug for FindingPrinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FindingPrinter").field("printed", &self.printed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::{Level, event};
    use tracing_subscriber::prelude::*;

    /// So many findings of one layer.
    fn found(count: usize) -> Vec<Finding> {
        let registry = tracing_weaver_registry::yaml::load_sources(&[
            ("manifest.yaml", "schema_url: https://example.com/schemas/p/1.0.0"),
            ("p.yaml", "file_format: definition/2\nevents: [{name: p.known, brief: Known., stability: development}]"),
        ]);
        let settings = tracing_weaver_layers::Settings::new(Arc::new(registry.unwrap()));
        let (layer, weaver, _reader) = tracing_weaver_layers::weave(settings).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || event!(name: "p.new", Level::INFO, {}));
        let found = weaver.findings(0, usize::MAX);
        let one = found.iter().find(|finding| finding.name == "p.new").expect("a finding");
        vec![one.clone(); count]
    }

    struct Scripted(Vec<Finding>);

    impl FindingSource for Scripted {
        fn read(&self, from: usize, at_most: usize) -> Vec<Finding> {
            self.0.iter().skip(from).take(at_most).cloned().collect()
        }

        fn len(&self) -> usize {
            self.0.len()
        }
    }

    #[test]
    fn ten_come_at_once_then_one_a_second_and_the_end_says_how_many_are_left() {
        let mut printer = FindingPrinter::new(Arc::new(Scripted(found(40))));
        let start = printer.since;
        let mut said = |millis, ending| printer.sentences(start + Duration::from_millis(millis), ending);
        let first = said(1, false);
        assert_eq!(first.len(), 11);
        assert!(first[0].starts_with("finding (violation): event `p.new`"), "{}", first[0]);
        assert!(first[10].starts_with("30 more findings"), "{}", first[10]);
        assert_eq!(said(900, false).len(), 0);
        assert_eq!(said(1_001, false).len(), 1);
        assert_eq!(said(1_900, false).len(), 0);
        assert_eq!(said(4_100, false).len(), 3);
        let last = said(4_200, true);
        assert_eq!(last.len(), 11);
        assert!(last[10].starts_with("16 more findings"), "{}", last[10]);
        assert!(said(60_000, true).is_empty(), "the end comes once");
    }

    #[test]
    fn a_program_that_agrees_with_its_registry_hears_nothing() {
        let mut printer = FindingPrinter::new(Arc::new(Scripted(Vec::new())));
        let start = printer.since;
        assert!((0..100).all(|second| printer.sentences(start + Duration::from_secs(second), second == 99).is_empty()));
    }
}
