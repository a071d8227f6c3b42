//! "Did you mean": the nearest of the names that would have been right.
//!
//! Whoever reports an unknown name asks it. It must never cost more than a bounded number of comparisons
//! for a whole registry, however many names are wrong.

/// Comparisons that one load may spend.
const BUDGET: usize = 400_000;

/// Longer names are not compared.
const MAX_LENGTH: usize = 200;

/// The suggestions of one load.
#[derive(Debug)]
pub(crate) struct Suggestions {
    left: usize,
}

impl Default for Suggestions {
    fn default() -> Self {
        Suggestions { left: BUDGET }
    }
}

impl Suggestions {
    /// The candidate that is nearest to `name`, where one is near enough to be meant.
    pub(crate) fn nearest<'a>(&mut self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        if name.len() > MAX_LENGTH {
            return None;
        }
        let mut best: Option<(f64, &str)> = None;
        for candidate in candidates {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            if candidate.len() > MAX_LENGTH || candidate == name {
                continue;
            }
            let score = similarity(name, candidate);
            if score >= 0.6 && best.is_none_or(|(found, _)| score > found) {
                best = Some((score, candidate));
            }
        }
        best.map(|(_, candidate)| candidate)
    }

    /// "did you mean `x`?", empty where nothing is near.
    pub(crate) fn did_you_mean<'a>(&mut self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
        self.nearest(name, candidates).map(|near| format!("did you mean `{near}`?")).unwrap_or_default()
    }
}

/// From 0 to 1. Case and the choice of delimiter count for little: they are what people mix up.
fn similarity(a: &str, b: &str) -> f64 {
    let (folded_a, folded_b) = (fold(a), fold(b));
    if folded_a == folded_b {
        return 0.99;
    }
    let distance = strsim::normalized_damerau_levenshtein(&folded_a, &folded_b);
    // A missing namespace: `node.id` for `otelcol.node.id`.
    let tail = folded_a.len() > 3
        && folded_b.len() > 3
        && (folded_b.ends_with(&format!("_{folded_a}")) || folded_a.ends_with(&format!("_{folded_b}")));
    if tail { distance.max(0.8) } else { distance }
}

fn fold(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '.' | '-' | '_' | ' ') { '_' } else { c.to_ascii_lowercase() }).collect()
}
