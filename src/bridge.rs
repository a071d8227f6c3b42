//! The bridge of the `log` crate: its records become events of the global subscriber.
//! `install` sets it, and `set_filter` adjusts it.
//! `log`'s own level follows the filter, so that the dependencies' `log::trace!` costs nothing; folds do not come from `log`.

use tracing_weaver_layers::Weaver;

use crate::error::Error;

/// The logger that this process's `log` has from us.
#[derive(Debug)]
pub(crate) struct LogBridge {
    #[cfg_attr(not(feature = "log"), expect(dead_code))]
    neighbours: bool,
}

impl LogBridge {
    /// Becomes the logger; silent before [`adjust`](Self::adjust). `neighbours` want records whether ours forwards them or not.
    #[cfg(feature = "log")]
    pub(crate) fn set(neighbours: bool) -> Result<Self, Error> {
        log::set_boxed_logger(Box::new(tracing_log::LogTracer::new())).map_err(|_| Error::LoggerExists)?;
        Ok(LogBridge { neighbours })
    }

    /// Lets through what the filter forwards: that of `weaver`, or for neighbours the directives whatever ours does.
    #[cfg(feature = "log")]
    pub(crate) fn adjust(&self, directives: &str, weaver: Option<&Weaver>) {
        use tracing_core::LevelFilter;
        use tracing_log::AsLog as _;
        let level = match weaver {
            Some(weaver) if !self.neighbours => weaver.forward_level(),
            _ => tracing_subscriber::EnvFilter::builder().parse_lossy(directives).max_level_hint().unwrap_or(LevelFilter::TRACE),
        };
        log::set_max_level(level.as_log());
    }

    /// This build has no bridge.
    #[cfg(not(feature = "log"))]
    pub(crate) fn set(neighbours: bool) -> Result<Self, Error> {
        Ok(LogBridge { neighbours })
    }

    /// This build has no bridge.
    #[cfg(not(feature = "log"))]
    pub(crate) fn adjust(&self, _: &str, _: Option<&Weaver>) {}
}
