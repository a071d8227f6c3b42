//! What a layer is made from.
//!
//! The facade fills it in; [`weave`](crate::weave) takes it. It reads nothing by itself.

use std::fmt;
use std::sync::Arc;

use tracing_weaver_registry::model::ResolvedRegistry;

use crate::filter::ForwardFilter;
use crate::value::Value;

/// What a layer is made from.
///
/// ```
/// use tracing_weaver_layers::{ForwardFilter, Settings};
/// use tracing_weaver_registry::model::ResolvedRegistry;
///
/// let mut settings = Settings::new(ResolvedRegistry::default().into());
/// settings.filter = ForwardFilter::parse("warn")?;
/// settings.queue_bytes = 8 << 20;
/// # Ok::<(), tracing_weaver_layers::BadDirective>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The registry; an empty one forwards plain records and folds nothing.
    pub registry: Arc<ResolvedRegistry>,
    /// Which records are forwarded.
    pub filter: ForwardFilter,
    /// Whether measurements are folded.
    pub fold: bool,
    /// Whether records are forwarded.
    pub forward: bool,
    /// Whether disagreements between code and registry are looked for.
    pub findings: bool,
    /// Whether records of `tracing` events carry `code.*` too, as those of `log` do.
    pub code_location: bool,
    /// What stands on the resource: its keys are not repeated on records.
    pub resource: Vec<(Arc<str>, Value)>,
    /// Bound on the bytes of all threads' queues.
    pub queue_bytes: usize,
    /// Most attributes of a record; the rest is counted on it.
    pub attribute_count_limit: usize,
    /// Most characters of an attribute's text on a record, beside the bound of 64 KiB on every text; `None` where that alone holds.
    pub attribute_length_limit: Option<usize>,
    /// What `trace_context` reads and writes.
    pub propagators: Propagators,
    /// How trace spans are made; `None` for none.
    #[cfg(feature = "spans")]
    pub spans: Option<crate::trace::SpanSettings>,
}

impl Settings {
    /// Everything on, filter `info`, 64 MiB of queues, 128 attributes to a record.
    pub fn new(registry: Arc<ResolvedRegistry>) -> Self {
        Settings {
            registry,
            filter: ForwardFilter::default(),
            fold: true,
            forward: true,
            findings: true,
            code_location: false,
            resource: Vec::new(),
            queue_bytes: 64 << 20,
            attribute_count_limit: 128,
            attribute_length_limit: None,
            propagators: Propagators::default(),
            #[cfg(feature = "spans")]
            spans: None,
        }
    }
}

/// Which of W3C's headers carry a trace from process to process. Both, unless something else is said.
///
/// ```
/// use tracing_weaver_layers::Propagators;
///
/// let without_baggage = Propagators { baggage: false, ..Propagators::default() };
/// assert!(without_baggage.trace_context);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Propagators {
    /// `traceparent` and `tracestate`.
    pub trace_context: bool,
    /// `baggage`.
    pub baggage: bool,
}

impl Default for Propagators {
    fn default() -> Self {
        Propagators { trace_context: true, baggage: true }
    }
}

/// Why a layer could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanError(pub String);

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PlanError {}
