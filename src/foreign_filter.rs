//! Looks for filters that hide from the whole subscriber what the registry counts, and says so once, with what to write instead.
//! The export thread lets it look, after start-up and at the end; `Telemetry::describe` shows what it found.
//! It must never ask a stack on a thread that emits, hold the export thread up, or say the same thing twice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing_weaver_layers::{Hidden, Weaver, suppress_this_thread};

use crate::escape;
use crate::export::Watch;
use crate::start_up::say;

/// Time from start-up to the first look: by then the stack stands, and callsites have come up.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// Time between two looks, if there are new callsites to ask about.
const NEXT_LOOK: Duration = Duration::from_secs(10);
/// How long the end waits for its look: filters of others are asked, which may take their time.
const LAST_LOOK: Duration = Duration::from_millis(100);
/// Callsites that are named in one sentence.
const NAMED: usize = 3;

/// What was found so far.
#[derive(Debug)]
pub(crate) struct ForeignFilters {
    weaver: Arc<Weaver>,
    stack: Stack,
    found: Mutex<Found>,
}

/// Who made the subscriber, and so where its filters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    /// `install()`, from what `.layer(..)` was given.
    Installed,
    /// The program, with the layer of `build()`.
    OfProgram,
}

#[derive(Debug, Default)]
struct Found {
    hidden: Vec<Hidden>,
    /// How many callsites were known then; `None` before the first look at a stack.
    asked_about: Option<usize>,
    /// By way of hiding.
    said: [bool; 3],
}

impl ForeignFilters {
    /// For one layer.
    pub(crate) fn of(weaver: Arc<Weaver>, stack: Stack) -> Arc<ForeignFilters> {
        Arc::new(ForeignFilters { weaver, stack, found: Mutex::default() })
    }

    /// What was found at the last look.
    pub(crate) fn hidden(&self) -> Vec<Hidden> {
        self.lock().hidden.clone()
    }

    /// What was found at the last look, one sentence for each way of hiding.
    pub(crate) fn sentences(&self) -> Vec<String> {
        sentences(&self.hidden()).into_iter().map(|(_, sentence)| sentence).collect()
    }

    /// Asks the stack, on a thread of its own that ends after it: the question leaves notes on its thread that would cost a neighbour's
    /// filter the next event there.
    fn look(self: &Arc<Self>, known: usize, done: Sender<()>) {
        let this = self.clone();
        // A look that the system has no thread for is given up; the next one may have one.
        let _ = std::thread::Builder::new().name("tracing-weaver-lookout".into()).spawn(move || {
            suppress_this_thread();
            // A filter is somebody's code, which may panic.
            let hidden = catch_unwind(AssertUnwindSafe(|| this.weaver.hidden_from_folds())).ok().flatten();
            if let Some(hidden) = hidden {
                this.note(hidden, known);
            }
            drop(done);
        });
    }

    fn note(&self, hidden: Vec<Hidden>, known: usize) {
        let mut found = self.lock();
        let news: Vec<_> =
            sentences(&hidden).into_iter().filter(|(way, _)| !std::mem::replace(&mut found.said[*way as usize], true)).collect();
        (found.hidden, found.asked_about) = (hidden, Some(known));
        drop(found);
        if !news.is_empty() {
            say(&news.into_iter().map(|(way, sentence)| format!("{sentence}\n{}", way.instead(self.stack))).collect::<Vec<_>>());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A way of hiding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    CompiledOut,
    Level,
    Callsites,
}

impl Way {
    fn instead(self, stack: Stack) -> &'static str {
        match (self, stack) {
            (Way::CompiledOut, _) => {
                "no filter brings them back: leave the features `max_level_*` and `release_max_level_*` of `tracing` away; \
                 `cargo tree -e features -i tracing` shows who asks for them"
            }
            (Way::Level | Way::Callsites, Stack::Installed) => {
                "give the filter to the layer that it is meant for, `.layer(fmt::layer().with_filter(filter))` instead of `.layer(filter)`; which \
                 records we forward is decided by TRACING_WEAVER_LOG, RUST_LOG or `.filter(..)`, and takes nothing from the metrics"
            }
            (Way::Level | Way::Callsites, Stack::OfProgram) => {
                "where it says `.with(filter)`, give the filter to the layer that it is meant for, `.with(fmt::layer().with_filter(filter))`; where it \
                 says `.with(ours.and_then(theirs.with_filter(..)))`, write `.with(ours).with(theirs.with_filter(..))`; where it says \
                 `.with(ours.with_filter(..))`, write `.with(ours)` and `tracing_weaver::builder().filter(\"info\")`: which records we forward is \
                 decided by that, TRACING_WEAVER_LOG or RUST_LOG, and takes nothing from the metrics"
            }
        }
    }
}

/// What is hidden, one sentence for each way.
fn sentences(hidden: &[Hidden]) -> Vec<(Way, String)> {
    let mut sentences = Vec::new();
    let mut callsites = Vec::new();
    for hidden in hidden {
        match hidden {
            Hidden::CompiledOut(level) => sentences.push((
                Way::CompiledOut,
                format!("`tracing` was compiled without anything more verbose than {level}: what is counted there and the entities opened there are missing"),
            )),
            Hidden::Level(level) => sentences.push((
                Way::Level,
                format!("a filter for the whole subscriber hides everything more verbose than {level}: what is counted there and the entities opened there are missing"),
            )),
            Hidden::Callsite(metadata) => callsites.push(metadata),
            _ => {}
        }
    }
    if !callsites.is_empty() {
        let named: Vec<_> = callsites
            .iter()
            .take(NAMED)
            .map(|metadata| {
                let place =
                    metadata.file().map(|file| format!(", {}:{}", escape::text(file), metadata.line().unwrap_or(0))).unwrap_or_default();
                format!("`{}` ({}{place})", escape::text(metadata.name()), metadata.level())
            })
            .collect();
        let more = match callsites.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        sentences.push((
            Way::Callsites,
            format!("a filter for the whole subscriber, or one around our layer, hides from the metrics what the registry counts there: {}{more}", named.join(", ")),
        ));
    }
    sentences
}

/// When to look. The export thread has it.
#[derive(Debug)]
pub(crate) struct LookOut {
    filters: Arc<ForeignFilters>,
    next: Instant,
    had_last: bool,
}

impl LookOut {
    /// From now on.
    pub(crate) fn new(filters: Arc<ForeignFilters>) -> Self {
        LookOut { filters, next: Instant::now() + FIRST_LOOK, had_last: false }
    }
}

impl Watch for LookOut {
    fn turn(&mut self, now: Instant, ending: bool) {
        let is_last = ending && !std::mem::replace(&mut self.had_last, ending);
        if !(is_last || now >= self.next) {
            return;
        }
        self.next = now + NEXT_LOOK;
        let known = self.filters.weaver.counted_callsites();
        if self.filters.lock().asked_about == Some(known) {
            return;
        }
        let (done, is_done) = channel();
        self.filters.look(known, done);
        if is_last {
            let _ = is_done.recv_timeout(LAST_LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::level_filters::LevelFilter;

    #[test]
    fn each_way_of_hiding_has_one_sentence_and_a_few_callsites_are_named() {
        let mut hidden = vec![Hidden::CompiledOut(LevelFilter::DEBUG), Hidden::Level(LevelFilter::INFO)];
        tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            let spans = [tracing::trace_span!("a.b"), tracing::info_span!("c"), tracing::info_span!("d"), tracing::info_span!("e")];
            hidden.extend(spans.iter().filter_map(|span| span.metadata()).map(Hidden::Callsite));
        });
        let sentences = sentences(&hidden);
        assert_eq!(sentences.iter().map(|(way, _)| *way).collect::<Vec<_>>(), [Way::CompiledOut, Way::Level, Way::Callsites]);
        let text = &sentences[2].1;
        assert!(text.contains(&format!("`a.b` (TRACE, {}:", file!())) && text.ends_with(" and 1 more"), "{text}");
    }
}
