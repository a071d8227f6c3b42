//! A program that has a global subscriber already: `install()` says what to write, and `build()` is the way.
#![cfg(feature = "log")]

use tracing_subscriber::prelude::*;
use tracing_weaver::{Error, Memory};

#[test]
fn an_existing_global_subscriber_is_an_error_that_says_what_to_write_instead() {
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    let error = tracing_weaver::builder().install().unwrap_err();
    assert!(matches!(error, Error::SubscriberExists), "{error}");
    let text = error.to_string();
    assert!(text.contains("let (telemetry, layer) = tracing_weaver::builder().build()?;") && text.contains(".with(layer)"), "{text}");

    let scoped = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::new());
    assert!(matches!(tracing_weaver::builder().install(), Err(Error::SubscriberExists)), "hidden by one of this thread");
    drop(scoped);
    assert_eq!(log::max_level(), log::LevelFilter::Off);

    let telemetry = tracing_weaver::builder().install_or_degrade();
    assert_eq!(telemetry.describe(), "telemetry is switched off");
    assert!(telemetry.shutdown(std::time::Duration::ZERO).deadline_met);

    let memory = Memory::new();
    let (telemetry, layer) = tracing_weaver::builder().console(false).memory(&memory).build().unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || tracing::info!("by build"));
    telemetry.force_flush(std::time::Duration::from_secs(5)).unwrap();
    assert!(memory.logs()[0].contains("by build"));
}
