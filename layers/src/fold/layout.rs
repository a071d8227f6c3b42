//! Where each member of a metric set stands in a block of slots.
//!
//! A block holds one entity context's slots of one set: one group of words per combination of dimensions. Plans and collection ask here; nothing here touches a slot.

use std::sync::Arc;

use tracing_weaver_registry::model::{
    Aggregation, AttributeId, AttributeType, EnumValue, Instrument, MetricId, MetricSetId, NumberType, ResolvedRegistry,
};

use crate::read::FieldDropReason;
use crate::rules::FieldRules;

/// Most combinations of dimensions in one block.
const MAX_COMBINATIONS: usize = 1 << 16;

/// OpenTelemetry's default bounds.
/// Source: <https://opentelemetry.io/docs/specs/otel/metrics/sdk/#explicit-bucket-histogram-aggregation>
const DEFAULT_BOUNDS: [f64; 15] = [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0];

/// What a member's words hold.
#[derive(Debug, Clone)]
pub(crate) enum Cells {
    /// Value, then whether it was written.
    Sum { monotonic: bool },
    /// Value, then the time of its writing.
    Gauge,
    /// Count, sum, minimum, maximum, then the buckets.
    Histogram { bounds: Arc<[f64]> },
}

/// Words of a histogram before its buckets.
pub(crate) const HISTOGRAM_HEAD: usize = 4;

/// One member of a set.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) metric: MetricId,
    pub(crate) number: NumberType,
    pub(crate) cells: Cells,
    /// First word within a group.
    pub(crate) offset: u32,
}

impl Member {
    fn words(&self) -> usize {
        match &self.cells {
            Cells::Sum { .. } | Cells::Gauge => 2,
            Cells::Histogram { bounds } => HISTOGRAM_HEAD + bounds.len() + 1,
        }
    }
}

/// One dimension of a set, as bits of the group's index: 0 where it was not recorded, then the
/// members in order, then `_OTHER`.
#[derive(Debug, Clone)]
pub(crate) struct Dimension {
    pub(crate) key: Arc<str>,
    pub(crate) values: Vec<EnumValue>,
    pub(crate) shift: u32,
    /// Digit of an unknown value.
    pub(crate) other: u32,
}

/// Layout of one set's blocks.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) set: MetricSetId,
    pub(crate) dimensions: Vec<Dimension>,
    /// Dimensions that are not exported, and why: each event that writes one is counted.
    pub(crate) redacted: Vec<(AttributeId, FieldDropReason)>,
    pub(crate) members: Vec<Member>,
    /// Words of one group.
    pub(crate) group: usize,
    /// Number of groups, a power of two.
    pub(crate) groups: usize,
}

/// Value of a closed enum that the registry does not know.
const OTHER: &str = "_OTHER";

impl Layout {
    pub(crate) fn new(rules: &FieldRules, registry: &ResolvedRegistry, id: MetricSetId, notes: &mut Vec<String>) -> Layout {
        let set = registry.metric_set(id);
        let mut dimensions = Vec::new();
        let mut redacted = Vec::new();
        let mut bits = 0;
        for reference in &set.dimensions {
            let attribute = registry.attribute(reference.attribute);
            let values = match &attribute.attribute_type {
                AttributeType::Enum(of) => of.members.iter().map(|member| member.value.clone()).collect(),
                AttributeType::Boolean => vec![EnumValue::Bool(false), EnumValue::Bool(true)],
                _ => {
                    notes.push(format!(
                        "metric set `{}`: dimension `{}` is no closed set and is not exported yet; its values are summed up",
                        set.name, attribute.key
                    ));
                    continue;
                }
            };
            let treatment = rules.treatment_of(registry, reference, &attribute.key);
            if let Some(reason) = treatment.keeps_back() {
                redacted.push((reference.attribute, reason));
                notes.push(format!("metric set `{}`: dimension `{}` is redacted, so it is not exported", set.name, attribute.key));
                continue;
            }
            if let Some(dimension) = Dimension::new(&attribute.key, values, bits) {
                let width = dimension.width();
                if (1usize << (bits + width)) > MAX_COMBINATIONS {
                    notes.push(format!(
                        "metric set `{}`: dimension `{}` makes more combinations than a block holds and is not exported",
                        set.name, attribute.key
                    ));
                    continue;
                }
                bits += width;
                dimensions.push(dimension);
            }
        }
        dimensions.sort_by(|a, b| a.key.cmp(&b.key));
        let mut layout = Layout { set: id, dimensions, redacted, members: Vec::new(), group: 0, groups: 1 << bits };
        for metric in &set.metrics {
            let member = layout.member(registry, *metric, notes);
            layout.group += member.words();
            layout.members.push(member);
        }
        layout
    }

    fn member(&self, registry: &ResolvedRegistry, id: MetricId, notes: &mut Vec<String>) -> Member {
        let metric = registry.metric(id);
        let cells = match metric.instrument {
            Instrument::Counter => Cells::Sum { monotonic: true },
            Instrument::UpDownCounter => Cells::Sum { monotonic: false },
            Instrument::Gauge => Cells::Gauge,
            Instrument::Histogram => Cells::Histogram {
                bounds: match &metric.aggregation {
                    None => DEFAULT_BOUNDS.into(),
                    Some(Aggregation::Explicit(bounds)) => bounds.as_slice().into(),
                    Some(Aggregation::Mmsc) => [].into(),
                    Some(Aggregation::Exponential { .. }) => {
                        notes.push(format!("metric `{}`: aggregation `exponential` is exported without buckets yet", metric.name));
                        [].into()
                    }
                },
            },
        };
        Member { metric: id, number: metric.number_type, cells, offset: self.group as u32 }
    }

    /// Words of a block.
    pub(crate) fn words(&self) -> usize {
        self.groups * self.group
    }

    /// The member of this metric.
    pub(crate) fn member_of(&self, metric: MetricId) -> Option<&Member> {
        self.members.iter().find(|member| member.metric == metric)
    }

    /// Dimensions and values of a group, by its index; `None` for an index that no recording makes.
    pub(crate) fn dimensions_of(&self, group: usize) -> Option<Vec<(Arc<str>, EnumValue)>> {
        let mut of = Vec::with_capacity(self.dimensions.len());
        for dimension in &self.dimensions {
            let digit = (group >> dimension.shift) & ((1 << dimension.width()) - 1);
            if digit > 0 {
                of.push((dimension.key.clone(), dimension.values.get(digit - 1)?.clone()));
            }
        }
        Some(of)
    }
}

impl Dimension {
    fn new(key: &str, mut values: Vec<EnumValue>, shift: u32) -> Option<Dimension> {
        let is_other = |value: &EnumValue| matches!(value, EnumValue::String(s) if s == OTHER);
        let boolean = values.iter().all(|value| matches!(value, EnumValue::Bool(_)));
        if !boolean && !values.iter().any(is_other) {
            values.push(EnumValue::String(OTHER.into()));
        }
        let other = values.iter().position(is_other).map_or(0, |at| at as u32 + 1);
        (!values.is_empty()).then(|| Dimension { key: key.into(), values, shift, other })
    }

    /// Bits that its digits take.
    pub(crate) fn width(&self) -> u32 {
        usize::BITS - self.values.len().leading_zeros()
    }
}
