//! What became of the telemetry: reports and counts for people and programs.
//! `Telemetry::shutdown` and `Telemetry::stats` return them; the ledger fills them in.
//! Plain data: nothing here counts, waits or talks to the export thread.

use std::fmt;
use std::time::Duration;

/// Why records, spans or data points were given up.
///
/// ```
/// use tracing_weaver::DropReason;
///
/// /// Whether the receiver is to blame, and not the program.
/// fn is_of_receiver(reason: DropReason) -> bool {
///     matches!(reason, DropReason::Rejected | DropReason::NotRetryable | DropReason::RetryExhausted)
/// }
/// assert!(is_of_receiver(DropReason::Rejected) && !is_of_receiver(DropReason::QueueFull));
/// assert_eq!(DropReason::RetryExhausted.to_string(), "retry_exhausted");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// A bounded queue had no room.
    QueueFull,
    /// The process-wide byte bound left the emitting thread no queue.
    ThreadLimit,
    /// Larger than a queue or the receiver takes.
    TooLarge,
    /// The receiver took the batch but not these (partial success).
    Rejected,
    /// The receiver gave a final error.
    NotRetryable,
    /// The receiver could not be reached, or asked to come back, until the batch's deadline was over.
    RetryExhausted,
    /// Emitted after shutdown, or not sent before its deadline.
    Shutdown,
    /// Could not be encoded.
    Encode,
    /// A newer collection of the same cumulative metrics took its place.
    Superseded,
    /// A console, file or memory sink failed.
    SinkFailed,
    /// Nothing is configured to take the signal.
    NoDestination,
}

impl DropReason {
    /// All reasons, in the order of their numbers.
    pub(crate) const ALL: [DropReason; 11] = [
        DropReason::QueueFull,
        DropReason::ThreadLimit,
        DropReason::TooLarge,
        DropReason::Rejected,
        DropReason::NotRetryable,
        DropReason::RetryExhausted,
        DropReason::Shutdown,
        DropReason::Encode,
        DropReason::Superseded,
        DropReason::SinkFailed,
        DropReason::NoDestination,
    ];

    /// The reason as it stands in `error.type`, for example `queue_full`.
    ///
    /// ```
    /// assert_eq!(tracing_weaver::DropReason::QueueFull.as_str(), "queue_full");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            DropReason::QueueFull => "queue_full",
            DropReason::ThreadLimit => "thread_limit",
            DropReason::TooLarge => "too_large",
            DropReason::Rejected => "rejected",
            DropReason::NotRetryable => "not_retryable",
            DropReason::RetryExhausted => "retry_exhausted",
            DropReason::Shutdown => "shutdown",
            DropReason::Encode => "encode",
            DropReason::Superseded => "superseded",
            DropReason::SinkFailed => "sink_failed",
            DropReason::NoDestination => "no_destination",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of one signal at one destination.
///
/// At any moment `created` of the signal = `exported` + the sum of `dropped` + `in_doubt` + `queued`.
///
/// ```
/// use tracing_weaver::{DestinationReport, DropReason};
///
/// /// Whether a receiver is to be looked after.
/// fn is_in_trouble(at: &DestinationReport) -> bool {
///     at.dropped_for(DropReason::RetryExhausted) > 0 || at.dropped_total() > at.exported / 100
/// }
/// # assert!(!is_in_trouble(&DestinationReport::default()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DestinationReport {
    /// The destination, for example `otlp http/protobuf http://localhost:4318/v1/logs` or `console`.
    pub name: String,
    /// Taken by the receiver.
    pub exported: u64,
    /// Given up, by reason, with what was given up before it could be sent anywhere; only reasons that occurred.
    pub dropped: Vec<(DropReason, u64)>,
    /// Sent, and no answer came: the receiver may have them or not.
    pub in_doubt: u64,
    /// On their way.
    pub queued: u64,
}

impl DestinationReport {
    /// Given up for this reason.
    ///
    /// ```
    /// use tracing_weaver::{DestinationReport, DropReason};
    ///
    /// let mut console = DestinationReport::default();
    /// console.dropped = vec![(DropReason::SinkFailed, 2), (DropReason::Shutdown, 1)];
    /// assert_eq!((console.dropped_for(DropReason::Shutdown), console.dropped_for(DropReason::QueueFull)), (1, 0));
    /// ```
    pub fn dropped_for(&self, reason: DropReason) -> u64 {
        self.dropped.iter().filter(|(dropped, _)| *dropped == reason).map(|(_, count)| count).sum()
    }

    /// Given up, whatever the reason.
    ///
    /// ```
    /// use tracing_weaver::{DestinationReport, DropReason};
    ///
    /// let mut console = DestinationReport::default();
    /// console.dropped = vec![(DropReason::SinkFailed, 2), (DropReason::Shutdown, 1)];
    /// assert_eq!(console.dropped_total(), 3);
    /// ```
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().map(|(_, count)| count).sum()
    }
}

/// What became of one signal.
///
/// ```
/// # let (telemetry, _layer) = tracing_weaver::builder().console(false).build::<tracing_subscriber::Registry>()?;
/// let records: tracing_weaver::SignalReport = telemetry.stats().records;
/// for destination in &records.destinations {
///     println!("{}: {} of {}", destination.name, destination.exported, records.created);
/// }
/// # Ok::<(), tracing_weaver::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SignalReport {
    /// Records that passed the filter, sampled spans that ended, or data points that were collected.
    pub created: u64,
    /// What became of them at each destination. Records that nothing is configured to take stand at one called `none`; spans that nothing is
    /// configured to take are not counted at all.
    pub destinations: Vec<DestinationReport>,
}

/// What was exported and what was not, as [`shutdown`](crate::Telemetry::shutdown) found it.
///
/// `Display` says it in a few lines for people.
///
/// ```
/// use std::time::Duration;
///
/// # let (telemetry, _layer) = tracing_weaver::builder().console(false).build::<tracing_subscriber::Registry>()?;
/// let report: tracing_weaver::Report = telemetry.shutdown(Duration::from_secs(5));
/// let lost: u64 = report.records.destinations.iter().map(|at| at.dropped_total() + at.in_doubt).sum();
/// assert_eq!((lost, report.measurements_refused), (0, 0));
/// assert!(report.deadline_met, "{report}");
/// # Ok::<(), tracing_weaver::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    /// Records.
    pub records: SignalReport,
    /// Trace spans.
    pub spans: SignalReport,
    /// Metric data points.
    pub points: SignalReport,
    /// Fields not exported as they were, by `tracing_weaver.reason`; only reasons that occurred.
    pub fields_dropped: Vec<(&'static str, u64)>,
    /// Attributes past the bound on a record.
    pub attributes_over_limit: u64,
    /// Entity spans that opened no entity: a part of the identity was missing, or there were too many entities.
    pub entities_refused: u64,
    /// Measurements that no metric took.
    pub measurements_refused: u64,
    /// Measurements whose set's own entity was not in force; they are counted without it.
    pub measurements_unattributed: u64,
    /// How long the shutdown took.
    pub duration: Duration,
    /// Whether all was sent and answered before the deadline.
    pub deadline_met: bool,
}

/// Counts since start, as [`stats`](crate::Telemetry::stats) found them.
///
/// ```
/// use tracing::{Level, event};
/// use tracing_subscriber::prelude::*;
///
/// let (telemetry, layer) = tracing_weaver::builder().console(false).memory(&tracing_weaver::Memory::new()).build()?;
/// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
///     event!(name: "acme.order.accept", Level::INFO, acme.note = "x".repeat(100_000));
/// });
/// let stats: tracing_weaver::Stats = telemetry.stats();
/// assert_eq!((stats.records.created, stats.fields_dropped), (1, vec![("too_long", 1)]));
/// # Ok::<(), tracing_weaver::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Records.
    pub records: SignalReport,
    /// Trace spans.
    pub spans: SignalReport,
    /// Metric data points.
    pub points: SignalReport,
    /// Fields not exported as they were, by `tracing_weaver.reason`; only reasons that occurred.
    pub fields_dropped: Vec<(&'static str, u64)>,
    /// Attributes past the bound on a record.
    pub attributes_over_limit: u64,
    /// Entity spans that opened no entity: a part of the identity was missing, or there were too many entities.
    pub entities_refused: u64,
    /// Measurements that no metric took.
    pub measurements_refused: u64,
    /// Measurements whose set's own entity was not in force; they are counted without it.
    pub measurements_unattributed: u64,
    /// Faults of the export thread that it survived. Anything but 0 is a bug of this crate or of a sink.
    pub export_faults: u64,
}

/// Why a flush did not do what it was asked to.
///
/// ```
/// use std::time::Duration;
/// use tracing_weaver::FlushError;
///
/// # let (telemetry, _layer) = tracing_weaver::builder().console(false).build::<tracing_subscriber::Registry>()?;
/// telemetry.shutdown(Duration::from_secs(5));
/// assert_eq!(telemetry.force_flush(Duration::from_secs(5)), Err(FlushError::Ended));
/// # Ok::<(), tracing_weaver::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The deadline was over before everything was answered. What is queued goes on its way.
    #[error("not everything was sent and answered within {0:?}; the rest stays queued")]
    Deadline(Duration),
    /// Everything was answered, but not everything was taken.
    #[error("{records} records, {spans} spans and {points} data points were dropped or are in doubt; `stats()` says why")]
    Lost {
        /// Records lost while flushing.
        records: u64,
        /// Spans lost while flushing.
        spans: u64,
        /// Data points lost while flushing.
        points: u64,
    },
    /// The export thread has ended.
    #[error("the exporter has been shut down")]
    Ended,
}

impl Report {
    /// What was not exported, and why, in one line; `None` where everything was. What was superseded is nothing lost.
    pub(crate) fn lost(&self) -> Option<String> {
        let mut lost = Vec::new();
        for (what, signal) in [("records", &self.records), ("spans", &self.spans), ("data points", &self.points)] {
            for destination in &signal.destinations {
                let dropped = destination.dropped.iter().filter(|(reason, _)| *reason != DropReason::Superseded);
                let mut counts: Vec<_> = dropped.map(|(reason, count)| format!("{count} dropped ({reason})")).collect();
                let others = [(destination.in_doubt, "in doubt"), (destination.queued, "still queued")];
                counts.extend(others.into_iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} {how}")));
                if !counts.is_empty() {
                    lost.push(format!("{what} to {}: {}", destination.name, counts.join(", ")));
                }
            }
        }
        (!lost.is_empty()).then(|| lost.join("; "))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        signal(f, "records", &self.records)?;
        // Where nobody makes spans, a line about them would only raise questions.
        if self.spans != SignalReport::default() {
            signal(f, "spans", &self.spans)?;
        }
        signal(f, "data points", &self.points)?;
        let fields = self.fields_dropped.iter().map(|(reason, count)| (format!("fields not exported as they were ({reason})"), *count));
        let others = [
            ("attributes past the bound on a record", self.attributes_over_limit),
            ("entity spans that opened no entity", self.entities_refused),
            ("measurements that no metric took", self.measurements_refused),
            ("measurements counted without their entity", self.measurements_unattributed),
        ];
        for (what, count) in fields.chain(others.map(|(what, count)| (what.to_owned(), count))).filter(|(_, count)| *count > 0) {
            writeln!(f, "{what}: {count}")?;
        }
        let met = if self.deadline_met { "within its deadline" } else { "the deadline passed first" };
        write!(f, "shutdown took {} ms, {met}", self.duration.as_millis())
    }
}

fn signal(f: &mut fmt::Formatter<'_>, what: &str, signal: &SignalReport) -> fmt::Result {
    writeln!(f, "{what}: {} created", signal.created)?;
    for destination in &signal.destinations {
        write!(f, "  {}: {} exported", destination.name, destination.exported)?;
        if destination.dropped_total() > 0 {
            write!(f, ", {} dropped", destination.dropped_total())?;
            let mut before = " (";
            for (reason, count) in &destination.dropped {
                write!(f, "{before}{reason} {count}")?;
                before = ", ";
            }
            write!(f, ")")?;
        }
        if destination.in_doubt > 0 {
            write!(f, ", {} in doubt", destination.in_doubt)?;
        }
        if destination.queued > 0 {
            write!(f, ", {} still queued", destination.queued)?;
        }
        writeln!(f)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_a_few_lines() {
        let report = Report {
            records: SignalReport {
                created: 10,
                destinations: vec![DestinationReport {
                    name: "console".into(),
                    exported: 5,
                    dropped: vec![(DropReason::QueueFull, 2), (DropReason::Shutdown, 1)],
                    in_doubt: 1,
                    queued: 1,
                }],
            },
            duration: Duration::from_millis(12),
            deadline_met: true,
            ..Default::default()
        };
        assert_eq!(
            report.to_string(),
            "records: 10 created\n  console: 5 exported, 3 dropped (queue_full 2, shutdown 1), 1 in doubt, 1 still queued\n\
             data points: 0 created\nshutdown took 12 ms, within its deadline"
        );
        let kept_back =
            Report { fields_dropped: vec![("late_value", 2)], entities_refused: 1, measurements_unattributed: 3, ..Default::default() };
        assert_eq!(
            kept_back.to_string(),
            "records: 0 created\ndata points: 0 created\nfields not exported as they were (late_value): 2\nentity spans that opened no entity: 1\n\
             measurements counted without their entity: 3\nshutdown took 0 ms, the deadline passed first"
        );
        let console = DestinationReport { name: "console".into(), exported: 2, ..Default::default() };
        let traced = Report { spans: SignalReport { created: 2, destinations: vec![console] }, ..report };
        assert!(traced.to_string().contains("\nspans: 2 created\n  console: 2 exported\ndata points:"), "{traced}");
    }

    #[test]
    fn every_reason_stands_at_its_own_number() {
        for (number, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, number);
        }
    }
}
