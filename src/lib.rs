//! Facade.
mod export;
pub use export::{DestinationReport, DropReason, FlushError, Report, SignalReport, Stats};
