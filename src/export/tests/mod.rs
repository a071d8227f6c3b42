//! The exporter against scripted receivers on loopback, with scripted records.
//! Run by `cargo test`; each test bounds its own time.
//! No test asserts an upper bound on time that a slow machine could miss.

mod batch;
mod fake;
mod faults;
mod layers;
mod locals;
mod metrics;
mod queue;
mod receiver;
mod retry;
mod runtimes;
#[cfg(feature = "spans")]
mod span_faults;
#[cfg(feature = "spans")]
mod spans;
#[cfg(feature = "spans")]
mod tracer;
mod wire;

use std::time::Duration;

use super::handle::{ExporterHandle, start_with};
use super::report::{Report, SignalReport};
use super::settings::{Compression, ExportSettings, OtlpEndpoint, Protocol, Secret, Tls};
use fake::Fake;

/// Longer than anything here should take.
const LONG: Duration = Duration::from_secs(60);

fn endpoint(url: String, protocol: Protocol) -> OtlpEndpoint {
    OtlpEndpoint {
        url,
        protocol,
        headers: Vec::new(),
        timeout: Duration::from_secs(10),
        compression: Compression::None,
        tls: Ok(Tls::default()),
    }
}

fn settings() -> ExportSettings {
    ExportSettings::new(vec![("service.name".into(), tracing_weaver_layers::Value::Str("test".into()))])
}

fn start(fake: &Fake, settings: ExportSettings) -> ExporterHandle {
    start_with(fake.source(), fake.readings(), settings).expect("a thread")
}

/// After a shutdown every record, span and point stands in exactly one final column.
fn assert_all_accounted(report: &Report) {
    for signal in [&report.records, &report.spans, &report.points] {
        for destination in &signal.destinations {
            let gone = destination.exported + destination.dropped_total() + destination.in_doubt;
            assert_eq!((signal.created, destination.queued), (gone, 0), "{report}");
        }
    }
}

/// Exported, dropped, in doubt at the only destination of a signal.
fn outcome(signal: &SignalReport) -> (u64, u64, u64) {
    let [destination] = &signal.destinations[..] else { panic!("one destination, not {signal:?}") };
    (destination.exported, destination.dropped_total(), destination.in_doubt)
}
