//! Starts telemetry: layer, global subscriber, bridge of `log`, export thread.
//! The builder's last calls come here.
//! What could fail is looked at before anything is started, and a failure leaves no thread behind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_core::subscriber::NoSubscriber;
use tracing_core::{Dispatch, Subscriber, dispatcher};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layered, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_weaver_layers::{PlanError, RecordReader, Weaver, WeaverLayer, weave};

use crate::bridge::LogBridge;

use crate::config::Environment;
use crate::error::Error;
use crate::export;
use crate::findings::FindingPrinter;
use crate::foreign_filter::{ForeignFilters, LookOut, Stack};
use crate::neighbours::Neighbours;
use crate::options::Options;
use crate::outer::Outer;
use crate::start_up::{Mistakes, Prepared, filter, prepare, say};
#[cfg(feature = "console")]
use crate::telemetry::WatchedConsole;
use crate::telemetry::{Live, Telemetry};

/// Whether the global subscriber is ours.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// How long a thread that is not needed after all may take to end.
const CALL_OFF: Duration = Duration::from_secs(1);

type WithNeighbours = Layered<Neighbours, Registry>;

/// `Builder::install`.
pub(crate) fn install(mut options: Options, mistakes: Mistakes) -> Result<Telemetry, Error> {
    let mut environment = Environment::of_process(&options.filter_variable);
    environment.warnings.extend(settle_tls());
    let neighbours = std::mem::take(&mut options.neighbours);
    if environment.disabled && neighbours.is_empty() {
        return Ok(Telemetry::off());
    }
    expect_no_global_subscriber()?;
    let stack = tracing_subscriber::registry();
    if environment.disabled {
        let mut warnings = Vec::new();
        let bridge = bridge(true, mistakes, &mut warnings)?;
        set_global(stack.with(Neighbours(neighbours)))?;
        say(&warnings);
        if let Some(bridge) = bridge {
            bridge.adjust(filter(&options, &environment, &mut Vec::new()).0.directives(), None);
        }
        return Ok(Telemetry::off());
    }
    let types = std::mem::take(&mut options.neighbour_types);
    let (settings, mut prepared) = prepare(options, &mut environment, mistakes)?;
    prepared.description.neighbours = Some(types);
    let directives = settings.filter.directives().to_owned();
    // An empty list of layers would hide everything, so that without neighbours there is none.
    if neighbours.is_empty() {
        let (layer, weaver, reader) = weave::<Registry>(settings).map_err(unplanned)?;
        let bridge = bridge(false, mistakes, &mut prepared.warnings)?;
        start(prepared, directives, weaver, reader, bridge, || set_global(stack.with(layer)))
    } else {
        let (layer, weaver, reader) = weave::<WithNeighbours>(settings).map_err(unplanned)?;
        let bridge = bridge(true, mistakes, &mut prepared.warnings)?;
        start(prepared, directives, weaver, reader, bridge, || set_global(stack.with(Neighbours(neighbours)).with(layer)))
    }
}

/// `Builder::build`.
pub(crate) fn build<S>(options: Options) -> Result<(Telemetry, WeaverLayer<S>), Error>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut environment = Environment::of_process(&options.filter_variable);
    environment.warnings.extend(settle_tls());
    if environment.disabled {
        return Ok((Telemetry::off(), WeaverLayer::off()));
    }
    if !options.neighbours.is_empty() {
        return Err(Error::LayerWithBuild);
    }
    let (settings, prepared) = prepare(options, &mut environment, Mistakes::Fail)?;
    let directives = settings.filter.directives().to_owned();
    let (layer, weaver, reader) = weave::<S>(settings).map_err(unplanned)?;
    Ok((start(prepared, directives, weaver, reader, None, || Ok(()))?, layer))
}

/// Leaves the program with the provider of TLS that it has without us.
fn settle_tls() -> Option<String> {
    #[cfg(any(feature = "http", feature = "grpc"))]
    return export::settle_tls();
    #[cfg(not(any(feature = "http", feature = "grpc")))]
    None
}

/// Becomes the logger of `log`, or does without where a mistake is only to be said.
fn bridge(neighbours: bool, mistakes: Mistakes, warnings: &mut Vec<String>) -> Result<Option<LogBridge>, Error> {
    match (LogBridge::set(neighbours), mistakes) {
        (Ok(bridge), _) => Ok(Some(bridge)),
        (Err(error), Mistakes::Fail) => Err(error),
        (Err(error), Mistakes::Say) => {
            warnings.push(format!("{error}; going on without the records of `log`"));
            Ok(None)
        }
    }
}

/// Starts the export thread and, once `claim` gave us the place that we need, says so.
fn start(
    mut prepared: Prepared,
    directives: String,
    weaver: Arc<Weaver>,
    reader: RecordReader,
    bridge: Option<LogBridge>,
    claim: impl FnOnce() -> Result<(), Error>,
) -> Result<Telemetry, Error> {
    let stack = if prepared.description.neighbours.is_some() { Stack::Installed } else { Stack::OfProgram };
    let foreign_filters = ForeignFilters::of(weaver.clone(), stack);
    prepared.export.watch.push(Box::new(LookOut::new(foreign_filters.clone())));
    prepared.export.watch.push(Box::new(FindingPrinter::new(weaver.clone())));
    let exporter = export::start(weaver.clone(), reader, prepared.export).map_err(|error| Error::Start(error.to_string()))?;
    if let Err(error) = claim() {
        exporter.shutdown(CALL_OFF);
        return Err(error);
    }
    let mut lines = std::mem::take(&mut prepared.warnings);
    lines.push(prepared.description.line(&directives));
    lines.extend(weaver.notes());
    say(&lines);
    let live = Live {
        weaver,
        exporter,
        bridge,
        foreign_filters,
        registry: prepared.registry,
        filter: Mutex::new((directives.clone(), prepared.description.filter_from.clone())),
        description: prepared.description,
        #[cfg(feature = "console")]
        console: prepared.tally.map(WatchedConsole::new),
    };
    live.adjust_log(&directives);
    Ok(Telemetry::live(live))
}

fn unplanned(error: PlanError) -> Error {
    Error::Plan(error.to_string())
}

fn set_global(stack: impl Subscriber + Send + Sync) -> Result<(), Error> {
    dispatcher::set_global_default(Dispatch::new(Outer::new(stack))).map_err(|_| exists())?;
    INSTALLED.store(true, Ordering::Release);
    Ok(())
}

fn expect_no_global_subscriber() -> Result<(), Error> {
    let is_set = || dispatcher::get_default(|default| !default.is::<NoSubscriber>());
    // A subscriber of this thread alone hides whether there is a global one; a new thread has none of its own.
    let elsewhere = || std::thread::Builder::new().spawn(is_set).ok().and_then(|thread| thread.join().ok());
    if is_set() && elsewhere() == Some(true) { Err(exists()) } else { Ok(()) }
}

fn exists() -> Error {
    if INSTALLED.load(Ordering::Acquire) { Error::AlreadyInstalled } else { Error::SubscriberExists }
}
