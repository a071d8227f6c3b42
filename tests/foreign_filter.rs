//! Filters of others for the whole subscriber: said on stderr once, with what to write instead, and shown by `describe`.
//!
//! The test runs this binary again, so that it can read what a program says on stderr.
#![cfg(feature = "yaml")]

#[path = "support/again.rs"]
mod again;

use std::time::Duration;

use tracing::{Level, event, info_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

const KIND: &str = "TEST_FOREIGN_FILTER";

/// What the program does that a test starts.
fn program(kind: &str) {
    let registry = tracing_weaver_registry::yaml::load_sources(&[
        ("manifest.yaml", "schema_url: https://example.com/schemas/acme/1.0.0"),
        ("acme.yaml", include_str!("registry/acme/acme.yaml")),
    ]);
    let builder = tracing_weaver::builder().registry_bytes(registry.unwrap().to_bytes()).console(false);
    macro_rules! quiet {
        () => {
            fmt::layer().with_writer(std::io::sink)
        };
    }
    let telemetry = match kind {
        "install" => builder.layer(quiet!().with_filter(EnvFilter::new("error"))).install().unwrap(),
        "install with a filter as a layer" => builder.layer(EnvFilter::new("warn")).layer(quiet!()).install().unwrap(),
        "filtered layer of ours alone" => {
            let (telemetry, layer) = builder.build().unwrap();
            tracing_subscriber::registry().with(layer.with_filter(LevelFilter::WARN)).init();
            telemetry
        }
        "filter behind" => {
            let (telemetry, layer) = builder.build().unwrap();
            tracing_subscriber::registry().with(layer).with(EnvFilter::new("warn")).with(quiet!()).init();
            telemetry
        }
        "joined before a filtered one" => {
            let (telemetry, layer) = builder.build().unwrap();
            tracing_subscriber::registry().with(layer.and_then(quiet!().with_filter(EnvFilter::new("warn")))).init();
            telemetry
        }
        other => panic!("{other}"),
    };
    let _shop = info_span!("acme.shop", acme.shop.id = "north").entered();
    for _ in 0..3 {
        event!(name: "acme.order.accept", Level::INFO, acme.order.items = 3);
    }
    // Somebody who shuts down at once gets to know it, too.
    telemetry.shutdown(Duration::from_secs(5));
    println!("{}", telemetry.describe());
}

#[test]
#[ignore = "a program that the other tests run"]
fn a_program() {
    program(&std::env::var(KIND).unwrap());
}

/// Stderr and stdout of such a program.
fn run(kind: &str) -> (String, String) {
    let said = again::run("a_program", &[(KIND, kind), ("TRACING_WEAVER_LOG", "off")]);
    (said.stderr, said.stdout)
}

#[test]
fn a_filter_on_its_own_layer_is_nothing_to_talk_about() {
    let (said, described) = run("install");
    assert!(!said.contains("hides") && !described.contains("hidden"), "{said}\n{described}");
}

#[test]
fn a_filter_for_the_whole_subscriber_is_said_once_with_a_callsite_and_what_to_write_instead() {
    let of_install = "`.layer(fmt::layer().with_filter(filter))` instead of `.layer(filter)`";
    let of_program =
        "where it says `.with(filter)`, give the filter to the layer that it is meant for, `.with(fmt::layer().with_filter(filter))`";
    for (kind, instead) in [("install with a filter as a layer", of_install), ("filter behind", of_program)] {
        let (said, described) = run(kind);
        let lines: Vec<_> = said.lines().filter(|line| line.contains("hides from the metrics")).collect();
        assert_eq!(lines.len(), 1, "{kind}: {said}");
        assert!(lines[0].contains("`acme.order.accept` (INFO, ") && lines[0].contains(concat!(file!(), ":")), "{kind}: {said}");
        assert!(said.contains(instead), "{kind}: {said}");
        assert!(described.contains("hidden    a filter for the whole subscriber, or one around our layer, hides"), "{kind}: {described}");
    }
}

#[test]
fn a_filtered_layer_joined_behind_ours_is_said_with_the_level_that_it_leaves() {
    let (said, described) = run("joined before a filtered one");
    assert!(
        said.contains("hides everything more verbose than warn") && said.contains("write `.with(ours).with(theirs.with_filter(..))`"),
        "{said}"
    );
    assert!(described.contains("more verbose than warn"), "{described}");
}

#[test]
fn a_filter_around_our_layer_alone_is_said_with_the_filter_of_ours_that_hides_nothing() {
    let (said, _) = run("filtered layer of ours alone");
    assert!(
        said.contains("where it says `.with(ours.with_filter(..))`, write `.with(ours)` and `tracing_weaver::builder().filter("),
        "{said}"
    );
}
