//! What one callsite adds to which slots.
//!
//! Made once per callsite from registry and field names; the visitors of [`super::visit`] read it. It holds
//! positions only, no slot of any thread.

use smallvec::SmallVec;
use tracing_core::Metadata;
use tracing_weaver_registry::model::{AttributeId, EventId, FoldSource, FoldValue, MetricId, MetricSetId, NumberType, ResolvedRegistry};

use super::enum_index::EnumIndex;
use super::layout::{Cells, Layout, Member, TRASH_WORDS};
use crate::read::FieldDropReason;

/// Most fields whose integers go straight into a slot.
pub(crate) const PLAIN_FIELDS: usize = 32;

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
    pub(crate) shift: u32,
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

/// What a callsite adds.
#[derive(Debug)]
pub(crate) struct FoldPlan {
    /// The sets, in the order in which blocks are given.
    pub(crate) sets: SmallVec<[SetFold; 2]>,
    pub(crate) targets: Vec<Target>,
    pub(crate) digits: Vec<Digit>,
    pub(crate) fields: Vec<FieldFold>,
    pub(crate) constants: SmallVec<[Constant; 2]>,
    /// The short way, where one set without dimensions takes integers only.
    pub(crate) plain: Option<PlainFold>,
    /// The next short one, where one set takes integers only.
    pub(crate) integers: Option<IntegerFold>,
}

/// One set of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SetFold {
    pub(crate) set: MetricSetId,
    /// Words of a group.
    pub(crate) group: u32,
}

/// The short way: per field the pair of words that its integer is added to, 0 for the one that nobody reads.
#[derive(Debug)]
pub(crate) struct PlainFold {
    pub(crate) roles: [u8; PLAIN_FIELDS],
    pub(crate) constants: Box<[(u8, i64)]>,
}

/// Integers into one set with dimensions: they wait until all digits are known.
#[derive(Debug)]
pub(crate) struct IntegerFold {
    /// Per field where its integer waits, 0 for where nobody looks.
    pub(crate) waits: [u8; PLAIN_FIELDS],
    /// Per field its dimension in the plan's digits, from 1.
    pub(crate) digits: [u8; PLAIN_FIELDS],
    /// Per waiting place from 1 the word within the group.
    pub(crate) offsets: Box<[u32]>,
    /// Word within the group, and what each event adds.
    pub(crate) constants: Box<[(u32, i64)]>,
    /// Words of a group.
    pub(crate) group: u32,
}

/// Integers that may wait, with the place where nobody looks.
pub(crate) const WAITING: usize = 8;

impl FoldPlan {
    /// The plan of `event` at a callsite, `None` if nothing folds from it.
    pub(crate) fn new(
        registry: &ResolvedRegistry,
        layouts: &[Layout],
        folds: &[(MetricId, usize)],
        event: EventId,
        metadata: &Metadata<'_>,
    ) -> Option<FoldPlan> {
        let mut plan = FoldPlan {
            sets: SmallVec::new(),
            targets: Vec::new(),
            digits: Vec::new(),
            fields: metadata.fields().iter().map(|_| FieldFold::default()).collect(),
            constants: SmallVec::new(),
            plain: None,
            integers: None,
        };
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
                    for field in fields_of(registry, *attribute, event, metric.set, metadata) {
                        plan.fields[field].targets.push(target);
                    }
                }
            }
        }
        if plan.targets.is_empty() {
            return None;
        }
        plan.plain = plan.plain();
        plan.integers = plan.integers();
        Some(plan)
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
                    for field in fields_of(registry, attribute, event, layout.set, metadata) {
                        self.fields[field].digits.push(self.digits.len() as u16);
                    }
                    let index = EnumIndex::new(&dimension.values, dimension.other);
                    self.digits.push(Digit { set: at, shift: dimension.shift, index });
                }
                for (attribute, reason) in &layout.redacted {
                    for field in fields_of(registry, *attribute, event, layout.set, metadata) {
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
    fn is_integers(&self) -> bool {
        let integer_sum = |target: &Target| matches!(target.cells, Cells::Sum { .. }) && target.number == NumberType::Int;
        self.sets.len() == 1
            && self.fields.len() <= PLAIN_FIELDS
            && self.targets.iter().all(integer_sum)
            && self.fields.iter().all(|field| field.redacted.is_none())
            && self.constants.iter().all(|constant| constant.value >= 0)
    }

    fn integers(&self) -> Option<IntegerFold> {
        if !self.is_integers() || self.digits.iter().any(|digit| digit.index.has_numbers()) {
            return None;
        }
        let mut waits = [0; PLAIN_FIELDS];
        let mut digits = [0; PLAIN_FIELDS];
        let mut offsets = Vec::new();
        for (at, field) in self.fields.iter().enumerate() {
            if let [target] = field.targets.as_slice() {
                offsets.push(self.targets[*target as usize].offset);
                waits[at] = offsets.len() as u8;
            }
            if let [digit] = field.digits.as_slice() {
                digits[at] = u8::try_from(*digit + 1).ok()?;
            }
            let both = !field.targets.is_empty() && !field.digits.is_empty();
            if both || field.targets.len() > 1 || field.digits.len() > 1 || offsets.len() >= WAITING {
                return None;
            }
        }
        let constant = |constant: &Constant| (self.targets[constant.target as usize].offset, constant.value);
        let constants = self.constants.iter().map(constant).collect();
        Some(IntegerFold { waits, digits, offsets: offsets.into(), constants, group: self.sets[0].group })
    }

    fn plain(&self) -> Option<PlainFold> {
        if !self.is_integers() || !self.digits.is_empty() {
            return None;
        }
        let pair = |target: u16| u8::try_from((TRASH_WORDS as u32 + self.targets[target as usize].offset) / 2).ok();
        let mut roles = [0; PLAIN_FIELDS];
        for (role, field) in roles.iter_mut().zip(&self.fields) {
            match field.targets.as_slice() {
                [] => {}
                [target] => *role = pair(*target)?,
                _ => return None,
            }
        }
        let constant = |constant: &Constant| Some((pair(constant.target)?, constant.value));
        let constants = self.constants.iter().map(constant).collect::<Option<_>>()?;
        Some(PlainFold { roles, constants })
    }
}

/// Fields of the callsite that stand for `attribute`: its key, or a name that the event or the set accepts for it.
fn fields_of(
    registry: &ResolvedRegistry,
    attribute: AttributeId,
    event: EventId,
    set: MetricSetId,
    metadata: &Metadata<'_>,
) -> SmallVec<[usize; 2]> {
    let key = &registry.attribute(attribute).key;
    let declared = registry.event(event).attributes.iter().chain(&registry.metric_set(set).dimensions);
    let aliases: SmallVec<[&String; 4]> = declared.filter(|r| r.attribute == attribute).flat_map(|r| &r.fields).collect();
    let fields = metadata.fields();
    let named =
        |name: &str| fields.iter().filter(|field| field.name() == name).map(|field| field.index()).collect::<SmallVec<[usize; 2]>>();
    // The key itself first; an alias only where the callsite has no field of that name.
    let by_key = named(key);
    if by_key.is_empty() {
        aliases.into_iter().map(|alias| named(alias)).find(|found| !found.is_empty()).unwrap_or_default()
    } else {
        by_key
    }
}
