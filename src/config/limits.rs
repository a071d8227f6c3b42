//! Limits: how many attributes, how long a text, how many records and spans at once and for how long.
//! The reader of the environment calls it.
//! A general limit holds where a signal has none of its own.

use std::time::Duration;

use super::variables::Variables;

/// What one record or span may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttributeLimits {
    /// Most attributes.
    pub(crate) count: u32,
    /// Most characters of a text, where there is such a limit.
    pub(crate) length: Option<usize>,
}

/// What a span may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanLimits {
    /// Its attributes; the length holds for those of its events and links, too.
    pub(crate) attributes: AttributeLimits,
    /// Most events.
    pub(crate) events: u32,
    /// Most links.
    pub(crate) links: u32,
    /// Most attributes of an event.
    pub(crate) event_attributes: u32,
    /// Most attributes of a link.
    pub(crate) link_attributes: u32,
}

/// How items are gathered into requests. `None`: the environment says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Batching {
    /// Longest time that one waits.
    pub(crate) delay: Option<Duration>,
    /// Most in one request.
    pub(crate) batch: Option<usize>,
    /// Most that wait.
    pub(crate) queue: Option<usize>,
}

const COUNT: u32 = 128;

/// What a record may hold. The layers write no more than 128 attributes.
pub(super) fn of_records(variables: &mut Variables<'_>) -> AttributeLimits {
    let limits = attributes(variables, "LOGRECORD");
    let own = "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT";
    if limits.count > COUNT && variables.text(own).is_some() {
        variables.reject(own, format!("a record holds {COUNT} attributes at most"));
    }
    AttributeLimits { count: limits.count.min(COUNT), ..limits }
}

/// What a span may hold.
pub(super) fn of_spans(variables: &mut Variables<'_>) -> SpanLimits {
    let general = variables.count("OTEL_ATTRIBUTE_COUNT_LIMIT", 0).unwrap_or(COUNT);
    SpanLimits {
        attributes: attributes(variables, "SPAN"),
        events: variables.count("OTEL_SPAN_EVENT_COUNT_LIMIT", 0).unwrap_or(COUNT),
        links: variables.count("OTEL_SPAN_LINK_COUNT_LIMIT", 0).unwrap_or(COUNT),
        event_attributes: variables.count("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", 0).unwrap_or(general),
        link_attributes: variables.count("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", 0).unwrap_or(general),
    }
}

fn attributes(variables: &mut Variables<'_>, of: &str) -> AttributeLimits {
    let mut limit = |what: &str| {
        let own = variables.count(&format!("OTEL_{of}_ATTRIBUTE_{what}_LIMIT"), 0);
        own.or_else(|| variables.count(&format!("OTEL_ATTRIBUTE_{what}_LIMIT"), 0))
    };
    AttributeLimits { count: limit("COUNT").unwrap_or(COUNT), length: limit("VALUE_LENGTH").map(|length| length as usize) }
}

/// How records are gathered: their queues are bounded in bytes.
pub(super) fn of_log_batches(variables: &mut Variables<'_>) -> Batching {
    Batching {
        delay: variables.millis("OTEL_BLRP_SCHEDULE_DELAY"),
        batch: variables.count("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", 1).map(|batch| batch as usize),
        queue: None,
    }
}

/// How spans are gathered: a request holds no more than the queue.
pub(super) fn of_span_batches(variables: &mut Variables<'_>) -> Batching {
    let delay = variables.millis("OTEL_BSP_SCHEDULE_DELAY");
    let queue = variables.count("OTEL_BSP_MAX_QUEUE_SIZE", 1).map(|queue| queue as usize);
    let name = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
    let mut batch = variables.count(name, 1).map(|batch| batch as usize);
    let room = queue.unwrap_or(SPAN_QUEUE);
    if batch.is_some_and(|batch| batch > room) {
        variables.reject(name, format!("more than the {room} spans of the queue (OTEL_BSP_MAX_QUEUE_SIZE)"));
        batch = None;
    }
    let batch = batch.or((room < SPAN_BATCH).then_some(room));
    Batching { delay, batch, queue }
}

/// What the exporter holds where nothing is said.
// Sixteen times what the specification proposes: a burst must not lose spans before the export thread wakes, and bytes are bounded beside.
const SPAN_QUEUE: usize = 32_768;
const SPAN_BATCH: usize = 512;
