//! In place of trace spans, where the feature `spans` is off: there are none.
//!
//! The layer calls it as it calls the other one. Nothing of it can exist.

use std::any::TypeId;
use std::sync::Arc;

use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Metadata};
use tracing_weaver_registry::model::ResolvedRegistry;

use crate::findings::CallsiteNotes;
use crate::hold::Hold;
use crate::rules::FieldRules;
use crate::value::Value;

/// No trace span's callsite.
#[derive(Debug)]
pub(crate) enum TracePlan {}

/// Where a span would hang in its trace.
pub(crate) enum Parent {
    Current,
    Of(#[allow(dead_code)] u64), // Written where the layer is the same with and without trace spans.
    Root,
}

/// No trace spans.
#[derive(Debug)]
pub(crate) enum Traces {}

impl Traces {
    pub(crate) fn led_to_by(&self, _: &Dispatch) {
        match *self {}
    }

    pub(crate) fn plan(
        &self,
        _: &FieldRules,
        _: &ResolvedRegistry,
        _: &Metadata<'static>,
        _: u32,
        _: Arc<CallsiteNotes>,
    ) -> Arc<TracePlan> {
        match *self {}
    }

    pub(crate) fn open(&self, _: &TracePlan, _: &Attributes<'_>, _: Parent, _: u32, _: &Hold) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn enter(&self, _: u64) -> bool {
        match *self {}
    }

    pub(crate) fn exit(&self, _: u64) {
        match *self {}
    }

    pub(crate) fn record(&self, _: u64, _: &TracePlan, _: &'static Metadata<'static>, _: &Record<'_>, _: &Hold) {
        match *self {}
    }

    pub(crate) fn follows_from(&self, _: u64, _: u64) {
        match *self {}
    }

    pub(crate) fn close(&self, _: u64) {
        match *self {}
    }

    pub(crate) fn downcast_raw(&self, _: TypeId) -> Option<*const ()> {
        match *self {}
    }
}

/// There is no span that could fail.
pub(crate) fn fail_current(_: Option<Vec<(Arc<str>, Value)>>) {}

/// There is no trace that could be current.
pub(crate) fn attach(_: Option<&Id>, _: &Dispatch) {}
