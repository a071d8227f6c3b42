//! Collection: what all threads' slots hold, summed up per set and context.
//!
//! Readers come here one at a time; producers never wait for them. Slots are only read, so that any number
//! of readers see running totals; a shard whose thread has ended is merged once and freed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing_weaver_registry::model::{MetricSetId, NumberType};

use super::layout::{Cells, HISTOGRAM_HEAD, Layout, Member};
use super::shard::Shard;
use crate::clock;
use crate::read::{EntityContext, HistogramPoint, MetricsSnapshot, Point, PointValue, SetSnapshot};

type Totals = BTreeMap<(MetricSetId, u32), Vec<u64>>;

/// The shards that readers know, and what ended threads left.
#[derive(Debug, Default)]
pub(crate) struct Residue {
    shards: Vec<Arc<Shard>>,
    ended: Totals,
}

impl Residue {
    /// Takes new threads' shards in.
    pub(crate) fn adopt(&mut self, shards: Vec<Arc<Shard>>) {
        self.shards.extend(shards);
    }

    /// Merges what ended threads left, so that their shards can go.
    pub(crate) fn settle(&mut self, layouts: &[Layout]) {
        let ended = &mut self.ended;
        self.shards.retain(|shard| {
            // Asked before the slots are read: what a retired shard holds then is all that it will ever hold.
            let retired = shard.is_retired();
            if retired {
                merge_shard(layouts, ended, shard);
            }
            !retired
        });
    }

    /// All sets now; `series` gives a series' context and start.
    pub(crate) fn snapshot(
        &mut self,
        layouts: &[Layout],
        series: impl Fn(MetricSetId, u32) -> (Arc<EntityContext>, u64),
    ) -> MetricsSnapshot {
        self.settle(layouts);
        let mut totals = self.ended.clone();
        self.shards.iter().for_each(|shard| merge_shard(layouts, &mut totals, shard));
        let time_unix_nano = clock::unix_nanos();
        let sets = totals.into_iter().filter_map(|((set, context), words)| {
            let layout = &layouts[set.0 as usize];
            let points = points(layout, &words);
            let (context, start_unix_nano) = series(set, context);
            (!points.is_empty()).then_some(SetSnapshot { set, context, start_unix_nano, points })
        });
        MetricsSnapshot { time_unix_nano, sets: sets.collect() }
    }
}

fn merge_shard(layouts: &[Layout], totals: &mut Totals, shard: &Shard) {
    for block in shard.blocks() {
        let words = block.read();
        match totals.entry((block.set, block.context)) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(words);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => merge(&layouts[block.set.0 as usize], entry.get_mut(), &words),
        }
    }
}

fn merge(layout: &Layout, into: &mut [u64], from: &[u64]) {
    for group in 0..layout.groups {
        for member in &layout.members {
            let at = group * layout.group + member.offset as usize;
            merge_member(member, &mut into[at..], &from[at..]);
        }
    }
}

fn merge_member(member: &Member, into: &mut [u64], from: &[u64]) {
    match &member.cells {
        Cells::Sum { .. } => {
            into[0] = match member.number {
                NumberType::Int => (into[0] as i64).saturating_add(from[0] as i64) as u64,
                NumberType::Double => (f64::from_bits(into[0]) + f64::from_bits(from[0])).to_bits(),
            };
            into[1] |= from[1];
        }
        Cells::Gauge => {
            if from[1] > into[1] {
                into[..2].copy_from_slice(&from[..2]);
            }
        }
        Cells::Histogram { bounds } => {
            if from[0] == 0 {
                return;
            }
            let double = |word: u64| f64::from_bits(word);
            let first = into[0] == 0;
            into[2] = if first || double(from[2]) < double(into[2]) { from[2] } else { into[2] };
            into[3] = if first || double(from[3]) > double(into[3]) { from[3] } else { into[3] };
            into[1] = (double(into[1]) + double(from[1])).to_bits();
            into[0] += from[0];
            let buckets = HISTOGRAM_HEAD..HISTOGRAM_HEAD + bounds.len() + 1;
            into[buckets.clone()].iter_mut().zip(&from[buckets]).for_each(|(into, from)| *into += from);
        }
    }
}

fn points(layout: &Layout, words: &[u64]) -> Vec<Point> {
    let mut points = Vec::new();
    for group in 0..layout.groups {
        let at = group * layout.group;
        let values: Vec<_> = layout
            .members
            .iter()
            .filter_map(|member| value(member, &words[at + member.offset as usize..]).map(|value| (member.metric, value)))
            .collect();
        if values.is_empty() {
            continue;
        }
        if let Some(dimensions) = layout.dimensions_of(group) {
            points.push(Point { dimensions, values });
        }
    }
    points
}

/// What a member's words say, if they were written.
fn value(member: &Member, words: &[u64]) -> Option<PointValue> {
    match &member.cells {
        Cells::Sum { .. } | Cells::Gauge => (words[1] != 0).then(|| match member.number {
            NumberType::Int => PointValue::Int(words[0] as i64),
            NumberType::Double => PointValue::Double(f64::from_bits(words[0])),
        }),
        Cells::Histogram { bounds } => {
            // The buckets are the count: a reader may see one more measurement there than in the count's word.
            let counts = words[HISTOGRAM_HEAD..HISTOGRAM_HEAD + bounds.len() + 1].to_vec();
            counts.iter().any(|count| *count > 0).then(|| {
                PointValue::Histogram(HistogramPoint {
                    bounds: bounds.clone(),
                    counts,
                    sum: f64::from_bits(words[1]),
                    min: f64::from_bits(words[2]),
                    max: f64::from_bits(words[3]),
                })
            })
        }
    }
}
