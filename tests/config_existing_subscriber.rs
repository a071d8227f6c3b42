//! A program that has a global subscriber already: `install()` says what to write, and `build()` is the way.
#![cfg(feature = "log")]

#[path = "support/again.rs"]
mod again;
#[path = "support/line.rs"]
mod line;

use line::written;
use tracing_subscriber::{filter::LevelFilter, prelude::*};
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

#[test]
#[ignore = "a program that a test runs"]
fn a_program_that_writes_what_the_error_says() {
    fn program() -> Result<(), Box<dyn std::error::Error>> {
        written!(Error::SubscriberExists, {
            let (telemetry, layer) = tracing_weaver::builder().build()?;
            tracing_subscriber::registry().with(layer).with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO)).init();
        });
        tracing::info!("seen by both");
        tracing::debug!("not by theirs");
        println!("records {}", telemetry.stats().records.created);
        Ok(())
    }
    program().unwrap();
}

#[test]
fn the_line_that_the_error_says_works() {
    let said = again::run("a_program_that_writes_what_the_error_says", &[("TRACING_WEAVER_LOG", "debug")]);
    assert!(said.stdout.contains("seen by both") && !said.stdout.contains("not by theirs"), "{}", said.stdout);
    assert!(said.stdout.contains("records 2"), "{}", said.stdout);
}
