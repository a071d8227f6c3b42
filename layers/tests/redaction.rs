//! What the registry calls secret or personal never leaves, wherever a program writes it.
//!
//! Every value that must not leave holds the word MARK, and nothing that leaves may hold it. No test here may look at a value
//! before it looked at the bytes.

#[path = "support/mod.rs"]
mod support;

use std::cell::Cell;
use std::error::Error;
use std::fmt;

use support::{Any, Harness, Said, Total, filter, ints, registry_of};
use tracing::{Level, event, info_span};
use tracing_weaver_layers::FieldDropReason::{Normalize, Panic, Personal, Secret, Undeclared};
use tracing_weaver_layers::{FieldDropReason, Settings};

fn private() -> Harness {
    let mut settings = Settings::new(registry_of(include_str!("support/privacy.yaml")));
    settings.filter = filter("info");
    Harness::new(settings)
}

/// All records, once it is clear that no mark stands anywhere in what leaves.
fn drain(harness: &mut Harness) -> Vec<Said> {
    let said = harness.drain();
    let snapshot = format!("{:?}", harness.weaver.snapshot());
    let all = said.iter().flat_map(|said| [String::from_utf8_lossy(&said.bytes).into_owned(), format!("{said:?}")]);
    for text in all.chain([snapshot]) {
        assert!(!text.to_lowercase().contains("mark"), "{text}");
    }
    said
}

fn dropped(harness: &Harness) -> Vec<(FieldDropReason, u64)> {
    harness.stats().fields_dropped
}

fn is_hash(text: &str) -> bool {
    let hex = text.strip_prefix("[hash:").and_then(|rest| rest.strip_suffix(']'));
    hex.is_some_and(|hex| hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)))
}

#[derive(Debug)]
struct Fault(Option<Box<Fault>>);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MARK of a fault")
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|source| source as _)
    }
}

#[test]
fn an_event_that_the_registry_knows_is_redacted_by_key_and_by_field_name() {
    let mut harness = private();
    harness.run(|| {
        event!(
            name: "p.login", Level::INFO, p.token = "MARK", p.email = "MARK", p.name = "MARK", p.phone = "MARK", p.url = "MARK",
            p.nick = "ÄÖÜ-MARK", p.header.authorization = "MARK", p.cookie.session = "MARK", p.seq = 1
        );
        event!(name: "p.login", Level::INFO, token = "MARK", email = "MARK", user_name = "MARK", p.seq = 2);
    });
    let said = drain(&mut harness);
    assert_eq!(said[0].keys(), ["p.cookie.session", "p.email", "p.name", "p.nick", "p.seq"]);
    assert_eq!(
        (said[0].text("p.email"), said[0].text("p.cookie.session"), said[0].text("p.nick")),
        ("[redacted:personal]", "[redacted:personal]", "äöü-")
    );
    assert_eq!(said[1].keys(), ["p.email", "p.name", "p.seq"]);
    assert!(is_hash(said[0].text("p.name")) && said[0].text("p.name") == said[1].text("p.name"), "{said:?}");
    assert_eq!(dropped(&harness), [(Secret, 3), (Personal, 6), (Normalize, 1)]);
}

#[test]
fn an_event_that_the_registry_does_not_know_is_redacted_by_key_and_by_field_name_too() {
    let mut harness = private();
    harness.run(|| {
        tracing::info!(
            p.token = "MARK",
            p.email = "MARK",
            p.name = "MARK",
            p.phone = "MARK",
            p.url = "MARK",
            p.nick = "MIX-MARK",
            p.seq = 1
        );
        tracing::info!(
            tok = "MARK",
            email = "MARK",
            user_name = "MARK",
            p.header.authorization.x = "MARK",
            p.cookie.session = "MARK",
            other = 2
        );
        event!(
            name: "x.other", Level::INFO, p.free = "MARK is secret in one event of the registry", p.person.id = "MARK", p.desk.id = "MARK"
        );
    });
    let said = drain(&mut harness);
    assert_eq!(said[0].keys(), ["p.email", "p.name", "p.nick", "p.seq"]);
    assert_eq!(said[0].text("p.nick"), "mix-");
    assert_eq!(said[1].keys(), ["email", "other", "p.cookie.session", "user_name"]);
    assert!(is_hash(said[1].text("user_name")) && said[1].text("user_name") == said[0].text("p.name"));
    assert_eq!(said[2].keys(), ["p.person.id"]);
    assert_eq!(dropped(&harness), [(Secret, 5), (Personal, 7), (Normalize, 1)]);
}

#[test]
fn a_field_that_the_event_does_not_declare_is_not_exported_whatever_the_registry_calls_it() {
    let mut harness = private();
    harness.run(|| event!(name: "p.secretive", Level::INFO, p.free = "MARK", p.email = "MARK", other = "MARK", email = "MARK", p.seq = 1));
    let said = drain(&mut harness);
    assert_eq!(said[0].keys(), ["p.seq"]);
    assert_eq!(dropped(&harness).iter().map(|(_, count)| count).sum::<u64>(), 4);
    assert!(dropped(&harness).contains(&(Secret, 1)) && dropped(&harness).iter().any(|(reason, _)| *reason == Undeclared));
}

#[test]
fn no_type_of_value_slips_through_and_no_text_of_a_secret_is_even_made() {
    let mut harness = private();
    struct Watched<'a>(&'a Cell<u32>);
    impl fmt::Debug for Watched<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            f.write_str("MARK")
        }
    }
    let made = Cell::new(0);
    let fault = Fault(Some(Box::new(Fault(None))));
    let fault = &fault as &(dyn Error + 'static);
    let bytes = b"MARK".as_slice();
    let long = "MARK ".repeat(40_000);
    harness.run(|| {
        event!(
            name: "p.login", Level::INFO, p.token = ?Watched(&made), p.email = ?Watched(&made), p.name = ?"MARK", p.phone = ?Watched(&made)
        );
        event!(name: "p.login", Level::INFO, p.token = fault, p.email = fault, p.seq = 1);
        event!(name: "x.other", Level::INFO, token = fault, p.name = fault);
        event!(name: "p.login", Level::INFO, p.token = 4242u64, p.email = u128::MAX, p.name = bytes, p.phone = -7i128, p.url = f64::NAN);
        event!(name: "p.login", Level::INFO, p.token = true, p.email = bytes, p.name = 1.5, p.nick = true, p.url = ?Watched(&made));
        event!(name: "p.login", Level::INFO, p.token = long, p.email = long, p.name = long, p.phone = long, p.nick = ?long);
        event!(name: "x.other", Level::INFO, email = ?long, tok = %long);
    });
    let said = drain(&mut harness);
    assert_eq!(made.get(), 0, "user code ran for what is not exported");
    for said in &said {
        let allowed = ["[redacted:personal]", "true"];
        let text = |value: &Any| matches!(value, Any::Str(text) if allowed.contains(&text.as_str()) || is_hash(text) || text.len() == 4);
        let plain = ["p.seq", "code.line.number"];
        assert!(
            said.attributes.iter().all(|(key, value)| plain.contains(&key.as_str()) || text(value) || *value == Any::Bool(true)),
            "{said:?}"
        );
        assert!(said.get("p.token").is_none() && said.attributes.keys().all(|key| !key.ends_with(".chain")));
    }
    assert!(harness.stats().fields_dropped.iter().all(|(reason, _)| *reason != Panic));
}

#[test]
fn a_secret_that_is_written_as_the_message_is_no_body() {
    let mut harness = private();
    harness.run(|| {
        event!(name: "p.speech", Level::INFO, { p.seq = 1 }, "MARK {}", 1);
        event!(name: "p.speech", Level::INFO, p.note = "MARK", p.seq = 2);
    });
    let said = drain(&mut harness);
    assert_eq!(
        said.iter().map(|said| (said.keys(), said.body.clone())).collect::<Vec<_>>(),
        [(vec!["p.seq"], None), (vec!["p.seq"], None)]
    );
    assert_eq!(dropped(&harness), [(Secret, 2)]);
}

#[test]
fn attributes_of_entities_are_redacted_on_scopes_of_records_and_of_metrics() {
    let mut harness = private();
    harness.run(|| {
        let open =
            |id: &str| info_span!("p.person", p.person.id = id, p.email = "MARK", p.token = ?"MARK", p.url = %"MARK", p.nick = "ANNABEL");
        let _anna = open("MARK anna").entered();
        event!(name: "p.login", Level::INFO, p.seq = 1, p.person.id = "MARK anna");
        let _bert = open("MARK bert").entered();
        event!(name: "p.login", Level::INFO, p.seq = 2, p.person.id = "MARK somebody");
    });
    let said = drain(&mut harness);
    for said in &said {
        assert_eq!(said.keys(), ["p.seq"], "an identity that stands on the scope does not stand on the record");
        assert_eq!(said.entities.keys().collect::<Vec<_>>(), ["p.email", "p.nick", "p.person.id"]);
        assert_eq!((said.entities["p.email"].as_str(), said.entities["p.nick"].as_str()), ("[redacted:personal]", "anna"));
        assert!(is_hash(&said.entities["p.person.id"]));
    }
    assert_ne!(said[0].entities["p.person.id"], said[1].entities["p.person.id"]);
    let totals = harness.totals();
    let persons: Vec<_> = totals.iter().filter(|(name, _)| name.starts_with("p.person.visits{p.email")).collect();
    assert_eq!(persons.iter().map(|(_, total)| (*total).clone()).collect::<Vec<_>>(), [Total::Int(1), Total::Int(1)]);
    let counted = dropped(&harness);
    assert!(
        counted.contains(&(Secret, 2)) && counted.contains(&(Normalize, 2)) && counted.iter().any(|(r, n)| *r == Personal && *n >= 4),
        "{counted:?}"
    );
}

#[test]
fn entities_that_cannot_be_told_apart_once_redacted_share_one_series() {
    let mut harness = private();
    harness.run(|| {
        for (desk, room) in [("MARK 1", "Hall"), ("MARK 2", "HALL"), ("MARK 3", "hall")] {
            let _room = info_span!("p.room", p.room.id = room).entered();
            let _desk = info_span!("p.desk", p.desk.id = desk).entered();
            event!(name: "p.login", Level::INFO, p.seq = 1);
        }
    });
    drain(&mut harness);
    let expected = [("p.desk.visits{p.room.id=hall}[]", 3), ("p.room.visits{p.room.id=hall}[]", 3), ("p.person.visits{}[]", 3)];
    assert_eq!(harness.totals(), ints(expected));
}

#[test]
fn a_dimension_that_asks_for_redaction_is_counted_and_splits_nothing() {
    let mut harness = private();
    harness.run(|| {
        for outcome in ["success", "failure", "success"] {
            event!(name: "p.look", Level::INFO, p.level = "MARK-low", p.side = "MARK-left", p.path = "MARK-a", p.outcome = outcome);
            event!(name: "p.look", Level::TRACE, p.level = ?"MARK-high", p.outcome = outcome);
        }
    });
    assert!(drain(&mut harness).is_empty());
    let totals = harness.totals();
    let by = |outcome: &str| totals.iter().filter(|(name, _)| name.contains(outcome)).map(|(_, total)| total.clone()).collect::<Vec<_>>();
    let sum = |totals: Vec<Total>| totals.iter().map(|total| if let Total::Int(n) = total { *n } else { 0 }).sum::<i64>();
    assert_eq!((sum(by("p.outcome=success")), sum(by("p.outcome=failure")), totals.len()), (4, 2, 2));
    assert_eq!(dropped(&harness), [(Secret, 3), (Personal, 6), (Normalize, 3)]);
}

#[test]
fn a_place_in_the_code_that_the_registry_calls_secret_is_not_exported() {
    let text = "
file_format: definition/2
attributes:
  - {key: code.file.path, type: string, brief: A file., stability: stable, annotations: {tracing_weaver: {sensitivity: secret}}}
  - {key: code.line.number, type: int, brief: A line., stability: stable, annotations: {tracing_weaver: {sensitivity: personal}}}
";
    let mut settings = Settings::new(registry_of(text));
    settings.code_location = true;
    let mut harness = Harness::new(settings);
    harness.run(|| {
        tracing::info!(x = 1);
        let record = log::Record::builder()
            .args(format_args!("hello"))
            .level(log::Level::Info)
            .target("old")
            .file(Some("a/MARK.rs"))
            .line(Some(77))
            .build();
        tracing_log::format_trace(&record).unwrap();
    });
    let said = drain(&mut harness);
    assert_eq!(said.iter().map(Said::keys).collect::<Vec<_>>(), [vec!["code.line.number", "x"], vec!["code.line.number"]]);
    assert!(said.iter().all(|said| said.text("code.line.number") == "[redacted:personal]"));
    assert_eq!(dropped(&harness), [(Secret, 2), (Personal, 2)]);
}

#[test]
fn an_attribute_below_a_template_is_as_private_as_that_unless_it_says_otherwise_itself() {
    let text = "
file_format: definition/2
attributes:
  - {key: k.header, type: 'template[string]', brief: A header., stability: stable, annotations: {tracing_weaver: {sensitivity: secret}}}
  - {key: k.header.auth, type: string, brief: Who., stability: stable, annotations: {tracing_weaver: {field: [auth]}}}
  - {key: k.header.accept, type: string, brief: What., stability: stable, annotations: {tracing_weaver: {sensitivity: internal}}}
  - {key: k.header.kind, type: {members: [{id: MARK}]}, brief: Kind., stability: stable}
  - {key: k.cookie, type: 'template[string]', brief: A cookie., stability: stable, annotations: {tracing_weaver: {sensitivity: personal}}}
  - {key: k.cookie.id, type: string, brief: Id., stability: stable}
  - {key: k.tag, type: 'template[string]', brief: A tag., stability: stable}
entities:
  - {type: k.client, brief: A client., stability: stable, identity: [{ref: k.cookie.id}], description: [{ref: k.header.auth}]}
events:
  - name: k.call
    brief: A call.
    stability: stable
    attributes: [{ref: k.header.auth}, {ref: k.header.accept}, {ref: k.header.kind}, {ref: k.cookie.id}]
  - {name: k.tagged, brief: Tags., stability: stable, attributes: [{ref: k.tag, annotations: {tracing_weaver: {sensitivity: secret}}}]}
metrics:
  - name: k.calls
    brief: Calls.
    unit: '1'
    instrument: counter
    stability: stable
    attributes: [{ref: k.header.kind}]
    annotations: {tracing_weaver: {fold: {event: k.call}}}
";
    let mut settings = Settings::new(registry_of(text));
    settings.filter = filter("info");
    let mut harness = Harness::new(settings);
    harness.run(|| {
        event!(name: "k.call", Level::INFO, auth = "MARK", k.header.accept = "json", k.header.kind = "MARK", k.cookie.id = "MARK");
        let _client = info_span!("k.client", k.cookie.id = "MARK", k.header.auth = "MARK").entered();
        event!(name: "k.call", Level::INFO, k.header.auth = "MARK");
        event!(name: "x.other", Level::INFO, k.tag.colour = "MARK is secret in one event of the registry");
        event!(name: "x.other", Level::INFO, auth = "MARK");
    });
    let said = drain(&mut harness);
    assert_eq!(said.iter().map(Said::keys).collect::<Vec<_>>(), [vec!["k.cookie.id", "k.header.accept"], vec![], vec![], vec![]]);
    assert_eq!((said[0].text("k.header.accept"), said[0].text("k.cookie.id")), ("json", "[redacted:personal]"));
    assert_eq!(
        said[1].entities.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>(),
        [("k.cookie.id", "[redacted:personal]")]
    );
    assert_eq!(harness.totals(), ints([("k.calls{}[]", 2)]));
}
