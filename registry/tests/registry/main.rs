//! Reading, resolving and packing registries, one module per concern.
#![cfg(feature = "yaml")]

mod annotations;
mod bounds;
mod dependencies;
mod entities;
mod faults;
mod folds;
mod imports;
mod metric_sets;
mod packed;
mod privacy;
mod real_files;
mod resolving;
mod shapes;
mod texts;
