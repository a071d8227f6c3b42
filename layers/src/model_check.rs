//! Queue and shard under every interleaving that the memory model allows.
//!
//! Run by `RUSTFLAGS="--cfg weaver_loom" cargo test -p tracing-weaver-layers --lib --release`: the modules that
//! ship, with the checker's atomics in place of the standard ones.

use loom::thread;
use tracing_weaver_registry::model::MetricSetId;

use crate::fold::shard::{Block, Shard};
use crate::forward::queue::{FRAME, FrameScope, Left, Pool, queue};
use crate::read::DropReason;
use crate::sync::Arc;

const RECORD: usize = 4;

fn scope(n: u32) -> FrameScope {
    FrameScope { name: n, context: n + 1 }
}

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn the_reader_sees_whole_records_in_order_across_chunks_and_every_one_once_the_thread_has_ended() {
    check(|| {
        // Two records fill a chunk, so three cross into the next.
        let pool = Pool::with_chunks(1 << 10, 2 * (RECORD + FRAME), 2 * (RECORD + FRAME));
        let (producer, mut consumer) = queue(&pool);
        let writing = thread::spawn(move || {
            for n in 0..3u32 {
                producer.push(&n.to_le_bytes(), scope(n)).expect("within the bound");
            }
        });
        let mut seen = Vec::new();
        let mut take = |of: FrameScope, bytes: &[u8]| seen.push((of, bytes.to_vec()));
        let mut left = consumer.drain(&mut usize::MAX.clone(), &mut take);
        writing.join().expect("no panic");
        while left != Left::Done {
            left = consumer.drain(&mut usize::MAX.clone(), &mut take);
        }
        let expected: Vec<_> = (0..3u32).map(|n| (scope(n), n.to_le_bytes().to_vec())).collect();
        assert_eq!(seen, expected);
        assert_eq!(consumer.queue().published(), 3);
    });
}

#[test]
fn chunks_that_the_reader_gave_back_are_used_again_and_never_while_it_still_reads() {
    check(|| {
        let chunk = RECORD + FRAME;
        let pool = Pool::with_chunks(4 * chunk, chunk, chunk);
        let (producer, mut consumer) = queue(&pool);
        let reading = thread::spawn(move || {
            let mut seen = Vec::new();
            for _ in 0..2 {
                consumer.drain(&mut usize::MAX.clone(), &mut |_, bytes| seen.push(bytes[0]));
            }
            (consumer, seen)
        });
        let mut sent = Vec::new();
        for n in 0..4u8 {
            match producer.push(&[n; RECORD], scope(0)) {
                Ok(()) => sent.push(n),
                Err(reason) => assert_eq!(reason, DropReason::QueueFull),
            }
        }
        drop(producer);
        let (mut consumer, mut seen) = reading.join().expect("no panic");
        while consumer.drain(&mut usize::MAX.clone(), &mut |_, bytes| seen.push(bytes[0])) != Left::Done {}
        assert_eq!(seen, sent);
        drop(consumer);
        let (held, _) = pool.bytes();
        assert!(held <= 4 * chunk);
    });
}

#[test]
fn a_queue_that_is_dropped_with_records_in_it_gives_its_memory_back() {
    check(|| {
        let chunk = RECORD + FRAME;
        let pool = Pool::with_chunks(8 * chunk, chunk, 2 * chunk);
        let (producer, consumer) = queue(&pool);
        let writing = thread::spawn(move || {
            for n in 0..2u32 {
                let _ = producer.push(&n.to_le_bytes(), scope(n));
            }
        });
        drop(consumer);
        writing.join().expect("no panic");
    });
}

#[test]
fn a_reader_sees_totals_that_only_grow_and_the_last_one_once_the_shard_is_retired() {
    check(|| {
        let shard = Shard::new();
        let writer = shard.clone();
        let writing = thread::spawn(move || {
            let first = writer.add(Block::new(MetricSetId(0), 0, 2));
            // SAFETY: this thread made the block and alone writes it; both words are within it.
            unsafe { first.update(0, |sum| sum + 1) };
            let second = writer.add(Block::new(MetricSetId(1), 0, 1));
            // SAFETY: as above.
            unsafe {
                first.update(0, |sum| sum + 1);
                second.update(0, |sum| sum + 5);
            }
            writer.retire();
        });
        let total = |shard: &Arc<Shard>| shard.blocks().iter().flat_map(|block| block.read()).sum::<u64>();
        let mut last = 0;
        for _ in 0..2 {
            let retired = shard.is_retired();
            let now = total(&shard);
            assert!(now >= last && (!retired || now == 7), "{last} -> {now}, retired: {retired}");
            last = now;
        }
        writing.join().expect("no panic");
        assert_eq!(total(&shard), 7);
    });
}
