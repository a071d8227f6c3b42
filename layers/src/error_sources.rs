//! Texts of an error's sources.
//!
//! Records and trace spans come here. The program's code runs behind a panic guard, outside every lock, and a bound holds on how many
//! sources it may have.

use std::error::Error;

use crate::count::Counts;
use crate::hold::Hold;
use crate::read::FieldDropReason;
use crate::user_code::{self, Formatted};

/// Most sources of an error that are exported.
const MAX_SOURCES: usize = 16;

/// The texts, the nearest source first. What panics is left out and counted.
pub(crate) fn sources(error: &(dyn Error + 'static), hold: &Hold, counts: &Counts) -> Vec<String> {
    let mut sources = Vec::new();
    let mut next = source(error, hold, counts);
    while let Some(found) = next {
        let mut text = String::new();
        match user_code::format(hold, &mut text, format_args!("{found}")) {
            Formatted::Panicked => counts.field_dropped(FieldDropReason::Panic),
            formatted => {
                if formatted == Formatted::Cut {
                    counts.field_dropped(FieldDropReason::TooLong);
                }
                sources.push(text);
            }
        }
        if sources.len() >= MAX_SOURCES {
            break;
        }
        next = source(found, hold, counts);
    }
    sources
}

fn source<'e>(error: &'e (dyn Error + 'static), hold: &Hold, counts: &Counts) -> Option<&'e (dyn Error + 'static)> {
    let source = user_code::guarded(hold, || error.source());
    if source.is_none() {
        counts.field_dropped(FieldDropReason::Panic);
    }
    source.flatten()
}
