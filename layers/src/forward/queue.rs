//! The bounded hand-over of records from one producer thread to the one reader.
//!
//! A queue is a chain of chunks from a [`Pool`] that keeps one byte bound for the whole process: a thread
//! appends frames to its newest chunk, the reader takes them from the oldest and gives empty chunks back,
//! so a burst takes what memory there is and an idle thread holds one small chunk. Neither side ever waits
//! for the other; the only lock is the pool's, taken once per chunk.

use std::alloc::{Layout, alloc, dealloc};
use std::cell::Cell;
use std::ptr::{self, NonNull};

use crate::read::DropReason;
use crate::sync::{Arc, AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Mutex, Ordering, lock};

/// Size of a thread's first chunk, small because most threads log little.
const SMALL: usize = 8 << 10;
/// Size of every further chunk.
const LARGE: usize = 64 << 10;
/// Free chunks of one size that the pool keeps, in bytes.
const KEPT: usize = 4 << 20;
/// Bytes of a frame before its record: length of the whole frame, scope name with the known bit, context.
pub(crate) const FRAME: usize = 12;

/// Which scope a frame belongs to, as it stands in the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameScope {
    /// Scope name id, shifted left by one, and the known bit.
    pub(crate) name: u32,
    /// Context id.
    pub(crate) context: u32,
}

/// One block of memory in a queue's chain.
struct Chunk {
    /// Bytes that the reader may read; only grows.
    committed: AtomicUsize,
    /// Set once, after the last commit.
    next: AtomicPtr<Chunk>,
    capacity: usize,
    data: NonNull<u8>,
    #[cfg(weaver_loom)]
    touched: Vec<loom::cell::UnsafeCell<()>>,
}

// SAFETY: `data` is an allocation that the chunk owns; who may touch which byte is the queue's protocol.
unsafe impl Send for Chunk {}

impl Chunk {
    fn new(capacity: usize) -> Option<Box<Chunk>> {
        let layout = Layout::from_size_align(capacity, 8).ok()?;
        // SAFETY: the layout's size is not zero: callers pass at least SMALL, or FRAME and a record in tests.
        let data = NonNull::new(unsafe { alloc(layout) })?;
        Some(Box::new(Chunk {
            committed: AtomicUsize::new(0),
            next: AtomicPtr::new(ptr::null_mut()),
            capacity,
            data,
            #[cfg(weaver_loom)]
            touched: (0..capacity).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        }))
    }

    /// Tells the model checker that these bytes are written.
    fn wrote(&self, _range: std::ops::Range<usize>) {
        #[cfg(weaver_loom)]
        self.touched[_range].iter().for_each(|cell| cell.with_mut(|_| ()));
    }

    /// Tells the model checker that these bytes are read.
    fn reads(&self, _range: std::ops::Range<usize>) {
        #[cfg(weaver_loom)]
        self.touched[_range].iter().for_each(|cell| cell.with(|_| ()));
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, freed once.
        unsafe { dealloc(self.data.as_ptr(), Layout::from_size_align_unchecked(self.capacity, 8)) };
    }
}

/// Chunks for all queues of one layer, within one bound.
pub(crate) struct Pool {
    /// Bytes of all chunks, in queues and free.
    held: AtomicUsize,
    bound: usize,
    small: usize,
    large: usize,
    // Boxed, since a chunk that comes back comes as a box and goes out as one.
    #[allow(clippy::vec_box)]
    free: Mutex<[Vec<Box<Chunk>>; 2]>,
}

impl Pool {
    pub(crate) fn new(bound: usize) -> Arc<Pool> {
        Self::with_chunks(bound, SMALL, LARGE)
    }

    pub(crate) fn with_chunks(bound: usize, small: usize, large: usize) -> Arc<Pool> {
        Arc::new(Pool { held: AtomicUsize::new(0), bound, small, large, free: Mutex::new([Vec::new(), Vec::new()]) })
    }

    /// Bytes of all chunks now, and the bound.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        (self.held.load(Ordering::Relaxed), self.bound)
    }

    fn kept(&self, capacity: usize) -> Option<usize> {
        [self.small, self.large].iter().position(|size| *size == capacity)
    }

    fn take(&self, capacity: usize) -> Option<Box<Chunk>> {
        if let Some(chunk) = self.kept(capacity).and_then(|class| lock(&self.free)[class].pop()) {
            return Some(chunk);
        }
        if !self.charge(capacity) {
            // Free chunks of the other size may be what stands in the way.
            let idle = std::mem::take(&mut *lock(&self.free));
            idle.into_iter().flatten().for_each(|chunk| self.discard(chunk));
            if !self.charge(capacity) {
                return None;
            }
        }
        let chunk = Chunk::new(capacity);
        if chunk.is_none() {
            self.held.fetch_sub(capacity, Ordering::Relaxed);
        }
        chunk
    }

    fn charge(&self, capacity: usize) -> bool {
        if self.held.fetch_add(capacity, Ordering::Relaxed) + capacity <= self.bound {
            return true;
        }
        self.held.fetch_sub(capacity, Ordering::Relaxed);
        false
    }

    fn give_back(&self, chunk: Box<Chunk>) {
        if let Some(class) = self.kept(chunk.capacity) {
            let mut free = lock(&self.free);
            if (free[class].len() + 1) * chunk.capacity <= KEPT {
                chunk.committed.store(0, Ordering::Relaxed);
                chunk.next.store(ptr::null_mut(), Ordering::Relaxed);
                free[class].push(chunk);
                return;
            }
        }
        self.discard(chunk);
    }

    fn discard(&self, chunk: Box<Chunk>) {
        self.held.fetch_sub(chunk.capacity, Ordering::Relaxed);
        drop(chunk);
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("bound", &self.bound).finish_non_exhaustive()
    }
}

/// What producer and reader of one thread share.
pub(crate) struct Queue {
    /// Oldest chunk. Set by the producer once, from null; from then on the reader's.
    head: AtomicPtr<Chunk>,
    /// Frames committed; written by the producer alone.
    published: AtomicU64,
    /// Bytes of this queue's chunks.
    held: AtomicUsize,
    /// No further frame will come.
    done: AtomicBool,
    pool: Arc<Pool>,
}

impl Queue {
    pub(crate) fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let mut chunk = self.head.load(Ordering::Acquire);
        while !chunk.is_null() {
            // SAFETY: nobody else holds the queue, so the chain from its head is ours; each chunk came from `Box::into_raw`.
            let owned = unsafe { Box::from_raw(chunk) };
            chunk = owned.next.load(Ordering::Acquire);
            self.pool.give_back(owned);
        }
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

/// A queue's writing end. One thread holds it.
pub(crate) struct Producer {
    queue: Arc<Queue>,
    chunk: Cell<*mut Chunk>,
    /// Where the next frame begins.
    cursor: Cell<*mut u8>,
    end: Cell<*mut u8>,
}

/// A queue's reading end. One thread holds it.
pub(crate) struct Consumer {
    queue: Arc<Queue>,
    read: usize,
}

// SAFETY: a producer moves with the thread-local that owns it; its pointers lead into chunks that its queue keeps alive.
unsafe impl Send for Producer {}

/// A new queue. It takes no memory until the first frame.
pub(crate) fn queue(pool: &Arc<Pool>) -> (Producer, Consumer) {
    let queue = Arc::new(Queue {
        head: AtomicPtr::new(ptr::null_mut()),
        published: AtomicU64::new(0),
        held: AtomicUsize::new(0),
        done: AtomicBool::new(false),
        pool: pool.clone(),
    });
    let producer = Producer {
        queue: queue.clone(),
        chunk: Cell::new(ptr::null_mut()),
        cursor: Cell::new(ptr::null_mut()),
        end: Cell::new(ptr::null_mut()),
    };
    (producer, Consumer { queue, read: 0 })
}

impl Producer {
    /// Room for a frame of up to `len` bytes, [`FRAME`] among them: where the record begins, and where the room ends.
    ///
    /// Nothing is published until [`commit`](Self::commit); another `begin` without it starts at the same place.
    #[inline(always)]
    pub(crate) fn begin(&self, len: usize) -> Result<(*mut u8, *mut u8), DropReason> {
        if (self.end.get() as usize).wrapping_sub(self.cursor.get() as usize) < len {
            self.go_to_next(len)?;
        }
        // SAFETY: the chunk has at least `len` bytes from `cursor`, and `len` is at least `FRAME`.
        Ok((unsafe { self.cursor.get().add(FRAME) }, self.end.get()))
    }

    /// Goes to a chunk with room for a frame of up to `need` bytes.
    #[cold]
    #[inline(never)]
    fn go_to_next(&self, need: usize) -> Result<(), DropReason> {
        let pool = &self.queue.pool;
        let last = self.chunk.get();
        if need > pool.bound / 2 {
            return Err(DropReason::TooLarge);
        }
        let usual = if last.is_null() { pool.small } else { pool.large };
        let capacity = if need <= usual { usual } else { need.max(pool.large) };
        // Half of everything at most, so that one thread's burst leaves room for the others.
        if self.queue.held.load(Ordering::Relaxed) + capacity > pool.bound / 2 {
            return Err(DropReason::QueueFull);
        }
        let reason = if last.is_null() { DropReason::ThreadLimit } else { DropReason::QueueFull };
        let chunk = Box::into_raw(pool.take(capacity).ok_or(reason)?);
        self.queue.held.fetch_add(capacity, Ordering::Relaxed);
        // SAFETY: just made; this thread writes it until the reader frees it, which it does only past a non-null `next`.
        let data = unsafe { (*chunk).data.as_ptr() };
        if last.is_null() {
            self.queue.head.store(chunk, Ordering::Release);
        } else {
            // SAFETY: the reader leaves the newest chunk alone, and `last` is the newest until this store.
            unsafe { (*last).next.store(chunk, Ordering::Release) };
        }
        self.chunk.set(chunk);
        self.cursor.set(data);
        // SAFETY: the allocation has `capacity` bytes.
        self.end.set(unsafe { data.add(capacity) });
        Ok(())
    }

    /// Says which scope the frame of `record` belongs to. Once at least before [`commit`](Self::commit).
    ///
    /// # Safety
    /// `record` is the place that `begin` gave, and nothing was begun, pushed or committed since.
    #[inline(always)]
    pub(crate) unsafe fn frame(&self, record: *mut u8, scope: FrameScope) {
        // SAFETY: `begin` saw to FRAME bytes before the record.
        unsafe { record.sub(FRAME - 4).cast::<[u32; 2]>().write_unaligned([scope.name, scope.context]) };
    }

    /// Publishes the frame that was written from the last `begin` on.
    ///
    /// # Safety
    /// All up to `end` was written from `record` on, the place that `begin` gave, within the room that it gave, and its scope by
    /// [`frame`](Self::frame); nothing else was begun, pushed or committed since.
    #[inline(always)]
    pub(crate) unsafe fn commit(&self, record: *mut u8, end: *mut u8) {
        // SAFETY: `begin` saw to FRAME bytes before the record; the chunk is the newest, which the reader does not free.
        unsafe {
            let frame = record.sub(FRAME);
            let len = end as usize - frame as usize;
            frame.cast::<u32>().write_unaligned(len as u32);
            self.cursor.set(end);
            let chunk = &*self.chunk.get();
            // Only this thread writes it, so it is what is committed up to the frame.
            let before = chunk.committed.load(Ordering::Relaxed);
            chunk.wrote(before..before + len);
            chunk.committed.store(before + len, Ordering::Release);
        }
        let published = &self.queue.published;
        published.store(published.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Publishes a frame with a copy of `record`.
    pub(crate) fn push(&self, record: &[u8], scope: FrameScope) -> Result<(), DropReason> {
        let (place, _) = self.begin(FRAME + record.len())?;
        // SAFETY: `begin` gave room for `record.len()` bytes at `place`, and nothing came between.
        unsafe {
            ptr::copy_nonoverlapping(record.as_ptr(), place, record.len());
            self.frame(place, scope);
            self.commit(place, place.add(record.len()));
        }
        Ok(())
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.queue.done.store(true, Ordering::Release);
    }
}

/// What a turn of reading left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Frames, since the budget was used up.
    More,
    /// Nothing for now.
    Empty,
    /// Nothing for ever.
    Done,
}

impl Consumer {
    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Whether the thread has ended without a frame.
    pub(crate) fn is_spent(&self) -> bool {
        self.queue.done.load(Ordering::Acquire) && self.queue.head.load(Ordering::Acquire).is_null()
    }

    /// Hands frames to `take` in order, until about `budget` bytes went; lowers it by what went.
    pub(crate) fn drain(&mut self, budget: &mut usize, take: &mut dyn FnMut(FrameScope, &[u8])) -> Left {
        // Read before the frames: if it was set, no frame can come that is not seen below.
        let done = self.queue.done.load(Ordering::Acquire);
        loop {
            let head = self.queue.head.load(Ordering::Acquire);
            if head.is_null() {
                return if done { Left::Done } else { Left::Empty };
            }
            // SAFETY: only this reader frees chunks, and it moves `head` on when it does.
            let chunk = unsafe { &*head };
            // Before `committed`: with a next chunk, what is committed here is final.
            let next = chunk.next.load(Ordering::Acquire);
            let committed = chunk.committed.load(Ordering::Acquire);
            while self.read < committed {
                if *budget == 0 {
                    return Left::More;
                }
                chunk.reads(self.read..committed);
                // SAFETY: [read, committed) was written before the Release that `committed` was loaded from, and holds whole frames.
                let (scope, record) = unsafe {
                    let frame = chunk.data.as_ptr().add(self.read);
                    let [len, name, context] = frame.cast::<[u32; 3]>().read_unaligned();
                    (FrameScope { name, context }, std::slice::from_raw_parts(frame.add(FRAME), len as usize - FRAME))
                };
                self.read += FRAME + record.len();
                *budget = budget.saturating_sub(FRAME + record.len());
                take(scope, record);
            }
            if next.is_null() {
                return if done { Left::Done } else { Left::Empty };
            }
            self.queue.head.store(next, Ordering::Release);
            self.read = 0;
            // SAFETY: `head` came from `Box::into_raw`; the producer left it when it set `next`, and `head` has moved on.
            let empty = unsafe { Box::from_raw(head) };
            self.queue.held.fetch_sub(empty.capacity, Ordering::Relaxed);
            self.queue.pool.give_back(empty);
        }
    }
}
