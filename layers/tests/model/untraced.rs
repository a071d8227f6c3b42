//! In builds without trace spans there is nothing to model.

use proptest::prelude::*;

use crate::plain::{Kind, Reading};

#[derive(Clone, Copy)]
pub(crate) enum Under<'a> {
    Entered(&'a [usize]),
    Parents(&'a [usize]),
}

pub(crate) enum Traced {}

impl Traced {
    pub(crate) fn made(&mut self, _: Reading, _: Kind, _: bool, under: Under<'_>) {
        match under {
            Under::Entered(spans) | Under::Parents(spans) => drop(spans),
        }
    }

    pub(crate) fn ended(&mut self, _: usize) {}

    pub(crate) fn look(&mut self) -> Result<(), TestCaseError> {
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(), TestCaseError> {
        Ok(())
    }
}
