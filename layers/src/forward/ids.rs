//! Trace and span id of a record.
//!
//! The layer asks once per record, before the record is begun, and the record visitor writes them. OpenTelemetry keeps the current
//! span per thread; without the feature `spans` there is none. Nothing here may unwind or touch a thread-local that is gone.

use super::encode::tag;

/// A span's place in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanIds {
    /// 0 for none, as for the span.
    pub(crate) trace: u128,
    pub(crate) span: u64,
    /// W3C's trace flags.
    pub(crate) flags: u8,
}

impl SpanIds {
    pub(crate) const NONE: SpanIds = SpanIds { trace: 0, span: 0, flags: 0 };

    /// Writes the fields of a record; returns how many bytes, 0 where there is no span.
    ///
    /// # Safety
    /// There is room for [`IDS_ROOM`] bytes.
    #[inline(always)]
    pub(crate) unsafe fn write(&self, at: *mut u8) -> usize {
        if self.trace == 0 || self.span == 0 {
            return 0;
        }
        // SAFETY: within the room.
        unsafe {
            at.cast::<[u8; 8]>().write([tag::FLAGS, self.flags, 0, 0, 0, tag::TRACE_ID, 16, 0]);
            at.add(7).cast::<[u8; 16]>().write(self.trace.to_be_bytes());
            at.add(23).cast::<[u8; 2]>().write([tag::SPAN_ID, 8]);
            at.add(25).cast::<[u8; 8]>().write(self.span.to_be_bytes());
        }
        IDS_ROOM
    }
}

/// Bytes of the ids in a record: flags, trace id and span id, each behind its tag, the ids behind their lengths too.
pub(crate) const IDS_ROOM: usize = 5 + 18 + 10;

#[cfg(not(feature = "spans"))]
impl SpanIds {
    /// There is no current span.
    #[inline(always)]
    pub(crate) fn current() -> SpanIds {
        SpanIds::NONE
    }
}

#[cfg(feature = "spans")]
impl SpanIds {
    /// Those of OpenTelemetry's current span. User code may run here, if a panic of OpenTelemetry's is reported: no record must be begun.
    #[inline(always)]
    pub(crate) fn current() -> SpanIds {
        use opentelemetry::trace::TraceContextExt;

        let asked = crate::otel_context::current(|context| {
            if !context.has_active_span() {
                return SpanIds::NONE;
            }
            let span = context.span();
            let span = span.span_context();
            SpanIds {
                trace: u128::from_be_bytes(span.trace_id().to_bytes()),
                span: u64::from_be_bytes(span.span_id().to_bytes()),
                flags: span.trace_flags().to_u8(),
            }
        });
        asked.unwrap_or(SpanIds::NONE)
    }
}
