//! A program whose `log` has a logger already: `install()` says what to write, and what it says works.
#![cfg(feature = "log")]

#[path = "support/line.rs"]
mod line;

use line::written;
use tracing_subscriber::prelude::*;
use tracing_weaver::Error;

struct Theirs;

impl log::Log for Theirs {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &log::Record<'_>) {}

    fn flush(&self) {}
}

#[test]
fn an_existing_logger_is_an_error_whose_line_works_and_leaves_log_alone() -> Result<(), Box<dyn std::error::Error>> {
    log::set_logger(&Theirs)?;
    log::set_max_level(log::LevelFilter::Error);
    let error = tracing_weaver::builder().install().unwrap_err();
    assert!(matches!(error, Error::LoggerExists), "{error}");
    assert!(error.to_string().contains("remove its `init()`"), "{error}");
    assert_eq!(log::max_level(), log::LevelFilter::Error);

    written!(error, {
        let (telemetry, layer) = tracing_weaver::builder().build()?;
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
    });
    tracing::info!("seen");
    assert_eq!(telemetry.stats().records.created, 1);
    assert_eq!(log::max_level(), log::LevelFilter::Error);
    Ok(())
}
