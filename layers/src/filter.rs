//! Which records are forwarded: directives in the grammar of [`EnvFilter`], which parses and matches them.
//!
//! Start-up reads them, the layer's own per-layer filter asks them, and callsite plans keep the answer. They
//! decide records only: entities and folds never depend on them.

use std::fmt;

use tracing_core::subscriber::Interest;
use tracing_core::{LevelFilter, Metadata};
use tracing_subscriber::filter::Directive;
use tracing_subscriber::layer::Filter;
use tracing_subscriber::{EnvFilter, Registry};

/// Directives that decide which records are forwarded.
///
/// ```
/// use tracing_weaver_layers::ForwardFilter;
///
/// let (filter, bad) = ForwardFilter::parse_lossy("warn,my_crate=debug,other=loud");
/// assert_eq!(filter.directives(), "warn,my_crate=debug");
/// assert_eq!(bad[0].directive, "other=loud");
/// ```
#[derive(Debug)]
pub struct ForwardFilter {
    directives: String,
    pub(crate) env: EnvFilter,
    /// Some directive asks for spans, so that what is entered matters.
    pub(crate) by_span: bool,
}

impl Default for ForwardFilter {
    /// `info`.
    fn default() -> Self {
        ForwardFilter::of(&["info"])
    }
}

/// A directive that could not be read.
///
/// ```
/// let bad = tracing_weaver_layers::ForwardFilter::parse("info,orders=loud").expect_err("no level");
/// assert_eq!(bad.directive, "orders=loud");
/// println!("{bad}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadDirective {
    /// The directive as it was written.
    pub directive: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for BadDirective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "filter directive `{}`: {}; write `level`, `target=level` or `target[span{{field=value}}]=level`",
            self.directive, self.reason
        )
    }
}

impl std::error::Error for BadDirective {}

impl ForwardFilter {
    /// Reads directives, separated by commas; nothing at all means `info`.
    ///
    /// ```
    /// use tracing_weaver_layers::ForwardFilter;
    ///
    /// assert_eq!(ForwardFilter::parse("warn,shop=debug")?.directives(), "warn,shop=debug");
    /// assert_eq!(ForwardFilter::parse("")?.directives(), "info");
    /// assert_eq!(ForwardFilter::parse("warn,shop=loud").expect_err("no level").directive, "shop=loud");
    /// # Ok::<(), tracing_weaver_layers::BadDirective>(())
    /// ```
    ///
    /// # Errors
    /// The first directive that cannot be read.
    pub fn parse(directives: &str) -> Result<Self, BadDirective> {
        match Self::parse_lossy(directives) {
            (filter, bad) if bad.is_empty() => Ok(filter),
            (_, mut bad) => Err(bad.swap_remove(0)),
        }
    }

    /// Reads directives; those that cannot be read are skipped and returned, and `info` holds if none is left.
    ///
    /// ```
    /// use tracing_weaver_layers::ForwardFilter;
    ///
    /// let (filter, bad) = ForwardFilter::parse_lossy("warn,shop=loud");
    /// assert_eq!(filter.directives(), "warn");
    /// println!("{}", bad[0]);
    /// ```
    pub fn parse_lossy(directives: &str) -> (Self, Vec<BadDirective>) {
        let mut good = Vec::new();
        let mut bad = Vec::new();
        for directive in directives.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
            match directive.parse::<Directive>() {
                Ok(_) => good.push(directive),
                Err(error) => bad.push(BadDirective { directive: directive.to_owned(), reason: error.to_string() }),
            }
        }
        if good.is_empty() {
            good.push("info");
        }
        (Self::of(&good), bad)
    }

    /// The directives in force.
    pub fn directives(&self) -> &str {
        &self.directives
    }

    /// Whether anything of debug severity may pass.
    pub(crate) fn lets_debug_through(&self) -> bool {
        self.env.max_level_hint().is_none_or(|level| level >= LevelFilter::DEBUG)
    }

    /// What the directives say of a callsite.
    pub(crate) fn interest(&self, metadata: &'static Metadata<'static>) -> Interest {
        <EnvFilter as Filter<Registry>>::callsite_enabled(&self.env, metadata)
    }

    fn of(directives: &[&str]) -> ForwardFilter {
        let joined = directives.join(",");
        let by_span = joined.contains('[');
        ForwardFilter { env: EnvFilter::builder().parse_lossy(&joined), by_span, directives: joined }
    }
}
