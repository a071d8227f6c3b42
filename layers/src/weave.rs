//! Makes a layer with all that belongs to it.
//!
//! Start-up calls it once per subscriber. It starts nothing.

use std::sync::Arc;

use tracing_subscriber::registry::LookupSpan;

use crate::layer::WeaverLayer;
use crate::reader::RecordReader;
use crate::settings::{PlanError, Settings};
use crate::weaver::Weaver;

/// Makes a layer, the handle that readers share, and the one reader of records.
///
/// The layer is for one subscriber. It sees nothing of threads marked by [`suppress_this_thread`](crate::suppress_this_thread).
///
/// ```
/// use opentelemetry_proto::tonic::logs::v1::LogRecord;
/// use prost::Message as _;
/// use tracing::{Level, event, info_span};
/// use tracing_subscriber::prelude::*;
/// use tracing_weaver_layers::{PointValue, Settings, weave};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let registry = tracing_weaver_registry::yaml::load_sources(&[
/// #     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
/// #     ("acme.yaml", include_str!("../../tests/registry/acme/acme.yaml")),
/// # ])?;
/// let (layer, weaver, mut reader) = weave(Settings::new(registry.into()))?;
/// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
///     let _shop = info_span!("acme.shop", acme.shop.id = "north").entered();
///     event!(name: "acme.order.accept", target: "orders", Level::INFO, acme.order.items = 3);
/// });
///
/// // The record, in the scope of its target and of the entities in force.
/// let mut records = Vec::new();
/// reader.drain(usize::MAX, &mut |record| records.push((record.scope, LogRecord::decode(record.bytes))));
/// let (scope, record) = records.remove(0);
/// assert_eq!(record?.event_name, "acme.order.accept");
/// assert_eq!(&*weaver.scope_name(scope.name), "orders");
/// assert_eq!(&*weaver.context(scope.context).types[0], "acme.shop");
///
/// // What was counted by it.
/// let snapshot = weaver.snapshot();
/// let items = weaver.registry().metric_by_name("acme.shop.order.items").expect("declared");
/// assert!(snapshot.sets[0].points[0].values.contains(&(items, PointValue::Int(3))));
/// assert_eq!((weaver.stats().records_created, weaver.stats().records_taken), (1, 1));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// None yet: whatever a registry asks for that is not acted on is said by [`Weaver::notes`].
pub fn weave<S>(settings: Settings) -> Result<(WeaverLayer<S>, Arc<Weaver>, RecordReader), PlanError>
where
    S: tracing_core::Subscriber + for<'a> LookupSpan<'a>,
{
    let weaver = Arc::new(Weaver::new(settings));
    Ok((WeaverLayer::new(weaver.clone()), weaver.clone(), RecordReader::new(weaver)))
}
