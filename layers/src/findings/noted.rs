//! Which disagreements were met, and how often: a bounded set that threads share without a lock.
//!
//! Cold paths of the layer count here each time something is wrong, as often as that may be. An entry is never taken out again.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Most entries; half of the places, so that a search is short.
pub(crate) const MAX_NOTED: usize = PLACES / 2;

const PLACES: usize = 2048;

#[derive(Debug, Default)]
struct Place {
    /// 0 for a free place.
    key: AtomicU64,
    count: AtomicU64,
}

/// A set of keys with a count for each.
#[derive(Debug)]
pub(crate) struct Noted {
    places: Box<[Place]>,
    len: AtomicUsize,
}

/// What became of one count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The key is new; its count stands at this place.
    First(usize),
    Again,
    /// The key is new and finds no room.
    Full,
}

impl Noted {
    pub(crate) fn new() -> Noted {
        Noted { places: (0..PLACES).map(|_| Place::default()).collect(), len: AtomicUsize::new(0) }
    }

    /// Counts a key, which is not 0.
    pub(crate) fn count(&self, key: u64) -> Counted {
        for step in 0..PLACES {
            let at = (key as usize).wrapping_add(step) % PLACES;
            let place = &self.places[at];
            let mut found = place.key.load(Ordering::Relaxed);
            let mut first = false;
            if found == 0 {
                if self.len.load(Ordering::Relaxed) >= MAX_NOTED {
                    return Counted::Full;
                }
                match place.key.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        self.len.fetch_add(1, Ordering::Relaxed);
                        (found, first) = (key, true);
                    }
                    Err(other) => found = other,
                }
            }
            if found == key {
                place.count.fetch_add(1, Ordering::Relaxed);
                return if first { Counted::First(at) } else { Counted::Again };
            }
        }
        Counted::Full
    }

    /// The count at a place.
    pub(crate) fn read(&self, place: usize) -> u64 {
        self.places[place].count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_first_once_however_many_threads_count_it() {
        let noted = Noted::new();
        let firsts: usize = std::thread::scope(|scope| {
            let count = || (0..1000u64).filter(|at| matches!(noted.count(at % 50 * 4096 + 7), Counted::First(_))).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(firsts, 50);
        let total: u64 = (0..PLACES).map(|place| noted.read(place)).sum();
        assert_eq!(total, 8000);
    }

    #[test]
    fn past_the_bound_a_new_key_finds_no_room_and_a_known_one_still_counts() {
        let noted = Noted::new();
        let counted: Vec<_> = (1..=10_000u64).map(|key| noted.count(key)).collect();
        assert_eq!(counted.iter().filter(|counted| matches!(counted, Counted::First(_))).count(), MAX_NOTED);
        assert!(counted[MAX_NOTED..].iter().all(|counted| *counted == Counted::Full));
        assert_eq!(noted.count(1), Counted::Again);
        assert_eq!(noted.count(10_000), Counted::Full);
    }
}
