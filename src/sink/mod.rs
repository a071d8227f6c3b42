//! Sinks inside the process: the console, a file of OTLP-JSON lines, the memory of a test.
//! Start-up makes them, the export thread gives them each batch.
//! A sink never emits `tracing` events, never panics, and answers a failed write with an error that is counted.

#[cfg(feature = "console")]
mod console;
mod file;
mod memory;
#[cfg(feature = "console")]
mod tally;

#[cfg(feature = "console")]
pub(crate) use console::{Console, severity_name};
pub(crate) use file::JsonLines;
pub use memory::Memory;
#[cfg(feature = "console")]
pub(crate) use tally::{ConsoleTally, SpanTally, TalliedEvent, TalliedName};
