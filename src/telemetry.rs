//! The handle of running telemetry: flush, shut down, look, change the filter.
//! The program holds it from start to end.
//! Every call comes back within its deadline, from any thread and inside any runtime, and none panics.

#[cfg(feature = "console")]
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
#[cfg(feature = "console")]
use std::time::Instant;

use tracing_weaver_layers::{BadDirective, Finding, ForwardFilter, Weaver};
use tracing_weaver_registry::model::ResolvedRegistry;

use crate::bridge::LogBridge;
use crate::describe::Description;
use crate::export::{ExporterHandle, FlushError, Report, Stats};
use crate::foreign_filter::ForeignFilters;
#[cfg(feature = "console")]
use crate::sink::ConsoleTally;
use crate::snapshot::MetricsSnapshot;
use crate::start_up::say;
#[cfg(feature = "console")]
use crate::summary::{AtShutdown, at_shutdown};

/// How long the drop of a handle waits at most.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// Running telemetry. Keep it for as long as there is something to say; dropping it shuts down, which takes 5 seconds at most. What could
/// not be exported by then is said in a line on stderr, as nobody gets the report.
///
/// Where telemetry is switched off (`OTEL_SDK_DISABLED=true`), every call does nothing and finds nothing.
///
/// It may be shared between threads, and asked by any of them:
///
/// ```
/// use std::time::Duration;
/// use tracing::{Level, event};
/// use tracing_subscriber::prelude::*;
///
/// let (telemetry, layer) = tracing_weaver::builder().console(false).build()?;
/// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
///     event!(name: "acme.order.accept", Level::INFO, acme.order.items = 3);
/// });
/// let report = telemetry.shutdown(Duration::from_secs(5));
/// assert!(report.deadline_met);
/// println!("{report}");
/// # Ok::<(), tracing_weaver::Error>(())
/// ```
#[must_use = "dropping it shuts telemetry down; keep it until the end of `main`"]
pub struct Telemetry {
    live: Option<Live>,
    /// Somebody has a report.
    is_reported: AtomicBool,
}

pub(crate) struct Live {
    pub(crate) weaver: Arc<Weaver>,
    pub(crate) exporter: ExporterHandle,
    pub(crate) bridge: Option<LogBridge>,
    pub(crate) foreign_filters: Arc<ForeignFilters>,
    pub(crate) registry: Arc<ResolvedRegistry>,
    pub(crate) description: Description,
    /// Directives in force, and where they came from.
    pub(crate) filter: Mutex<(String, String)>,
    #[cfg(feature = "console")]
    pub(crate) console: Option<WatchedConsole>,
}

/// What is kept for the summary, where the console is a sink.
#[cfg(feature = "console")]
pub(crate) struct WatchedConsole {
    tally: Arc<ConsoleTally>,
    started: Instant,
    /// The process that started it: a forked child has nothing to sum up.
    pid: u32,
    summed_up: AtomicBool,
}

#[cfg(feature = "console")]
impl WatchedConsole {
    /// From now on.
    pub(crate) fn new(tally: Arc<ConsoleTally>) -> Self {
        WatchedConsole { tally, started: Instant::now(), pid: std::process::id(), summed_up: AtomicBool::new(false) }
    }
}

impl Telemetry {
    pub(crate) fn off() -> Self {
        Telemetry { live: None, is_reported: AtomicBool::default() }
    }

    pub(crate) fn live(live: Live) -> Self {
        Telemetry { live: Some(live), is_reported: AtomicBool::default() }
    }

    /// Sends all that was emitted until now, records, ended spans and metrics, and awaits the answers.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # let (telemetry, _layer) = tracing_weaver::builder().console(false).build::<tracing_subscriber::Registry>()?;
    /// if let Err(error) = telemetry.force_flush(Duration::from_secs(2)) {
    ///     eprintln!("telemetry: {error}");
    /// }
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the deadline passed first, something was dropped, or telemetry was shut down before.
    pub fn force_flush(&self, timeout: Duration) -> Result<(), FlushError> {
        self.live.as_ref().map_or(Ok(()), |live| live.exporter.force_flush(timeout))
    }

    /// Sends what is there, awaits the answers, and ends the export thread. Records that are emitted and spans that end later are dropped,
    /// counted; measurements are not taken any more.
    ///
    /// May be called again, from any thread; the report is then that of the last moment. Where the console is a sink, the first call prints a
    /// summary on stdout.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # let (telemetry, _layer) = tracing_weaver::builder().console(false).build::<tracing_subscriber::Registry>()?;
    /// let report = telemetry.shutdown(Duration::from_secs(5));
    /// for destination in &report.records.destinations {
    ///     println!("{}: {} exported, {} dropped", destination.name, destination.exported, destination.dropped_total());
    /// }
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    pub fn shutdown(&self, timeout: Duration) -> Report {
        let Some(live) = &self.live else { return off_report() };
        self.is_reported.store(true, Ordering::Release);
        let report = live.exporter.shutdown(timeout);
        #[cfg(feature = "console")]
        live.sum_up();
        report
    }

    /// What was exported and what was dropped since start, by reason.
    ///
    /// ```
    /// # let (telemetry, _layer) = tracing_weaver::builder().console(false).build::<tracing_subscriber::Registry>()?;
    /// let stats = telemetry.stats();
    /// println!("{} records, {} spans", stats.records.created, stats.spans.created);
    /// assert_eq!(stats.export_faults, 0);
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    pub fn stats(&self) -> Stats {
        self.live.as_ref().map_or_else(Stats::default, |live| live.exporter.stats())
    }

    /// Changes which records are forwarded, for all threads. Entities and folds go on as before.
    ///
    /// ```
    /// # let (telemetry, _layer) = tracing_weaver::builder().console(false).build::<tracing_subscriber::Registry>()?;
    /// telemetry.set_filter("warn,orders=trace")?;
    /// assert_eq!(telemetry.set_filter("orders=loud").expect_err("no level").directive, "orders=loud");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a directive cannot be read; then nothing changes.
    pub fn set_filter(&self, directives: &str) -> Result<(), BadDirective> {
        let filter = ForwardFilter::parse(directives)?;
        let Some(live) = &self.live else { return Ok(()) };
        let mut in_force = lock(&live.filter);
        *in_force = (filter.directives().to_owned(), "set at run time".to_owned());
        live.weaver.set_filter(filter);
        live.adjust_log(&in_force.0);
        Ok(())
    }

    /// All metric sets now, cumulative since their start.
    ///
    /// ```
    /// # let (telemetry, _layer) = tracing_weaver::builder().console(false).build::<tracing_subscriber::Registry>()?;
    /// let snapshot = telemetry.metrics_snapshot();
    /// println!("{} items so far", snapshot.total("acme.shop.order.items"));
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    pub fn metrics_snapshot(&self) -> MetricsSnapshot {
        match &self.live {
            Some(live) => live.snapshot(),
            None => MetricsSnapshot::new(Arc::default(), Default::default()),
        }
    }

    /// Where code and registry disagree, once per callsite and kind, in the order in which it was met: at most some 1,000.
    ///
    /// Names, levels and fields are looked at when a callsite comes up, be it forwarded or not; types of values at its first event; entities and
    /// measurements whenever something is wrong. The same appears on stderr.
    ///
    /// ```
    /// # use tracing::{Level, event};
    /// # use tracing_subscriber::prelude::*;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let registry = tracing_weaver_registry::yaml::load_sources(&[
    /// #     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
    /// #     ("acme.yaml", include_str!("../tests/registry/acme/acme.yaml")),
    /// # ])?.to_bytes();
    /// let (telemetry, layer) = tracing_weaver::builder().registry_bytes(registry).build()?;
    /// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
    ///     event!(name: "acme.order.acept", Level::INFO, acme.order.items = 3);
    /// });
    ///
    /// let findings = telemetry.findings();
    /// assert_eq!((findings[0].id, findings[0].name.as_str()), ("missing_event", "acme.order.acept"));
    /// assert!(findings[0].help.contains("did you mean `acme.order.accept`?"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn findings(&self) -> Vec<Finding> {
        self.live.as_ref().map_or_else(Vec::new, |live| live.weaver.findings(0, usize::MAX))
    }

    /// What telemetry does, in a few lines for people: registry, filter, sinks, resource.
    ///
    /// ```
    /// # let (telemetry, _layer) = tracing_weaver::builder().console(false).build::<tracing_subscriber::Registry>()?;
    /// println!("{}", telemetry.describe());
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    pub fn describe(&self) -> String {
        let Some(live) = &self.live else { return "telemetry is switched off".to_owned() };
        let filter = lock(&live.filter);
        let hidden = live.foreign_filters.sentences().into_iter().map(|sentence| format!("\nhidden    {sentence}"));
        std::iter::once(live.description.text(&filter.0, &filter.1)).chain(hidden).collect()
    }
}

impl Live {
    /// `log`'s own level follows the filter, where the bridge is ours.
    pub(crate) fn adjust_log(&self, directives: &str) {
        if let Some(bridge) = &self.bridge {
            bridge.adjust(directives, Some(&self.weaver));
        }
    }

    fn snapshot(&self) -> MetricsSnapshot {
        MetricsSnapshot::new(self.registry.clone(), self.weaver.snapshot())
    }

    /// Prints the summary, once.
    #[cfg(feature = "console")]
    fn sum_up(&self) {
        let Some(console) = &self.console else { return };
        if std::process::id() != console.pid || console.summed_up.swap(true, Ordering::AcqRel) {
            return;
        }
        let summary = AtShutdown {
            registry: &self.description.registry,
            uptime: console.started.elapsed(),
            metrics: &self.snapshot(),
            events: console.tally.events(),
            spans: console.tally.spans(),
            stats: &self.exporter.stats(),
        };
        let mut stdout = std::io::stdout().lock();
        // A closed stdout is nobody's problem.
        let _ = stdout.write_all(at_shutdown(&summary).as_bytes()).and_then(|()| stdout.flush());
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let is_reported = self.is_reported.load(Ordering::Acquire);
        let report = self.shutdown(DROP_TIMEOUT);
        // What a forked child has of its parent's telemetry is not its own to complain about.
        let is_own = self.live.as_ref().is_some_and(|live| !live.exporter.is_forked());
        if let (false, true, Some(lost)) = (is_reported, is_own, report.lost()) {
            say(&[format!("not everything was exported: {lost}")]);
        }
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").field("on", &self.live.is_some()).finish_non_exhaustive()
    }
}

fn off_report() -> Report {
    Report { deadline_met: true, ..Report::default() }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
