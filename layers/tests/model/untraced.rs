//! In builds without trace spans there is nothing to model.

use proptest::prelude::*;
use tracing_weaver_layers::Settings;

use crate::plain::{Kind, Reading};

#[derive(Clone, Copy)]
#[allow(dead_code)]
pub(crate) enum Under<'a> {
    Entered(&'a [usize]),
    Parents(&'a [usize]),
}

pub(crate) enum Traced {}

impl Traced {
    pub(crate) fn switch_on(_: &str, _: &mut Settings) -> Option<Traced> {
        None
    }

    pub(crate) fn made(&mut self, _: Reading, _: Kind, _: bool, under: Under<'_>) {
        let (Under::Entered(_) | Under::Parents(_)) = under;
    }

    pub(crate) fn emitted(&mut self, _: i64, _: Under<'_>) {}

    pub(crate) fn said(&mut self, _: i64, _: &[u8]) {}

    pub(crate) fn ended(&mut self, _: usize) {}

    pub(crate) fn look(&mut self) -> Result<(), TestCaseError> {
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(), TestCaseError> {
        Ok(())
    }
}
