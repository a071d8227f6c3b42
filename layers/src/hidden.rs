//! What the registry counts and what never reaches the layer, since somebody hides it from the whole subscriber.
//!
//! The layer's filter notes the callsites that count; the facade's look-out asks now and then whether they pass. Nothing
//! here may be asked on a thread that emits: the question leaves notes there that cost a neighbour its next event.

use std::cell::Cell;

use tracing::level_filters::STATIC_MAX_LEVEL;
use tracing_core::{Dispatch, LevelFilter, Metadata};

use crate::weaver::Weaver;

/// Something that the registry counts, or whose entity it opens, and that no layer can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hidden {
    /// `tracing` was compiled without callsites that are more verbose than this.
    CompiledOut(LevelFilter),
    /// Filters for the whole subscriber let nothing through that is more verbose than this.
    Level(LevelFilter),
    /// A filter for the whole subscriber or around the layer does not let this callsite through, at least where no span is entered.
    Callsite(&'static Metadata<'static>),
}

impl Weaver {
    /// How many callsites are known that fold or open entities: where it has grown, there is reason to look again.
    pub fn counted_callsites(&self) -> usize {
        self.counted.callsites().len()
    }

    /// What the registry counts and the layer cannot see, whoever hides it; `None` where no dispatcher is known to hold the layer.
    ///
    /// It asks the filters of the whole stack about every callsite that is known so far. Call it on a thread that emits nothing, then or
    /// later.
    pub fn hidden_from_folds(&self) -> Option<Vec<Hidden>> {
        let dispatch = self.counted.holder()?;
        if !self.counts() {
            return Some(Vec::new());
        }
        let passes = LevelFilter::current();
        let mut hidden = by_level(STATIC_MAX_LEVEL, passes);
        let counted = self.counted.callsites();
        let is_closed = |metadata: &'static Metadata<'static>| *metadata.level() <= passes && !reaches(&dispatch, self.instance, metadata);
        let mut closed: Vec<_> = counted.into_iter().filter(|metadata| is_closed(metadata)).collect();
        closed.sort_by_key(|metadata| (metadata.name(), metadata.file(), metadata.line()));
        hidden.extend(closed.into_iter().map(Hidden::Callsite));
        Some(hidden)
    }
}

thread_local! {
    /// The layer whose filter is waited for, 0 for none, and whether it was asked.
    static AWAITED: Cell<(u32, bool)> = const { Cell::new((0, false)) };
}

/// The filter of a layer is asked about a callsite.
#[inline]
pub(crate) fn note_asked(instance: u32) {
    if AWAITED.get().0 == instance {
        AWAITED.set((instance, true));
    }
}

/// Whether this thread asks what the stack hides.
#[inline]
pub(crate) fn is_asking() -> bool {
    AWAITED.get().0 != 0
}

/// Whether a callsite passes the stack, as `tracing` asks: once for all, and each time where the answer is "sometimes". Each time it must
/// come to the layer's own filter, too: others may pass where somebody put a filter around the layer.
fn reaches(dispatch: &Dispatch, instance: u32, metadata: &'static Metadata<'static>) -> bool {
    let interest = dispatch.register_callsite(metadata);
    if !interest.is_sometimes() {
        return interest.is_always();
    }
    AWAITED.set((instance, false));
    let passes = dispatch.enabled(metadata);
    AWAITED.replace((0, false)).1 && passes
}

/// What was not compiled, and of the rest what the process keeps from callsites.
fn by_level(compiled: LevelFilter, passes: LevelFilter) -> Vec<Hidden> {
    let compiled_out = (compiled < LevelFilter::TRACE).then_some(Hidden::CompiledOut(compiled));
    let level = (passes < compiled).then_some(Hidden::Level(passes));
    compiled_out.into_iter().chain(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_out_is_said_apart_from_what_a_filter_hides() {
        let (trace, info, warn) = (LevelFilter::TRACE, LevelFilter::INFO, LevelFilter::WARN);
        assert_eq!(by_level(trace, trace), []);
        assert_eq!(by_level(trace, info), [Hidden::Level(info)]);
        assert_eq!(by_level(info, trace), [Hidden::CompiledOut(info)]);
        assert_eq!(by_level(info, warn), [Hidden::CompiledOut(info), Hidden::Level(warn)]);
    }
}
