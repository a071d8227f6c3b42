//! A definition of an attribute, and a reference with everything that lies over it.
//!
//! Every other part of the resolver holds references. They must never be loosened in privacy by what is laid over them.

use super::merge;
use crate::fault::Mark;
use crate::model::{AnnotationValue, Attribute, AttributeId, AttributeRef, RequirementLevel};
use crate::yaml::read::raw::{AttributeAnnotations, Common, RawRef};
use std::rc::Rc;

/// A definition with its place.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) attribute: Attribute,
    pub(super) ours: AttributeAnnotations,
    pub(super) excluded: bool,
    pub(super) at: Mark,
    /// About how many bytes a reference copies of it.
    pub(super) weight: usize,
}

impl Definition {
    pub(super) fn key(&self) -> &str {
        &self.attribute.key
    }
}

/// A reference with everything that was laid over its definition.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) definition: Rc<Definition>,
    pub(super) at: Mark,
    requirement_level: Option<RequirementLevel>,
    examples: Option<AnnotationValue>,
    sampling_relevant: Option<bool>,
    common: Common,
    ours: AttributeAnnotations,
}

impl Reference {
    /// A reference that changes nothing of its definition.
    pub(super) fn to(definition: Rc<Definition>, at: Mark) -> Self {
        Reference {
            definition,
            at,
            requirement_level: None,
            examples: None,
            sampling_relevant: None,
            common: Common::default(),
            ours: AttributeAnnotations::default(),
        }
    }

    pub(super) fn key(&self) -> &str {
        self.definition.key()
    }

    /// About how many bytes a copy takes.
    pub(super) fn weight(&self) -> usize {
        self.definition.weight + merge::weight(&self.common)
    }

    /// Lays another reference to the same attribute over this one.
    pub(super) fn lay(&mut self, raw: &RawRef) {
        self.at = raw.key.at;
        merge::replace(&mut self.requirement_level, &raw.requirement_level);
        merge::replace(&mut self.examples, &raw.examples);
        merge::replace(&mut self.sampling_relevant, &raw.sampling_relevant);
        merge::common(&mut self.common, &raw.common);
        merge::ours(&mut self.ours, &raw.ours);
    }

    /// Lays a reference to the same attribute, of a group or refinement, over this one.
    pub(super) fn lay_reference(&mut self, over: &Reference) {
        self.at = over.at;
        merge::replace(&mut self.requirement_level, &over.requirement_level);
        merge::replace(&mut self.examples, &over.examples);
        merge::replace(&mut self.sampling_relevant, &over.sampling_relevant);
        merge::common(&mut self.common, &over.common);
        merge::ours(&mut self.ours, &over.ours);
    }

    /// The fields that stand for the attribute here.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let own = self.definition.ours.fields.iter();
        own.chain(self.ours.fields.iter().filter(|field| !self.definition.ours.fields.contains(field))).map(String::as_str)
    }

    /// The reference by id.
    pub(super) fn lower(&self, attribute: AttributeId) -> AttributeRef {
        let definition = &self.definition.attribute;
        let mut annotations = definition.annotations.clone();
        merge::annotations(&mut annotations, &self.common.annotations);
        let mut ours = self.definition.ours.clone();
        merge::ours(&mut ours, &self.ours);
        AttributeRef {
            attribute,
            requirement_level: self.requirement_level.clone().unwrap_or_default(),
            brief: self.common.brief.clone().unwrap_or_else(|| definition.brief.clone()),
            note: self.common.note.clone().unwrap_or_else(|| definition.note.clone()),
            stability: self.common.stability.unwrap_or(definition.stability),
            deprecated: self.common.deprecated.clone().or_else(|| definition.deprecated.clone()),
            examples: self.examples.clone().or_else(|| definition.examples.clone()),
            privacy: merge::privacy(&ours),
            fields: ours.fields,
            cardinality_max: ours.cardinality_max,
            annotations,
            sampling_relevant: self.sampling_relevant.unwrap_or(false),
        }
    }
}
