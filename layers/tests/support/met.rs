//! Findings of one test: those at callsites of its own target.
//!
//! Tests of findings call it. Every layer of a process hears of every callsite that registers, so that targets keep tests apart.

use tracing_weaver_layers::Finding;

use super::Harness;

/// What was found at callsites of this target, after all that wait were looked at.
pub(crate) fn found(harness: &Harness, target: &str) -> Vec<Finding> {
    harness.weaver.findings(0, usize::MAX).into_iter().filter(|finding| finding.target == target).collect()
}

/// The one finding of this target.
pub(crate) fn only(harness: &Harness, target: &str) -> Finding {
    let found = found(harness, target);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}
