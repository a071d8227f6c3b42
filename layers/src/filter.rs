//! Which records are forwarded. (Skeleton.)
use std::fmt;

use tracing_subscriber::EnvFilter;

/// Directives in `EnvFilter`'s grammar.
#[derive(Debug)]
pub struct ForwardFilter {
    directives: String,
    _env: EnvFilter,
}
impl Default for ForwardFilter {
    fn default() -> Self {
        ForwardFilter { directives: "info".into(), _env: EnvFilter::new("info") }
    }
}

/// A directive that could not be read.
#[derive(Debug, Clone)]
pub struct BadDirective {
    /// As written.
    pub directive: String,
    /// What is wrong with it.
    pub reason: String,
}
impl fmt::Display for BadDirective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.directive, self.reason)
    }
}
impl std::error::Error for BadDirective {}

impl ForwardFilter {
    /// Reads directives; a bad one is an error.
    pub fn parse(directives: &str) -> Result<Self, BadDirective> {
        Ok(ForwardFilter {
            directives: directives.into(),
            _env: EnvFilter::try_new(directives).map_err(|e| BadDirective { directive: directives.into(), reason: e.to_string() })?,
        })
    }
    /// Reads directives; bad ones are skipped and returned, and `info` holds if none is left.
    pub fn parse_lossy(directives: &str) -> (Self, Vec<BadDirective>) {
        match Self::parse(directives) {
            Ok(f) => (f, vec![]),
            Err(e) => (Self::default(), vec![e]),
        }
    }
    /// The directives in force, as text.
    pub fn directives(&self) -> &str {
        &self.directives
    }
}
