//! The one reader of records: it goes round the queues of all threads.
//!
//! The export thread owns it. It never waits for a producer, and gives every queue its turn.

use std::fmt;
use std::sync::Arc;

use crate::forward::queue::{Consumer, Left};
use crate::read::{ContextId, Record, RecordScope};
use crate::weaver::Weaver;

/// The one reader of records.
///
/// [`weave`](crate::weave) makes it, and has an example.
pub struct RecordReader {
    weaver: Arc<Weaver>,
    queues: Vec<Consumer>,
    /// Where the next turn begins, so that no queue waits for ever.
    next: usize,
}

impl fmt::Debug for RecordReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordReader").field("queues", &self.queues.len()).finish_non_exhaustive()
    }
}

impl RecordReader {
    pub(crate) fn new(weaver: Arc<Weaver>) -> RecordReader {
        RecordReader { weaver, queues: Vec::new(), next: 0 }
    }

    /// Hands records to `take`, those of one thread in its order, until about `budget` bytes went.
    /// Returns whether more are waiting. Never waits.
    ///
    /// ```
    /// # use tracing_weaver_layers::{Settings, weave};
    /// # let (_layer, _weaver, mut reader) = weave::<tracing_subscriber::Registry>(Settings::new(Default::default()))?;
    /// let mut bytes = 0;
    /// while reader.drain(1 << 20, &mut |record| bytes += record.bytes.len()) {
    ///     // There is more; something else may have its turn first.
    /// }
    /// assert_eq!(bytes, 0);
    /// # Ok::<(), tracing_weaver_layers::PlanError>(())
    /// ```
    pub fn drain(&mut self, budget: usize, take: &mut dyn FnMut(Record<'_>)) -> bool {
        self.queues.append(&mut self.weaver.new_queues());
        let mut left = budget;
        let mut more = false;
        let mut taken = 0;
        let mut ended = Vec::new();
        let count = self.queues.len();
        for turn in 0..count {
            let at = (self.next + turn) % count;
            let state = self.queues[at].drain(&mut left, &mut |frame, bytes| {
                taken += 1;
                let scope = RecordScope { name: frame.name >> 1, known: frame.name & 1 == 1, context: ContextId(frame.context) };
                take(Record { scope, bytes });
            });
            match state {
                Left::More => {
                    more = true;
                    self.next = (at + 1) % count;
                    break;
                }
                Left::Done => ended.push(at),
                Left::Empty => {}
            }
        }
        self.weaver.note_taken(taken);
        self.forget(ended);
        more
    }

    fn forget(&mut self, mut ended: Vec<usize>) {
        ended.sort_unstable();
        for at in ended.into_iter().rev() {
            let consumer = self.queues.swap_remove(at);
            self.weaver.forget_queue(consumer.queue());
        }
    }
}
