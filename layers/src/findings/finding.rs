//! A finding as people and tests read it.
//!
//! [`Weaver::findings`](crate::Weaver::findings) gives them, start-up prints them. It holds names and types, never a value of an event.

use std::fmt;

/// How much a finding weighs, in OpenTelemetry Weaver's words.
///
/// ```
/// use tracing_weaver_layers::FindingLevel;
///
/// assert!(FindingLevel::Violation > FindingLevel::Improvement);
/// assert_eq!(FindingLevel::Violation.as_str(), "violation");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingLevel {
    /// Worth knowing.
    Information,
    /// Could be better.
    Improvement,
    /// Code and registry contradict each other.
    Violation,
}

impl FindingLevel {
    /// Weaver's word for it: `information`, `improvement` or `violation`.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingLevel::Information => "information",
            FindingLevel::Improvement => "improvement",
            FindingLevel::Violation => "violation",
        }
    }
}

impl fmt::Display for FindingLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One disagreement between code and registry, at one callsite: what was found and expected, and what to change.
///
/// Its [`Display`](fmt::Display) is several lines for a terminal. No value that the program recorded ever stands in it.
///
/// | `id` | level | when |
/// | --- | --- | --- |
/// | `missing_event` | violation | an event under the registry's prefix is not in the registry; improvement: its name is near one that is |
/// | `missing_span` | violation | a span under the registry's prefix is neither an entity nor a span type; improvement: its name is near one |
/// | `unnamed_event` | improvement | an event without a name carries an attribute of the registry's events |
/// | `missing_attribute` | violation | a field is not declared where it stands, so it is not exported |
/// | `duplicate_attribute` | violation | two fields of a callsite stand for one attribute |
/// | `required_attribute_not_present` | violation | an event lacks a required attribute; improvement: a trace span does |
/// | `entity_required_attribute_not_present` | violation | an entity span lacks a part of its identity, so it opens nothing |
/// | `entity_association_not_satisfied` | violation | an event happened, or was folded, without its entity in force |
/// | `type_mismatch` | violation | the first value of a field is not of the declared type |
/// | `undefined_enum_variant` | information | a value is none of a closed set's |
/// | `deprecated` | violation | an event, span, entity or attribute is deprecated |
/// | `severity_mismatch` | violation | the level of an event is not the one that the registry expects |
/// | `identity_conflict` | violation | an event's field says otherwise than the entity in force or the resource |
/// | `late_value` | improvement | a value was recorded on an entity span after it was opened |
/// | `measurement_refused` | violation | a number that its metric does not take: negative, not finite, past the range |
/// | `entity_in_trace_span` | improvement | an entity was opened directly under a trace span, which it keeps open |
/// | `extract_on_entity` | violation | a trace context was to be extracted into an entity span |
/// | `entity_limit` | violation | an entity span opened nothing, since too many entities had been opened |
///
/// Ids and levels are those of Weaver's live check where it has the condition.
///
/// ```
/// use tracing::{Level, event};
/// use tracing_subscriber::{Registry, prelude::*};
/// use tracing_weaver_layers::{FindingLevel, Settings, weave};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let registry = tracing_weaver_registry::yaml::load_sources(&[
/// #     ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
/// #     ("acme.yaml", include_str!("../../../tests/registry/acme/acme.yaml")),
/// # ])?;
/// let mut settings = Settings::new(registry.into());
/// settings.findings = true;
/// let (layer, weaver, _reader) = weave::<Registry>(settings)?;
/// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
///     event!(name: "acme.order.acept", Level::INFO, acme.order.items = 3);
/// });
/// let finding = &weaver.findings(0, 1)[0];
/// assert_eq!((finding.id, finding.level), ("missing_event", FindingLevel::Violation));
/// assert!(finding.to_string().contains("did you mean `acme.order.accept`?"), "{finding}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which kind of disagreement it is; the table above lists them.
    pub id: &'static str,
    /// How much it weighs.
    pub level: FindingLevel,
    /// What was found, and what was expected.
    pub message: String,
    /// Name of the event or span.
    pub name: String,
    /// Its target.
    pub target: String,
    /// File of the callsite, where `tracing` knows it.
    pub file: Option<String>,
    /// Line of the callsite, where `tracing` knows it.
    pub line: Option<u32>,
    /// The attribute or field that it is about, if it is about one.
    pub attribute: Option<String>,
    /// What to do; empty where [`code`](Self::code) and [`yaml`](Self::yaml) say it all.
    pub help: String,
    /// The code to write instead.
    pub code: Option<String>,
    /// The YAML to add to the registry instead. Its first line is a comment that says where.
    pub yaml: Option<String>,
    /// How often it was met so far. What stands in the code itself was met once.
    pub count: u64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})\n  at ", self.message, self.id)?;
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}, target `{}`", self.target)?,
            (Some(file), None) => write!(f, "{file}, target `{}`", self.target)?,
            (None, _) => write!(f, "target `{}`", self.target)?,
        }
        if self.count > 1 {
            write!(f, ", {} times so far", self.count)?;
        }
        if !self.help.is_empty() {
            write!(f, "\n  {}", self.help)?;
        }
        for (title, text) in [("in the code", &self.code), ("in the registry", &self.yaml)] {
            let Some(text) = text else { continue };
            write!(f, "\n  {title}:")?;
            for line in text.lines() {
                write!(f, "\n    {line}")?;
            }
        }
        Ok(())
    }
}
