//! The spans that one thread has entered, by the rules of `tracing_subscriber::Registry`.
//!
//! A span that is entered again does not become current again, and leaving a span removes its last entry,
//! wherever that stands. The first frames live in place, further ones on the heap. Only the thread itself
//! comes here.

use std::cell::{Cell, UnsafeCell};
use std::mem::ManuallyDrop;

use super::span_table::SpanPlace;

const IN_PLACE: usize = 16;

#[derive(Debug, Clone, Copy)]
struct Frame {
    span: u64,
    /// The context, and in the highest bit whether the span stands here already.
    context: u32,
    place: SpanPlace,
    /// Its id among trace spans, 0 for none.
    trace: u64,
}

/// What leaving a span gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    /// The context in force then.
    pub(crate) context: u32,
    /// Where the span's entry stands, if it is left altogether.
    pub(crate) place: SpanPlace,
    /// Its id among trace spans, 0 for none.
    pub(crate) trace: u64,
}

const DUPLICATE: u32 = 1 << 31;

const NO_FRAME: Frame = Frame { span: 0, context: 0, place: SpanPlace::NONE, trace: 0 };

impl Frame {
    #[inline(always)]
    fn is_duplicate(&self) -> bool {
        self.context & DUPLICATE != 0
    }

    /// The frame of a span that has ended. No span has the id 0, so that a new one of its id is not taken for it.
    fn ended(&self) -> Frame {
        Frame { context: self.context & DUPLICATE, ..NO_FRAME }
    }
}

/// The entered spans of one thread under one layer.
pub(crate) struct SpanStack {
    frames: [Cell<Frame>; IN_PLACE],
    len: Cell<usize>,
    /// Frames past those in place. Not dropped, since a thread-local with a destructor costs every access;
    /// [`clear`](Self::clear) frees them at the thread's end.
    spilled: UnsafeCell<ManuallyDrop<Vec<Frame>>>,
}

impl SpanStack {
    pub(crate) const fn new() -> SpanStack {
        SpanStack {
            frames: [const { Cell::new(NO_FRAME) }; IN_PLACE],
            len: Cell::new(0),
            spilled: UnsafeCell::new(ManuallyDrop::new(Vec::new())),
        }
    }

    fn frame(&self, at: usize) -> Frame {
        if at < IN_PLACE {
            return self.frames[at].get();
        }
        // SAFETY: the stack is one thread's, and no reference into the vector outlives a method of this type.
        unsafe { (&*self.spilled.get())[at - IN_PLACE] }
    }

    /// Enters a span whose context is `context`, whose entry stands at `place` and whose id among trace spans is `trace`; returns the
    /// context in force then.
    #[inline(always)]
    pub(crate) fn push(&self, span: u64, context: u32, place: SpanPlace, trace: u64) -> u32 {
        let len = self.len.get();
        if len >= IN_PLACE || self.frames[..len].iter().any(|frame| frame.get().span == span) {
            return self.push_inner(span, context, place, trace);
        }
        self.frames[len].set(Frame { span, context, place, trace });
        self.len.set(len + 1);
        context
    }

    #[cold]
    #[inline(never)]
    fn push_inner(&self, span: u64, context: u32, place: SpanPlace, trace: u64) -> u32 {
        let len = self.len.get();
        let duplicate = (0..len).any(|at| self.frame(at).span == span);
        let frame = Frame { span, context: context | if duplicate { DUPLICATE } else { 0 }, place, trace };
        if len < IN_PLACE {
            self.frames[len].set(frame);
        } else {
            // SAFETY: as in `frame`.
            unsafe { (*self.spilled.get()).push(frame) };
        }
        self.len.set(len + 1);
        self.current()
    }

    /// Leaves a span.
    #[inline(always)]
    pub(crate) fn pop(&self, span: u64) -> Left {
        let last = self.len.get().wrapping_sub(1);
        if last < IN_PLACE {
            let frame = self.frames[last].get();
            if frame.span == span && !frame.is_duplicate() {
                self.len.set(last);
                let outer = if last == 0 { NO_FRAME } else { self.frames[last - 1].get() };
                let context = if outer.is_duplicate() { self.current() } else { outer.context };
                return Left { context, place: frame.place, trace: frame.trace };
            }
        }
        self.pop_inner(span)
    }

    #[cold]
    #[inline(never)]
    fn pop_inner(&self, span: u64) -> Left {
        let len = self.len.get();
        let mut left = NO_FRAME;
        if let Some(at) = (0..len).rev().find(|at| self.frame(*at).span == span) {
            let frame = self.frame(at);
            // SAFETY: as in `frame`.
            let spilled = unsafe { &mut *self.spilled.get() };
            if at >= IN_PLACE {
                spilled.remove(at - IN_PLACE);
            } else {
                let in_place = len.min(IN_PLACE);
                (at..in_place - 1).for_each(|at| self.frames[at].set(self.frames[at + 1].get()));
                if len > IN_PLACE {
                    self.frames[IN_PLACE - 1].set(spilled.remove(0));
                }
            }
            left = frame;
            self.len.set(len - 1);
        }
        let inside = (0..self.len.get()).any(|at| self.frame(at).span == span);
        Left { context: self.current(), place: if inside { SpanPlace::NONE } else { left.place }, trace: left.trace }
    }

    /// The context in force: of the innermost entered span that is no duplicate.
    pub(crate) fn current(&self) -> u32 {
        let mut at = self.len.get();
        while at > 0 {
            at -= 1;
            let frame = self.frame(at);
            if !frame.is_duplicate() {
                return frame.context;
            }
        }
        0
    }

    /// Takes spans that have ended out of force: `alive` says of a span and its context whether it has not.
    pub(crate) fn end(&self, alive: impl Fn(u64, u32) -> bool) {
        for at in 0..self.len.get() {
            let frame = self.frame(at);
            let context = frame.context & !DUPLICATE;
            if context == 0 || alive(frame.span, context) {
                continue;
            }
            if at < IN_PLACE {
                self.frames[at].set(frame.ended());
            } else {
                // SAFETY: as in `frame`.
                unsafe { (&mut *self.spilled.get())[at - IN_PLACE] = frame.ended() };
            }
        }
    }

    /// Forgets all, and gives the memory back.
    pub(crate) fn clear(&self) {
        self.len.set(0);
        // SAFETY: as in `frame`.
        drop(std::mem::take(unsafe { &mut **self.spilled.get() }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Registry does, written down plainly.
    #[derive(Default)]
    struct Model(Vec<(u64, bool)>);

    impl Model {
        fn push(&mut self, span: u64) {
            let duplicate = self.0.iter().any(|(known, _)| *known == span);
            self.0.push((span, duplicate));
        }

        fn pop(&mut self, span: u64) {
            if let Some(at) = self.0.iter().rposition(|(known, _)| *known == span) {
                self.0.remove(at);
            }
        }

        fn current(&self) -> u32 {
            self.0.iter().rev().find(|(_, duplicate)| !duplicate).map_or(0, |(span, _)| *span as u32 * 10)
        }
    }

    proptest! {
        #[test]
        fn any_order_of_entering_and_leaving_gives_the_context_that_registry_would_call_current(
            steps in prop::collection::vec((any::<bool>(), 1u64..24), 0..120)
        ) {
            let (stack, mut model) = (SpanStack::new(), Model::default());
            for (enter, span) in steps {
                let current = if enter {
                    model.push(span);
                    stack.push(span, span as u32 * 10, SpanPlace::NONE, span)
                } else {
                    model.pop(span);
                    let left = stack.pop(span);
                    prop_assert!(left.trace == 0 || left.trace == span);
                    left.context
                };
                prop_assert_eq!(current, model.current());
                prop_assert_eq!(stack.current(), model.current());
            }
            stack.clear();
        }
    }
}
