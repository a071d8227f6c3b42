//! Batches of records: encoded `LogRecord`s, grouped by scope, bounded in items and bytes.
//! The export thread pushes each record that it drains and takes the batches that come out.
//! A record's bytes are never decoded or changed here, only wrapped: a batch is concatenation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use tracing_weaver_layers::{Record, RecordScope};

use super::attribute::key_values;
use super::source::Readings;

/// Most bytes in one request, unless one record alone has more.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// Scopes that are remembered; past it all are forgotten and encoded anew.
const MAX_SCOPES: usize = 4096;

/// One encoded request.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// An OTLP export request of its signal.
    pub(crate) payload: Bytes,
    /// Records or data points in it.
    pub(crate) items: u64,
}

/// Collects records until a batch is full.
#[derive(Debug)]
pub(crate) struct LogBatcher {
    resource: Vec<u8>,
    max_items: usize,
    scopes: ScopeTable,
    groups: Vec<Group>,
    group_of: HashMap<usize, usize>,
    items: usize,
    bytes: usize,
    oldest: Option<Instant>,
    full: Vec<Batch>,
}

#[derive(Debug)]
struct Group {
    scope: usize,
    records: Vec<u8>,
}

impl LogBatcher {
    /// For a resource (its encoded message) and the registry's schema URL, empty where there is no registry; at most `max_items` records in
    /// a batch.
    pub(crate) fn new(resource: &[u8], schema_url: &str, max_items: usize) -> Self {
        LogBatcher {
            resource: field(1, resource),
            max_items,
            scopes: ScopeTable::new(schema_url),
            groups: Vec::new(),
            group_of: HashMap::new(),
            items: 0,
            bytes: 0,
            oldest: None,
            full: Vec::new(),
        }
    }

    /// Adds a record; full batches wait for [`take_full`](Self::take_full).
    pub(crate) fn push(&mut self, record: Record<'_>, readings: &dyn Readings, now: Instant) {
        let length = field_length(2, record.bytes.len());
        if self.items > 0 && self.bytes + length > MAX_BYTES {
            self.close();
        }
        let scope = self.scopes.find(record.scope, readings);
        let group = *self.group_of.entry(scope).or_insert_with(|| {
            self.groups.push(Group { scope, records: Vec::new() });
            self.bytes += self.scopes.header(scope).len();
            self.groups.len() - 1
        });
        write_field(2, record.bytes, &mut self.groups[group].records);
        self.items += 1;
        self.bytes += length;
        self.oldest.get_or_insert(now);
        if self.items >= self.max_items || self.bytes >= MAX_BYTES {
            self.close();
        }
    }

    /// Records in the batch that is not full yet.
    pub(crate) fn pending(&self) -> u64 {
        self.items as u64
    }

    /// When the first record of the batch that is not full yet came in.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.oldest
    }

    /// Makes a batch of what is there, full or not.
    pub(crate) fn close(&mut self) {
        if self.items == 0 {
            return;
        }
        let scopes = self.groups.iter().map(|group| {
            let suffix = self.scopes.suffix(group.scope);
            (group, suffix, self.scopes.header(group.scope).len() + group.records.len() + suffix.len())
        });
        let length = self.resource.len() + scopes.clone().map(|(.., length)| field_length(2, length)).sum::<usize>();
        let mut payload = Vec::with_capacity(field_length(1, length));
        write_prefix(1, length, &mut payload);
        payload.extend_from_slice(&self.resource);
        for (group, suffix, length) in scopes {
            write_prefix(2, length, &mut payload);
            payload.extend_from_slice(self.scopes.header(group.scope));
            payload.extend_from_slice(&group.records);
            payload.extend_from_slice(suffix);
        }
        self.full.push(Batch { payload: payload.into(), items: self.items as u64 });
        self.clear();
        self.scopes.forget_if_many();
    }

    /// The batches that are full or were closed.
    pub(crate) fn take_full(&mut self) -> Vec<Batch> {
        std::mem::take(&mut self.full)
    }

    /// Forgets everything that was not taken; returns how many records that were.
    pub(crate) fn discard(&mut self) -> u64 {
        let lost = self.pending() + self.take_full().iter().map(|batch| batch.items).sum::<u64>();
        self.clear();
        lost
    }

    fn clear(&mut self) {
        self.groups.clear();
        self.group_of.clear();
        self.items = 0;
        self.bytes = 0;
        self.oldest = None;
    }
}

/// Encoded scopes. Scopes that look the same on the wire are one, whatever their ids.
#[derive(Debug)]
struct ScopeTable {
    of_scope: HashMap<RecordScope, usize>,
    of_header: HashMap<(Arc<[u8]>, bool), usize>,
    headers: Vec<(Arc<[u8]>, bool)>,
    schema_url: Vec<u8>,
}

impl ScopeTable {
    fn new(schema_url: &str) -> Self {
        ScopeTable {
            of_scope: HashMap::new(),
            of_header: HashMap::new(),
            headers: Vec::new(),
            schema_url: if schema_url.is_empty() { Vec::new() } else { field(3, schema_url.as_bytes()) },
        }
    }

    fn find(&mut self, scope: RecordScope, readings: &dyn Readings) -> usize {
        if let Some(index) = self.of_scope.get(&scope) {
            return *index;
        }
        let message = InstrumentationScope {
            name: readings.scope_name(scope.name).to_string(),
            attributes: key_values(&readings.context(scope.context).attributes),
            ..Default::default()
        };
        let key = (Arc::<[u8]>::from(field(1, &message.encode_to_vec())), scope.known && !self.schema_url.is_empty());
        let index = *self.of_header.entry(key.clone()).or_insert_with(|| {
            self.headers.push(key);
            self.headers.len() - 1
        });
        self.of_scope.insert(scope, index);
        index
    }

    fn header(&self, index: usize) -> &[u8] {
        &self.headers[index].0
    }

    fn suffix(&self, index: usize) -> &[u8] {
        if self.headers[index].1 { &self.schema_url } else { &[] }
    }

    fn forget_if_many(&mut self) {
        if self.of_scope.len() > MAX_SCOPES {
            self.of_scope.clear();
            self.of_header.clear();
            self.headers.clear();
        }
    }
}

fn field(tag: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field_length(tag, bytes.len()));
    write_field(tag, bytes, &mut out);
    out
}

fn write_field(tag: u32, bytes: &[u8], out: &mut Vec<u8>) {
    write_prefix(tag, bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn write_prefix(tag: u32, length: usize, out: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
}

fn field_length(tag: u32, length: usize) -> usize {
    encoded_len_varint(u64::from(tag << 3)) + encoded_len_varint(length as u64) + length
}
