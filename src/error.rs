//! Why telemetry could not be started.
//! The start-up calls return it.
//! Each variant says what was found, what was expected and what to write instead; none ever ends the program.

use tracing_weaver_layers::BadDirective;
use tracing_weaver_registry::PackError;
#[cfg(feature = "yaml")]
use tracing_weaver_registry::RegistryErrors;

/// Why telemetry could not be started: a mistake in code, or in the registry.
///
/// A mistake in the environment is never an error but a warning on stderr and the default in its place.
///
/// ```
/// use tracing_weaver::Error;
///
/// let error = tracing_weaver::builder().detectors(["hosts"]).build::<tracing_subscriber::Registry>().expect_err("no such detector");
/// assert!(matches!(&error, Error::UnknownDetector { name } if name == "hosts"));
/// println!("{error}");
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The registry's folder has faults; all of them are shown, with file, line and column.
    #[cfg(feature = "yaml")]
    #[error("{0}")]
    Registry(#[from] RegistryErrors),
    /// The bytes are no packed registry of this version.
    #[error("{0}")]
    Packed(#[from] PackError),
    /// Two registries were given.
    #[error("two registries were given (expected one; help: leave `.registry(..)` or `.registry_bytes(..)` out)")]
    TwoRegistries,
    /// The default filter is not one.
    #[error("`.filter(..)`: {0}")]
    Filter(#[from] BadDirective),
    /// No detector has that name.
    #[error(
        "no detector is called `{name}` (expected `service_instance`, `env`, `service_name`, which are always on, or `host`, `os`, `process`, \
         `process_command_line`, `container`, `k8s`)"
    )]
    UnknownDetector {
        /// The name that was given.
        name: String,
    },
    /// A resource attribute has no key.
    #[error("`.resource(..)`: a key is empty (expected a name such as `deployment.environment.name`)")]
    EmptyResourceKey,
    /// `.layer(..)` goes with `install()` alone.
    #[error(
        "`.layer(..)` was given, but `build()` makes no subscriber that could hold it (help: write \
         `tracing_subscriber::registry().with(neighbour).with(layer)` with the layer that `build()` returns)"
    )]
    LayerWithBuild,
    /// `install()` was called before in this process.
    #[error(
        "telemetry is installed already (expected one `install()` per process; help: keep the `Telemetry` of the first one; for a second \
         stack write `let (telemetry, layer) = tracing_weaver::builder().build()?;` and put `layer` on a subscriber of its own)"
    )]
    AlreadyInstalled,
    /// Another global subscriber is there.
    #[error(
        "a global `tracing` subscriber is set already (help: in its place, with `use tracing_subscriber::{{filter::LevelFilter, prelude::*}};`, \
         write `let (telemetry, layer) = tracing_weaver::builder().build()?; tracing_subscriber::registry().with(layer)\
         .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO)).init();`; or remove its `init()` or `set_global_default(..)` \
         and give its layers to `.layer(..)`)"
    )]
    SubscriberExists,
    /// Another logger of the `log` crate is there.
    #[error(
        "the `log` crate has a logger already (help: remove its `init()`, as `install()` bridges `log` itself; or, to leave `log` alone, write \
         `use tracing_subscriber::prelude::*; let (telemetry, layer) = tracing_weaver::builder().build()?; \
         tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;`)"
    )]
    LoggerExists,
    /// The file for OTLP-JSON lines cannot be written.
    #[error(
        "`.file({path:?})` cannot be opened: {error} (help: give a path in a folder that exists and may be written to, or `-` for stdout)"
    )]
    File {
        /// The path as it was given.
        path: std::path::PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The registry cannot be acted on.
    #[error("the layer cannot be made: {0}")]
    Plan(String),
    /// The system gives no thread or event loop.
    #[error("{0}")]
    Start(String),
}

/// As `Display`, because that is what a `main` that returns it prints.
impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
