//! Somebody who wants to look at something now and then, off the threads of the program.
//! The export thread calls it every turn.
//! It must come back at once, and never panic.

use std::fmt::Debug;
use std::time::Instant;

/// Looks at something now and then.
pub(crate) trait Watch: Debug + Send {
    /// A turn; `ending` in those that come after the program asked for the end.
    fn turn(&mut self, now: Instant, ending: bool);
}
