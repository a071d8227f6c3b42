//! What one callsite adds to which slots.
//!
//! Made once per callsite from registry and field names; the visitors of [`super::visit`] read it. It holds
//! positions only, no slot of any thread.

use std::sync::Arc;

use smallvec::SmallVec;
use tracing_core::Metadata;
use tracing_weaver_registry::model::{
    AttributeId, AttributeRef, EventId, FoldSource, FoldValue, MetricId, MetricSetId, NumberType, ResolvedRegistry,
};

use super::enum_index::EnumIndex;
use super::layout::{Cells, Layout, Member};
use crate::findings::{CallsiteNotes, is_closed};
use crate::read::FieldDropReason;
use crate::rules::key_among;

/// Most fields of a callsite that folds by a short way: one bit each in a word.
pub(crate) const SHORT_FIELDS: usize = 32;

/// One member of a set as a target of a field or a constant.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Which of the plan's sets.
    pub(crate) set: u8,
    /// Word within the group.
    pub(crate) offset: u32,
    pub(crate) number: NumberType,
    pub(crate) cells: Cells,
}

/// One dimension that a field gives.
#[derive(Debug, Clone)]
pub(crate) struct Digit {
    /// Which of the plan's sets.
    pub(crate) set: u8,
    pub(crate) index: EnumIndex,
}

/// What one field gives.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldFold {
    pub(crate) targets: SmallVec<[u16; 2]>,
    pub(crate) digits: SmallVec<[u16; 2]>,
    /// A dimension that redaction keeps off the points.
    pub(crate) redacted: Option<FieldDropReason>,
}

/// A constant that each event adds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Constant {
    pub(crate) target: u16,
    pub(crate) value: i64,
}

/// What a callsite adds; nothing, by default.
#[derive(Debug, Default)]
pub(crate) struct FoldPlan {
    /// The sets, in the order in which blocks are given.
    pub(crate) sets: SmallVec<[SetFold; 2]>,
    pub(crate) targets: Vec<Target>,
    pub(crate) digits: Vec<Digit>,
    pub(crate) fields: Vec<FieldFold>,
    pub(crate) constants: SmallVec<[Constant; 2]>,
    /// Whether the shortest way does.
    pub(crate) is_plain: bool,
    pub(crate) plain: PlainFold,
    /// Whether the next short one does.
    pub(crate) is_integers: bool,
    pub(crate) integers: IntegerFold,
    /// Where what is wrong with measurements is noted.
    pub(crate) notes: Option<Arc<CallsiteNotes>>,
}

/// One set of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SetFold {
    pub(crate) set: MetricSetId,
    /// Words of a group.
    pub(crate) group: u32,
}

/// The shortest way: one set without dimensions takes integers only.
#[derive(Debug, Default)]
pub(crate) struct PlainFold {
    /// One bit per field that is a measurement.
    pub(crate) measured: u32,
    /// Per measurement the word that it is added to.
    pub(crate) words: [u16; SHORT_FIELDS],
    /// Word, and what each event adds.
    pub(crate) constants: Box<[(u16, i64)]>,
}

/// The next short one: one set with dimensions takes integers only. They wait until all digits are known.
#[derive(Debug, Default)]
pub(crate) struct IntegerFold {
    /// One bit per field that is a measurement or a dimension.
    pub(crate) matters: u32,
    /// Per measurement where it waits, per dimension [`WAITING`] and which of the plan's digits it gives.
    pub(crate) roles: [u8; SHORT_FIELDS],
    /// Per waiting place the word within the group.
    pub(crate) offsets: [u32; WAITING],
    /// Word within the group, and what each event adds.
    pub(crate) constants: Box<[(u32, i64)]>,
    /// Words of a group.
    pub(crate) group: u32,
}

/// Measurements that may wait.
pub(crate) const WAITING: usize = 8;

impl FoldPlan {
    /// The plan of `event` at a callsite, `None` if nothing folds from it.
    pub(crate) fn new(
        registry: &ResolvedRegistry,
        layouts: &[Layout],
        folds: &[(MetricId, usize)],
        event: EventId,
        metadata: &Metadata<'_>,
        notes: &Arc<CallsiteNotes>,
    ) -> Option<FoldPlan> {
        let fields = metadata.fields().iter().map(|_| FieldFold::default()).collect();
        let mut plan = FoldPlan { fields, notes: Some(notes.clone()), ..FoldPlan::default() };
        for (id, fold) in folds {
            let metric = registry.metric(*id);
            let fold = &metric.folds[*fold];
            let FoldSource::Event { event: from, value } = &fold.source else { continue };
            if *from != event || !fold.when.is_empty() || fold.unit.is_some() {
                continue;
            }
            let layout = &layouts[metric.set.0 as usize];
            let Some(member) = layout.member_of(*id) else { continue };
            match value {
                FoldValue::Constant(value) => {
                    let target = plan.target(registry, layout, member, event, metadata)?;
                    plan.constants.push(Constant { target, value: *value });
                }
                FoldValue::Attribute(attribute) => {
                    let target = plan.target(registry, layout, member, event, metadata)?;
                    if let Some(field) = field_of(registry, *attribute, event, metric.set, metadata) {
                        plan.fields[field].targets.push(target);
                    }
                }
            }
        }
        if plan.targets.is_empty() {
            return None;
        }
        if let Some(plain) = plan.plain() {
            (plan.is_plain, plan.plain) = (true, plain);
        } else if let Some(integers) = plan.integers() {
            (plan.is_integers, plan.integers) = (true, integers);
        }
        Some(plan)
    }

    /// Whether nothing folds.
    pub(crate) fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    fn target(
        &mut self,
        registry: &ResolvedRegistry,
        layout: &Layout,
        member: &Member,
        event: EventId,
        metadata: &Metadata<'_>,
    ) -> Option<u16> {
        let set = match self.sets.iter().position(|set| set.set == layout.set) {
            Some(at) => at,
            None => {
                self.sets.push(SetFold { set: layout.set, group: layout.group as u32 });
                let at = u8::try_from(self.sets.len() - 1).ok()?;
                for dimension in &layout.dimensions {
                    let Some(attribute) = registry.attribute_by_key(&dimension.key) else { continue };
                    if let Some(field) = field_of(registry, attribute, event, layout.set, metadata) {
                        self.fields[field].digits.push(self.digits.len() as u16);
                    }
                    let closed = is_closed(&registry.attribute(attribute).attribute_type);
                    let notes = self.notes.clone().filter(|_| closed).map(|notes| (notes, attribute));
                    let index = EnumIndex::new(&dimension.values, dimension.other, dimension.shift).noting(notes);
                    self.digits.push(Digit { set: at, index });
                }
                for (attribute, reason) in &layout.redacted {
                    if let Some(field) = field_of(registry, *attribute, event, layout.set, metadata) {
                        self.fields[field].redacted = Some(*reason);
                    }
                }
                at as usize
            }
        };
        let target = Target { set: set as u8, offset: member.offset, number: member.number, cells: member.cells.clone() };
        self.targets.push(target);
        u16::try_from(self.targets.len() - 1).ok()
    }

    /// Whether one set takes all, sums of integers only.
    fn takes_integers_only(&self) -> bool {
        let integer_sum = |target: &Target| matches!(target.cells, Cells::Sum { .. }) && target.number == NumberType::Int;
        self.sets.len() == 1
            && self.fields.len() <= SHORT_FIELDS
            && self.targets.iter().all(integer_sum)
            && self.fields.iter().all(|field| field.redacted.is_none())
            && self.constants.iter().all(|constant| constant.value >= 0)
    }

    fn plain(&self) -> Option<PlainFold> {
        if !self.takes_integers_only() || !self.digits.is_empty() {
            return None;
        }
        let word = |target: u16| u16::try_from(self.targets[target as usize].offset).ok();
        let mut plain = PlainFold::default();
        for (at, field) in self.fields.iter().enumerate() {
            match field.targets.as_slice() {
                [] => {}
                [target] => {
                    plain.measured |= 1 << at;
                    plain.words[at] = word(*target)?;
                }
                _ => return None,
            }
        }
        let constant = |constant: &Constant| Some((word(constant.target)?, constant.value));
        plain.constants = self.constants.iter().map(constant).collect::<Option<_>>()?;
        Some(plain)
    }

    fn integers(&self) -> Option<IntegerFold> {
        if !self.takes_integers_only() || self.digits.iter().any(|digit| digit.index.has_numbers()) {
            return None;
        }
        let mut integers = IntegerFold { group: self.sets[0].group, ..IntegerFold::default() };
        let mut places = 0..WAITING;
        for (at, field) in self.fields.iter().enumerate() {
            let role = match (field.targets.as_slice(), field.digits.as_slice()) {
                ([], []) => continue,
                ([target], []) => {
                    let place = places.next()?;
                    integers.offsets[place] = self.targets[*target as usize].offset;
                    place
                }
                ([], [digit]) => WAITING + *digit as usize,
                _ => return None,
            };
            integers.roles[at] = u8::try_from(role).ok()?;
            integers.matters |= 1 << at;
        }
        let constant = |constant: &Constant| (self.targets[constant.target as usize].offset, constant.value);
        integers.constants = self.constants.iter().map(constant).collect();
        Some(integers)
    }
}

/// The field of the callsite that counts for `attribute`, as on the record: the first that the event's own declaration takes for it, else
/// the first that the set's does. A field that stands for it after that has no part in the fold. The message is a record's body before
/// it is anything else.
fn field_of(
    registry: &ResolvedRegistry,
    attribute: AttributeId,
    event: EventId,
    set: MetricSetId,
    metadata: &Metadata<'_>,
) -> Option<usize> {
    let key = registry.attribute(attribute).key.as_str();
    let (message, others): (Vec<_>, Vec<_>) = metadata.fields().iter().partition(|field| field.name() == "message");
    let first = |declared: &[AttributeRef]| {
        let found = others.iter().chain(&message).find(|field| key_among(registry, declared, field.name()) == key);
        found.map(|field| field.index())
    };
    let of_event = registry.event(event).attributes.as_slice();
    let is_declared = of_event.iter().any(|reference| reference.attribute == attribute);
    let on_record = if is_declared { first(of_event) } else { None };
    on_record.or_else(|| first(&registry.metric_set(set).dimensions))
}
