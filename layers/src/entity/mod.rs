//! Entity context: which entities are in force, by the spans that are entered.
//!
//! The layer opens entities when their spans are made and keeps the thread's context current on enter and
//! exit; events then read one small id. Nothing here depends on a filter, and nothing walks spans.

pub(crate) mod context;
pub(crate) mod span_plan;
pub(crate) mod span_table;
pub(crate) mod stack;
