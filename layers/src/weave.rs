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
/// # Errors
/// None yet: whatever a registry asks for that is not acted on is said by [`Weaver::notes`].
pub fn weave<S>(settings: Settings) -> Result<(WeaverLayer<S>, Arc<Weaver>, RecordReader), PlanError>
where
    S: tracing_core::Subscriber + for<'a> LookupSpan<'a>,
{
    let weaver = Arc::new(Weaver::new(settings));
    Ok((WeaverLayer::new(weaver.clone()), weaver.clone(), RecordReader::new(weaver)))
}
