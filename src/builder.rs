//! The builder: what a program says about its telemetry in code.
//! Programs call it once, at start.
//! It only keeps what it is told; start-up reads environment, registry and files.

use std::borrow::Cow;
use std::path::PathBuf;

use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};
use tracing_weaver_layers::WeaverLayer;

use crate::error::Error;
use crate::options::{Options, RegistrySource};
use crate::resource::ResourceValue;
use crate::sink::Memory;
use crate::telemetry::Telemetry;
use crate::{install, start_up};

/// Starts the configuration of telemetry. What is set in code beats the environment, except the filter.
///
/// ```no_run
/// use std::time::Duration;
///
/// let telemetry = tracing_weaver::builder().registry("registry/acme").service_name("orders").install()?;
/// tracing::info!("up");
/// println!("{}", telemetry.shutdown(Duration::from_secs(5)));
/// # Ok::<(), tracing_weaver::Error>(())
/// ```
pub fn builder() -> Builder {
    Builder(Options::default())
}

/// Configuration of telemetry in code; made by [`builder`].
///
/// ```no_run
/// let telemetry = tracing_weaver::builder()
///     .registry("registry/acme")
///     .service_name("orders")
///     .service_version(env!("CARGO_PKG_VERSION"))
///     .detectors(["host", "os", "process"])
///     .filter("info,orders=debug")
///     .layer(tracing_subscriber::fmt::layer())
///     .install()?;
/// # Ok::<(), tracing_weaver::Error>(())
/// ```
#[must_use = "nothing starts before `install()` or `build()`"]
pub struct Builder(Options);

impl Builder {
    /// The folder of the registry, relative to the working directory. Read at start-up.
    ///
    /// Without a registry, records leave as they were written and nothing is folded.
    ///
    /// ```
    /// let missing = tracing_weaver::builder().registry("no/such/folder").build::<tracing_subscriber::Registry>();
    /// println!("{}", missing.expect_err("nothing to read there"));
    /// ```
    #[cfg(feature = "yaml")]
    pub fn registry(self, folder: impl AsRef<std::path::Path>) -> Self {
        self.with_registry(RegistrySource::Folder(folder.as_ref().to_owned()))
    }

    /// The registry as `tracing_weaver_registry::pack` wrote it, so that a deployed program needs no folder.
    ///
    /// In `build.rs`, with `tracing-weaver-registry` as a build-dependency:
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// tracing_weaver_registry::pack("registry/acme")?; // writes $OUT_DIR/acme.registry
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// and in the program `include_bytes!(concat!(env!("OUT_DIR"), "/acme.registry"))`, or whatever else gives the same bytes:
    ///
    /// ```
    /// # let registry = tracing_weaver_registry::model::ResolvedRegistry::default();
    /// let (telemetry, _layer) = tracing_weaver::builder().registry_bytes(registry.to_bytes()).build::<tracing_subscriber::Registry>()?;
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    pub fn registry_bytes(self, packed: impl Into<Cow<'static, [u8]>>) -> Self {
        self.with_registry(RegistrySource::Bytes(packed.into()))
    }

    /// Another layer beside ours, for [`install`](Self::install) alone. It may bring a filter of its own, and does not see ours. A layer that
    /// is itself a filter, as an `EnvFilter`, filters for all, the metrics included: that is said on stderr.
    ///
    /// Records of the `log` crate reach it down to the level of our filter.
    ///
    /// ```no_run
    /// use tracing_subscriber::{Layer as _, filter::LevelFilter};
    ///
    /// let warnings = tracing_subscriber::fmt::layer().with_filter(LevelFilter::WARN);
    /// let telemetry = tracing_weaver::builder().layer(warnings).install()?;
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    pub fn layer(mut self, neighbour: impl Layer<Registry> + Send + Sync + 'static) -> Self {
        self.0.neighbour_types.push(std::any::type_name_of_val(&neighbour));
        self.0.neighbours.push(Box::new(neighbour));
        self
    }

    /// Which records are forwarded where no environment variable says so, in the grammar of `EnvFilter`; `info` without it.
    ///
    /// Entities and folds do not depend on it: what is counted at TRACE is counted.
    ///
    /// ```
    /// use tracing_subscriber::Registry;
    ///
    /// let (_telemetry, _layer) = tracing_weaver::builder().filter("warn,orders=debug").build::<Registry>()?;
    ///
    /// let error = tracing_weaver::builder().filter("orders=loud").build::<Registry>().expect_err("no level");
    /// assert!(error.to_string().contains("`orders=loud`"));
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    pub fn filter(mut self, directives: impl Into<String>) -> Self {
        self.0.filter = Some(directives.into());
        self
    }

    /// Name of the environment variable for filter directives, in place of `TRACING_WEAVER_LOG`. `RUST_LOG` still holds where it is unset.
    ///
    /// ```
    /// let builder = tracing_weaver::builder().filter_env("ORDERS_LOG");
    /// ```
    pub fn filter_env(mut self, variable: impl Into<String>) -> Self {
        self.0.filter_variable = variable.into();
        self
    }

    /// Resource attributes; may be called several times, and the last value of a key wins.
    ///
    /// They beat detectors, `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`. What the registry calls secret or personal stays away from the
    /// resource as from everything else.
    ///
    /// ```
    /// use tracing_weaver::ResourceValue;
    ///
    /// let builder = tracing_weaver::builder()
    ///     .resource([("deployment.environment.name", "test")])
    ///     .resource([("acme.shops", ResourceValue::from(3)), ("acme.open", true.into())]);
    /// ```
    pub fn resource<K: Into<String>, V: Into<ResourceValue>>(mut self, attributes: impl IntoIterator<Item = (K, V)>) -> Self {
        self.0.resource.extend(attributes.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// The resource attribute `service.name`.
    ///
    /// ```
    /// let builder = tracing_weaver::builder().service_name("orders");
    /// ```
    pub fn service_name(self, name: impl Into<String>) -> Self {
        self.resource([("service.name", name.into())])
    }

    /// The resource attribute `service.version`.
    ///
    /// ```
    /// let builder = tracing_weaver::builder().service_version(env!("CARGO_PKG_VERSION"));
    /// ```
    pub fn service_version(self, version: impl Into<String>) -> Self {
        self.resource([("service.version", version.into())])
    }

    /// Detectors of resource attributes beyond `service_instance`, `env` and `service_name`, which are always on: `host`, `os`, `process`,
    /// `process_command_line`, `container`, `k8s`. What each gives stands in `docs/configuration.md`; what one does not find is not there, and
    /// none of them waits, starts a program or asks a server.
    ///
    /// They come after the defaults and before all that environment and code say. A name that is not among these is an error of
    /// [`install`](Self::install) and [`build`](Self::build).
    ///
    /// ```
    /// use tracing_subscriber::Registry;
    ///
    /// let (telemetry, _layer) = tracing_weaver::builder().detectors(["host", "os", "process"]).build::<Registry>()?;
    /// assert!(telemetry.describe().contains("process.pid="));
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    pub fn detectors<D: Into<String>>(mut self, names: impl IntoIterator<Item = D>) -> Self {
        self.0.detectors.extend(names.into_iter().map(Into::into));
        self
    }

    /// Whether records go to stderr and a summary at shutdown to stdout, whatever else there is.
    ///
    /// Without this call the environment decides: the console serves each signal that has no receiver.
    ///
    /// ```
    /// let quiet = tracing_weaver::builder().console(false);
    /// ```
    pub fn console(mut self, console: bool) -> Self {
        self.0.console = Some(console);
        self
    }

    /// A file to which every batch is appended as a line of OTLP/JSON, beside the other sinks; `-` is stdout.
    ///
    /// It is made for its owner alone. At 64 MiB it becomes `PATH.1`, an older one `PATH.2`.
    ///
    /// ```no_run
    /// let telemetry = tracing_weaver::builder().file("/var/log/orders/telemetry.jsonl").install()?;
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.file = Some(path.into());
        self
    }

    /// Keeps every batch in memory too, for tests.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracing_weaver::Memory;
    ///
    /// let memory = Memory::new();
    /// let (telemetry, _layer) = tracing_weaver::builder().console(false).memory(&memory).build::<tracing_subscriber::Registry>()?;
    /// telemetry.force_flush(Duration::from_secs(5))?;
    /// assert_eq!(memory.metrics().len(), 1, "those of the software itself");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn memory(mut self, memory: &Memory) -> Self {
        self.0.memory = Some(memory.clone());
        self
    }

    /// Whether disagreements between code and registry are looked for: printed on stderr, ten at once and then one a second, and given by
    /// [`Telemetry::findings`]. On unless switched off, here or by `TRACING_WEAVER_FINDINGS=off`. Costs nothing where they agree.
    ///
    /// ```
    /// let silent = tracing_weaver::builder().findings(false);
    /// ```
    pub fn findings(mut self, findings: bool) -> Self {
        self.0.findings = Some(findings);
        self
    }

    /// Whether measurements in events are folded into metric sets. On unless switched off.
    ///
    /// ```
    /// let records_alone = tracing_weaver::builder().fold(false);
    /// ```
    pub fn fold(mut self, fold: bool) -> Self {
        self.0.fold = fold;
        self
    }

    /// Whether records are forwarded. On unless switched off.
    ///
    /// ```
    /// let metrics_alone = tracing_weaver::builder().forward(false);
    /// ```
    pub fn forward(mut self, forward: bool) -> Self {
        self.0.forward = forward;
        self
    }

    /// Whether records of `tracing` events carry `code.file.path` and `code.line.number`, as those of `log` always do.
    ///
    /// ```
    /// let with_file_and_line = tracing_weaver::builder().code_location(true);
    /// ```
    pub fn code_location(mut self, code_location: bool) -> Self {
        self.0.code_location = code_location;
        self
    }

    /// Starts telemetry for the whole program: our layer and its neighbours as the global subscriber, the bridge of the `log` crate, the export
    /// thread.
    ///
    /// With `OTEL_SDK_DISABLED=true` it is `Ok`, does nothing, and installs the neighbours alone.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// let telemetry = tracing_weaver::builder().registry("registry/acme").install()?;
    /// tracing::info!("up");
    /// telemetry.shutdown(Duration::from_secs(5));
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the registry has faults, something that code says is wrong, or there is a global subscriber or a logger already; the text says
    /// which line to write instead. A receiver that is not there is no error.
    pub fn install(self) -> Result<Telemetry, Error> {
        install::install(self.0, start_up::Mistakes::Fail)
    }

    /// As [`install`](Self::install), but never an error: a mistake costs what it is about, and the reason is said on stderr. Where the registry
    /// cannot be read, plain records are exported; where `log` has a logger already, its records stay there; where there is a global subscriber
    /// already, or the system gives no thread, telemetry is off.
    ///
    /// ```
    /// // Nothing of the kind is there: said on stderr, and the program runs.
    /// let telemetry = tracing_weaver::builder().registry("no/such/folder").install_or_degrade();
    /// tracing::info!("a plain record");
    /// ```
    pub fn install_or_degrade(self) -> Telemetry {
        install::install(self.0, start_up::Mistakes::Say).unwrap_or_else(|error| {
            start_up::say(&[format!("telemetry is off: {error}")]);
            Telemetry::off()
        })
    }

    /// Makes a layer for a subscriber of your own and starts the export thread. Sets no global subscriber and no logger.
    ///
    /// ```
    /// use tracing_subscriber::prelude::*;
    ///
    /// let (telemetry, layer) = tracing_weaver::builder().build()?;
    /// let subscriber = tracing_subscriber::registry().with(layer);
    /// # Ok::<(), tracing_weaver::Error>(())
    /// ```
    ///
    /// # In tests
    /// With `set_default` each test has telemetry of its own, beside others in the same process. `#[tokio::test]` runs everything on the test's
    /// thread, so that spawned tasks are seen, too; on several threads give each spawned future its subscriber by
    /// `.with_current_subscriber()`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use tracing_subscriber::prelude::*;
    /// use tracing_weaver::Memory;
    ///
    /// #[tokio::test]
    /// # async fn this_line_is_for_rustdoc() {}
    /// async fn an_order_is_recorded() -> Result<(), Box<dyn std::error::Error>> {
    ///     let memory = Memory::new();
    ///     let (telemetry, layer) = tracing_weaver::builder().filter("info").console(false).memory(&memory).build()?;
    ///     let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    ///
    ///     tokio::spawn(async { tracing::info!("an order came in") }).await?;
    ///
    ///     telemetry.force_flush(Duration::from_secs(5))?;
    ///     assert!(memory.logs().concat().contains("an order came in"));
    ///     Ok(())
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// #     tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(an_order_is_recorded())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`install`](Self::install), and where [`layer`](Self::layer) was called: a neighbour belongs on your subscriber.
    pub fn build<S>(self) -> Result<(Telemetry, WeaverLayer<S>), Error>
    where
        S: tracing_core::Subscriber + for<'a> LookupSpan<'a>,
    {
        install::build(self.0)
    }

    fn with_registry(mut self, source: RegistrySource) -> Self {
        self.0.two_registries |= self.0.registry.replace(source).is_some();
        self
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("filter", &self.0.filter).field("neighbours", &self.0.neighbours.len()).finish_non_exhaustive()
    }
}
