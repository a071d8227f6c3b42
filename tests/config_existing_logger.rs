//! A program whose `log` has a logger already.
#![cfg(feature = "log")]

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
fn an_existing_logger_is_an_error_and_leaves_the_global_subscriber_alone() {
    log::set_logger(&Theirs).unwrap();
    log::set_max_level(log::LevelFilter::Error);
    let error = tracing_weaver::builder().install().unwrap_err();
    assert!(matches!(error, Error::LoggerExists), "{error}");
    assert!(error.to_string().contains("remove its `init()`"), "{error}");
    assert_eq!(log::max_level(), log::LevelFilter::Error);
    assert!(tracing::subscriber::set_global_default(tracing_subscriber::registry()).is_ok());
}
