//! Registries that others wrote, where they are at hand.
//!
//! `WEAVER_SHARED` names the folder that holds them; else a folder `shared` beside the repository is tried. Without either the tests say
//! that they were skipped.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tracing_weaver_registry::load;
use tracing_weaver_registry::model::{FoldSource, NumberType, Redact, Sensitivity};

fn shared(below: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let root = std::env::var_os("WEAVER_SHARED").map_or(beside, PathBuf::from);
    let path = root.join(below);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: `{}` is not here; set WEAVER_SHARED to the folder that holds it", path.display());
    None
}

#[test]
fn the_sample_registry_is_read_whole() {
    let Some(folder) = shared("samples/v2") else { return };
    let start = Instant::now();
    let registry = load(folder).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(start.elapsed() < Duration::from_secs(5), "a small registry takes {:?}", start.elapsed());
    assert_eq!((registry.name(), registry.version()), ("example.com/schemas/acme", "0.1.0"));
    assert_eq!((registry.attributes.len(), registry.metrics.len(), registry.metric_sets.len(), registry.refinements.len()), (8, 3, 1, 1));
    let set = &registry.metric_sets[0];
    assert_eq!((set.name.as_str(), set.metrics.len(), set.dimensions.len()), ("acme.queue.drain_set", 3, 2));
    assert_eq!(registry.entity(set.entities[0]).entity_type, "acme.worker");
    let drain = registry.event(registry.event_by_name("acme.queue.drain").expect("the event"));
    assert!(!drain.forward);
    let user = drain.attributes.iter().find(|read| registry.attribute(read.attribute).key == "acme.user.id").expect("the attribute");
    assert_eq!((user.privacy.sensitivity, user.privacy.redact), (Sensitivity::Personal, Some(Redact::Drop)));
    let duration = registry.metric(registry.metric_by_name("acme.queue.drain.duration").expect("the metric"));
    assert!(matches!(duration.folds[0].source, FoldSource::Span { .. }));
    assert_eq!(duration.number_type, NumberType::Double);
}
