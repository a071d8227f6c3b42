//! The tables of `docs/configuration.md`, made from those of this crate.
//! Its test fails where the page is not current, and writes it on request; what stands around the tables is written by hand.
//! Nothing of it is in the crate that ships.

use std::fmt::Write as _;

use super::table::{SECTIONS, UNSUPPORTED};
use crate::resource::Detector;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");

/// Set, it has the page written.
const WRITE: &str = "WRITE_CONFIGURATION_PAGE";

const COMMAND: &str = "WRITE_CONFIGURATION_PAGE=1 cargo test -p tracing-weaver --lib the_page_on_configuration_is_current";

fn variables() -> String {
    let mut out = String::new();
    for section in SECTIONS {
        let _ = write!(out, "\n### {}\n\n| variable | default | what it does |\n|---|---|---|\n", section.title);
        for row in section.rows {
            let _ = writeln!(out, "| {} | {} | {} |", names(row.names), row.default, row.does);
        }
    }
    out
}

fn unsupported() -> String {
    let mut out = String::from("\n| variable | why it changes nothing |\n|---|---|\n");
    for variable in UNSUPPORTED {
        let silent = match variable.harmless {
            [] => String::new(),
            values => format!("; nothing is said of {}", names(values)),
        };
        let _ = writeln!(out, "| `{}` | {}{silent} |", variable.name, variable.instead);
    }
    out
}

fn detectors() -> String {
    let mut out = String::from("\n| detector | what it gives |\n|---|---|\n");
    for detector in Detector::ALL {
        let _ = writeln!(out, "| `{}` | {} |", detector.name(), detector.gives());
    }
    out
}

fn names(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join("<br>")
}

/// The page with a new text between the two marks of a part.
fn with(page: &str, part: &str, text: &str) -> String {
    let marks = [format!("<!-- {part}, made from the code -->\n"), format!("<!-- end of {part} -->")];
    let [begin, end] = marks.map(|mark| {
        let at = page.find(&mark).unwrap_or_else(|| panic!("docs/configuration.md has lost its mark `{}`", mark.trim()));
        (at, at + mark.len())
    });
    format!("{}{text}\n{}", &page[..begin.1], &page[end.0..])
}

#[test]
fn the_page_on_configuration_is_current() {
    let written = std::fs::read_to_string(PATH).unwrap();
    let parts = [("variables", variables()), ("unsupported", unsupported()), ("detectors", detectors())];
    let page = parts.iter().fold(written.clone(), |page, (part, text)| with(&page, part, text));
    if std::env::var_os(WRITE).is_some() {
        return std::fs::write(PATH, &page).unwrap();
    }
    assert!(written == page, "docs/configuration.md is not what the code says; write it by: {COMMAND}");
}

#[test]
fn no_cell_of_a_table_breaks_it() {
    for text in [variables(), unsupported(), detectors()] {
        for line in text.lines().filter(|line| line.starts_with('|')) {
            let columns = line.matches('|').count();
            assert!((3..=4).contains(&columns), "{line}");
        }
    }
}
