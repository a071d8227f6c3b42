//! What a person wants to see: metric sets as tables and, at shutdown, what was exported and what was not.
//! `Display` of a snapshot and `Telemetry::shutdown` call it.
//! It reads counts and snapshots, changes nothing, and lets no text of the program act on a terminal.

#[cfg(feature = "console")]
mod at_shutdown;
mod metric_sets;
mod number;
mod table;

#[cfg(feature = "console")]
pub(crate) use at_shutdown::{AtShutdown, at_shutdown};
