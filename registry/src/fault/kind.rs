//! The conditions that a fault can be, under Weaver's names where Weaver has the condition.
//!
//! Whoever reports a fault names its kind, and tools tell faults apart by it. A name must never change its meaning.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Which condition a [`RegistryError`](super::RegistryError) is.
        ///
        /// The names are OpenTelemetry Weaver's where it reports the same condition.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $name,)*
        }

        impl ErrorKind {
            /// The name, for example `UnresolvedAttributeRef`.
            pub fn name(self) -> &'static str {
                match self {
                    $(ErrorKind::$name => stringify!($name),)*
                }
            }
        }
    };
}

kinds! {
    /// A folder or file is missing or cannot be read.
    SemConvSpecError,
    /// A file is no YAML, or more than the bounds allow.
    DeserializationError,
    /// `file_format` is missing or of a format that is not read.
    InvalidFileFormat,
    /// A key is unknown or missing, or a value has a wrong type.
    InvalidSemConvSpec,
    /// The manifest is missing or wrong.
    InvalidRegistryManifest,
    /// An attribute definition contradicts itself.
    InvalidAttribute,
    /// The entity has no identity.
    EntityMissingIdentity,
    /// One attribute is identity and description of an entity.
    AttributeInIdentityAndDescription,
    /// No such attribute.
    UnresolvedAttributeRef,
    /// No such item to refine.
    UnresolvedExtendsRef,
    /// No such attribute group.
    UnresolvedIncludeRef,
    /// No such entity.
    UnresolvedEntityAssociation,
    /// Several dependencies define the entity.
    AmbiguousEntityAssociation,
    /// Several dependencies define the item.
    AmbiguousReference,
    /// The item is kept from dependents by `dependency_resolution.exclude`.
    ExcludedFromDependencyResolution,
    /// A refinement changes the identity of its entity.
    EntityRefinementChangedIdentity,
    /// A refinement refines nothing that exists.
    InvalidRefinement,
    /// An attribute is defined twice, or comes twice into one list.
    DuplicateAttributeId,
    /// A group or refinement is defined twice.
    DuplicateGroupId,
    /// An event, span or entity is defined twice.
    DuplicateGroupName,
    /// A metric is defined twice.
    DuplicateMetricName,
    /// One list names an attribute twice.
    InvalidGroupDuplicateAttributeRef,
    /// Registries depend on each other in a circle.
    CircularDependency,
    /// Dependencies of dependencies beyond the bound.
    MaximumDependencyDepth,
    /// Two majors of one registry.
    IncompatibleDependencyVersions,
    /// Two unversioned dependencies of one name.
    UnversionedDependencyConflict,
    /// A version that is no semantic version where versions must be compared.
    InvalidSemVer,
    /// An import pattern is no glob.
    InvalidWildcard,
    /// An import pattern matches nothing.
    UnmatchedImport,
    /// A dependency that would have to be fetched.
    DependencyNotFetched,
    /// Something in the format that is not read yet.
    NotSupportedYet,
    /// An annotation under `tracing_weaver` is unknown, misplaced or malformed.
    InvalidAnnotation,
    /// A fold names something that does not exist or cannot be measured.
    InvalidFold,
    /// A metric set does not hold together.
    InvalidMetricSet,
    /// A metric set may have more series than the budget allows.
    SeriesBudgetExceeded,
    /// One name means two things where a program could not tell which.
    AmbiguousName,
}

impl ErrorKind {
    /// Whether Weaver knows nothing of this condition: it is a demand of `tracing-weaver` alone.
    ///
    /// ```
    /// use tracing_weaver_registry::ErrorKind;
    ///
    /// assert!(ErrorKind::InvalidFold.is_beyond_weaver());
    /// assert!(!ErrorKind::UnresolvedAttributeRef.is_beyond_weaver());
    /// ```
    pub fn is_beyond_weaver(self) -> bool {
        matches!(
            self,
            ErrorKind::InvalidAnnotation
                | ErrorKind::InvalidFold
                | ErrorKind::InvalidMetricSet
                | ErrorKind::SeriesBudgetExceeded
                | ErrorKind::AmbiguousName
                | ErrorKind::DependencyNotFetched
                | ErrorKind::NotSupportedYet
        )
    }
}

impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
