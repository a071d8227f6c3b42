//! Findings: every kind of disagreement between code and registry by a few lines of program, and none where they agree.
//!
//! Each test has a layer of its own and a target of its own, since every layer of the process hears of every callsite that registers.

#[cfg(feature = "spans")]
#[path = "support/spans.rs"]
mod spans;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;

use support::met::{found, only};
use support::{Harness, filter, registry_of};
use tracing::field::Empty;
use tracing::{Level, event, info_span, span};
use tracing_weaver_layers::{Finding, FindingLevel, Settings, Value};
use tracing_weaver_registry::model::ResolvedRegistry;
use tracing_weaver_registry::yaml::load_sources;

const REGISTRY: &str = include_str!("support/findings.yaml");

fn settings(directives: &str) -> Settings {
    let mut settings = Settings::new(registry_of(REGISTRY));
    settings.filter = filter(directives);
    settings
}

fn harness() -> Harness {
    Harness::new(settings("info"))
}

fn ids(found: &[Finding]) -> Vec<(&str, Option<&str>)> {
    found.iter().map(|finding| (finding.id, finding.attribute.as_deref())).collect()
}

/// Runs code inside a shop.
fn in_shop(harness: &Harness, code: impl FnOnce()) {
    harness.run(|| info_span!(target: "shop", "f.shop", f.shop.id = "north", f.shop.city = "Bern").in_scope(code));
}

/// The registry with a further file, the YAML of a finding.
fn amended(finding: &Finding) -> Arc<ResolvedRegistry> {
    let yaml = format!("file_format: definition/2\n{}\n", finding.yaml.as_ref().expect("YAML"));
    let manifest = "schema_url: https://example.com/schemas/t/1.0.0";
    let sources = [("manifest.yaml", manifest), ("t.yaml", REGISTRY), ("more.yaml", yaml.as_str())];
    Arc::new(load_sources(&sources).unwrap_or_else(|faults| panic!("{faults}\n{yaml}")))
}

#[test]
fn an_event_that_the_registry_does_not_have_is_found_with_the_name_that_was_meant_and_the_yaml_to_add() {
    const TARGET: &str = "unknown event";
    let program = || {
        event!(name: "f.order.acept", target: TARGET, Level::DEBUG, items = 3, f.shop.id = "north", count = 1u64, f.order.no = "7", f.order.pin = 1, "taken");
    };
    let first = harness();
    first.run(program);
    let finding = only(&first, TARGET);
    assert_eq!((finding.id, finding.level, finding.name.as_str()), ("missing_event", FindingLevel::Violation, "f.order.acept"));
    assert!(finding.file.as_deref().unwrap().ends_with("tests/findings.rs") && finding.line.is_some(), "{finding:?}");
    assert!(finding.help.contains("did you mean `f.order.accept`?"), "{finding}");
    assert!(finding.code.as_deref().unwrap().starts_with("event!(name: \"f.order.accept\", Level::DEBUG, items = …"), "{finding}");

    let mut settings = settings("info");
    settings.registry = amended(&finding);
    let second = Harness::new(settings);
    second.run(program);
    assert_eq!(ids(&found(&second, TARGET)), [("missing_attribute", Some("f.order.pin"))], "the YAML ends it, and takes no secret in");
    let event = second.weaver.registry().event_by_name("f.order.acept").unwrap();
    let registry = second.weaver.registry();
    let keys: Vec<_> = registry.event(event).attributes.iter().map(|of| registry.attribute(of.attribute).key.as_str()).collect();
    assert_eq!(keys, ["f.order.count", "f.order.items", "f.order.no"], "the entity's key is attached anyway, and the body is no attribute");
}

#[test]
fn a_span_that_is_neither_entity_nor_span_type_is_found_with_the_yaml_to_add() {
    const TARGET: &str = "unknown span";
    let program = || drop(span!(target: TARGET, Level::TRACE, "f.order.pack", items = 3, way = "web"));
    let first = harness();
    first.run(program);
    let finding = only(&first, TARGET);
    assert_eq!((finding.id, finding.level), ("missing_span", FindingLevel::Violation));
    let mut settings = settings("info");
    settings.registry = amended(&finding);
    let second = Harness::new(settings);
    second.run(program);
    assert_eq!(found(&second, TARGET), []);
}

#[test]
fn names_of_another_kind_and_near_names_outside_the_prefix_are_told_apart() {
    let harness = harness();
    harness.run(|| {
        drop(info_span!(target: "typo", "f.shp"));
        drop(info_span!(target: "world", "f.world"));
        drop(info_span!(target: "event as span", "f.order.accept"));
        event!(name: "f.shop", target: "entity as event", Level::INFO, {});
        event!(name: "f_order_accept", target: "delimiters", Level::INFO, items = 3);
        event!(name: "order.accept", target: "namespace", Level::INFO, items = 3);
    });
    let typo = only(&harness, "typo");
    assert_eq!((typo.id, typo.code.as_deref()), ("missing_span", Some("info_span!(\"f.shop\")")));
    assert!(only(&harness, "world").help.contains("stands on the resource"));
    assert!(only(&harness, "event as span").help.contains("emit it by `event!`"), "{}", only(&harness, "event as span"));
    assert!(only(&harness, "entity as event").help.contains("a span opens it"));
    for target in ["delimiters", "namespace"] {
        let finding = only(&harness, target);
        assert_eq!((finding.id, finding.level), ("missing_event", FindingLevel::Improvement));
        assert!(finding.help.contains("did you mean `f.order.accept`?"), "{finding}");
        assert_eq!(finding.yaml, None, "it may be another's");
    }
}

#[test]
fn what_is_not_the_registrys_business_is_left_alone() {
    const TARGET: &str = "strangers";
    let harness = harness();
    harness.run(|| {
        event!(name: "g.order.begin", target: TARGET, Level::INFO, anything = 1);
        event!(name: "request", target: TARGET, Level::INFO, anything = 1);
        drop(info_span!(target: TARGET, "poll_next", f.shop.id = "north"));
        drop(info_span!(target: TARGET, "accept"));
        event!(target: TARGET, Level::INFO, { f.shop.id = "north", unknown = 1 }, "a plain line");
        tracing::warn!(target: TARGET, "a plain line");
        log::info!(target: TARGET, "by log");
    });
    assert_eq!(found(&harness, TARGET), []);
}

#[test]
fn code_that_agrees_with_the_registry_gives_no_finding() {
    const TARGET: &str = "right";
    let harness = harness();
    harness.run(|| {
        let shop = info_span!(target: TARGET, "f.shop", f.shop.id = "north", f.shop.city = %"Bern", f.shop.size = 3, "a shop");
        let _shop = shop.enter();
        let _order = info_span!(target: TARGET, "f.order.process", items = Empty, f.order.note = "n", otel.kind = "server").entered();
        for (outcome, change) in [("success", 1), ("failure", -1), ("_OTHER", 0)] {
            event!(
                name: "f.order.accept",
                target: TARGET,
                Level::INFO,
                items = 3u64,
                outcome,
                f.order.change = change,
                f.order.weight = 2,
                f.order.note = ?"note",
                f.order.pin = 1234,
                f.shop.id = "north",
                "taken"
            );
        }
        event!(
            name: "f.order.say",
            target: TARGET,
            Level::ERROR,
            f.order.note = "n",
            f.order.gift = true,
            f.order.tags = ?["a", "b"],
            f.order.labels.colour = "red",
            f.order.way = "web",
            f.order.trouble = "water",
            f.order.weight = 1.5
        );
        event!(name: "f.till.open", target: TARGET, Level::INFO, f.order.note = Option::<&str>::None);
    });
    harness.run(|| event!(name: "f.till.open", target: TARGET, Level::INFO, f.shop.id = "north", f.shop.city = "Bern"));
    assert_eq!(found(&harness, TARGET), []);
}

#[test]
fn a_field_that_is_not_declared_is_found_with_the_near_name_and_the_place_in_the_registry() {
    let harness = harness();
    in_shop(&harness, || {
        event!(name: "f.order.accept", target: "near", Level::INFO, items = 1, f.order.outcom = "success");
        event!(name: "f.order.accept", target: "bare", Level::INFO, items = 1, note = "n");
        event!(name: "f.order.accept", target: "far", Level::INFO, items = 1, colour = "red");
        event!(name: "f.order.accept", target: "other's", Level::INFO, items = 1, f.order.way = "web");
        drop(info_span!(target: "entity", "f.shop", f.shop.id = "n", f.shop.city = "b", colour = "red"));
        event!(name: "f.till.open", target: "secret", Level::INFO, f.order.pin = 1);
    });
    let near = only(&harness, "near");
    assert_eq!((near.id, near.level, near.attribute.as_deref()), ("missing_attribute", FindingLevel::Violation, Some("f.order.outcom")));
    assert_eq!(near.code.as_deref(), Some("event!(name: \"f.order.accept\", Level::INFO, items = …, f.order.outcome = …);"));
    assert!(near.help.contains("t.yaml:"), "{near}");
    assert!(only(&harness, "bare").help.contains("did you mean `f.order.note`?"));
    let far = only(&harness, "far");
    assert_eq!(far.code, None);
    let yaml = far.yaml.unwrap();
    assert!(yaml.contains("key: f.order.colour") && yaml.contains("field: [colour]") && yaml.contains("- ref: f.order.colour"), "{yaml}");
    let known = only(&harness, "other's").yaml.unwrap();
    assert!(known.ends_with("- ref: f.order.way") && !known.contains("key:"), "{known}");
    let secret = only(&harness, "secret");
    assert!(secret.help.contains("leave it out") && secret.yaml.is_none(), "{secret}");
    assert!(only(&harness, "entity").yaml.unwrap().contains("under `description:` of `f.shop`"));
}

#[test]
fn a_required_field_that_a_callsite_lacks_is_found() {
    let harness = harness();
    in_shop(&harness, || {
        event!(name: "f.order.accept", target: "lacks", Level::INFO, f.order.note = "n");
        drop(info_span!(target: "span lacks", "f.order.process"));
    });
    let event = only(&harness, "lacks");
    assert_eq!((event.id, event.level), ("required_attribute_not_present", FindingLevel::Violation));
    assert_eq!(event.code.as_deref(), Some("event!(name: \"f.order.accept\", Level::INFO, f.order.note = …, f.order.items = …);"));
    assert!(event.help.contains("`items`"), "{event}");
    let span = only(&harness, "span lacks");
    assert_eq!((span.id, span.level), ("required_attribute_not_present", FindingLevel::Improvement));
}

#[test]
fn wrong_levels_deprecated_items_doubled_fields_and_events_without_a_name_are_found() {
    let harness = harness();
    in_shop(&harness, || {
        event!(name: "f.order.accept", target: "level", Level::WARN, items = 1);
        event!(name: "f.order.take", target: "renamed", Level::INFO, {});
        event!(name: "f.order.lose", target: "obsolete", Level::INFO, {});
        event!(name: "f.order.accept", target: "attribute", Level::INFO, items = 1, f.order.remark = "r");
        event!(name: "f.order.accept", target: "double", Level::INFO, items = 1, f.order.items = 1);
        event!(target: "unnamed", Level::INFO, { f.order.items = 1 }, "taken");
    });
    let level = only(&harness, "level");
    assert_eq!(level.id, "severity_mismatch");
    assert!(level.message.contains("WARN") && level.message.contains("INFO"), "{level}");
    assert!(level.yaml.as_deref().unwrap().contains("severity: warn"), "{level}");
    let renamed = only(&harness, "renamed");
    assert_eq!((renamed.id, renamed.code.as_deref()), ("deprecated", Some("event!(name: \"f.order.accept\", Level::INFO, …);")));
    assert!(renamed.message.contains("Shorter."), "{renamed}");
    assert!(only(&harness, "obsolete").message.contains("nothing took its place"));
    let attribute = only(&harness, "attribute");
    assert_eq!((attribute.id, attribute.attribute.as_deref()), ("deprecated", Some("f.order.remark")));
    assert!(attribute.code.as_deref().unwrap().contains("f.order.note = …"), "{attribute}");
    let double = only(&harness, "double");
    assert_eq!((double.id, double.attribute.as_deref()), ("duplicate_attribute", Some("f.order.items")));
    let unnamed = only(&harness, "unnamed");
    assert_eq!((unnamed.id, unnamed.level), ("unnamed_event", FindingLevel::Improvement));
    assert!(unnamed.code.as_deref().unwrap().contains("name: \"f.order.accept\""), "{unnamed}");
}

#[test]
fn an_entity_span_without_its_full_identity_is_found_in_code_and_when_it_happens() {
    let harness = harness();
    harness.run(|| {
        drop(info_span!(target: "in code", "f.shop", f.shop.id = "north"));
        drop(info_span!(target: "near entity", "f.shop", f.shop.id = "north", f.shop.cty = "Bern"));
        let empty = info_span!(target: "empty", "f.shop", f.shop.id = "north", f.shop.city = Empty);
        empty.record("f.shop.city", "Bern");
        let full = info_span!(target: "late", "f.shop", f.shop.id = "north", f.shop.city = "Bern", f.shop.size = Empty);
        full.record("f.shop.size", 3);
    });
    let in_code = only(&harness, "in code");
    assert_eq!((in_code.id, in_code.attribute.as_deref()), ("entity_required_attribute_not_present", Some("f.shop.city")));
    assert_eq!(in_code.code.as_deref(), Some("info_span!(\"f.shop\", f.shop.id = …, f.shop.city = …)"));
    let near = found(&harness, "near entity");
    assert_eq!(ids(&near), [("missing_attribute", Some("f.shop.cty")), ("entity_required_attribute_not_present", Some("f.shop.city"))]);
    assert_eq!(near[1].code.as_deref(), Some("info_span!(\"f.shop\", f.shop.id = …, f.shop.city = …)"));
    let empty = found(&harness, "empty");
    assert_eq!(ids(&empty), [("entity_required_attribute_not_present", Some("f.shop.city")), ("late_value", Some("f.shop.city"))]);
    let late = only(&harness, "late");
    assert_eq!((late.id, late.level), ("late_value", FindingLevel::Improvement));
}

#[test]
fn a_key_that_says_otherwise_than_what_is_in_force_is_found() {
    let mut settings = settings("info");
    settings.resource.push(("f.order.note".into(), Value::Str("same".into())));
    let harness = Harness::new(settings);
    in_shop(&harness, || {
        event!(name: "f.till.open", target: "differs", Level::INFO, f.shop.id = "south", f.shop.city = "Bern");
        event!(name: "f.order.say", target: "resource", Level::INFO, f.order.note = "other", f.order.gift = true);
    });
    harness.run(|| event!(name: "f.order.say", target: "nowhere", Level::INFO, f.shop.id = "north"));
    let differs = only(&harness, "differs");
    assert_eq!((differs.id, differs.attribute.as_deref()), ("identity_conflict", Some("f.shop.id")));
    assert_eq!(differs.code.as_deref(), Some("let _entered = info_span!(\"f.shop\", f.shop.id = …, f.shop.city = …).entered();"));
    let resource = only(&harness, "resource");
    assert_eq!((resource.id, resource.attribute.as_deref()), ("identity_conflict", Some("f.order.note")));
    let nowhere = only(&harness, "nowhere");
    assert_eq!((nowhere.id, nowhere.attribute.as_deref()), ("missing_attribute", Some("f.shop.id")));
}

#[test]
fn an_event_outside_of_its_entity_is_found_whether_it_is_folded_or_not() {
    let harness = harness();
    harness.run(|| {
        for _ in 0..7 {
            event!(name: "f.order.accept", target: "folded", Level::INFO, items = 1);
        }
        event!(name: "f.till.open", target: "said", Level::INFO, f.order.note = "n");
    });
    let folded = only(&harness, "folded");
    assert_eq!((folded.id, folded.level, folded.count), ("entity_association_not_satisfied", FindingLevel::Violation, 7));
    assert!(folded.message.contains("`f.shop.orders`") && folded.message.contains("`f.shop`"), "{folded}");
    let said = only(&harness, "said");
    assert_eq!((said.id, said.count), ("entity_association_not_satisfied", 1));
}

#[test]
fn values_of_another_type_or_set_and_numbers_that_no_metric_takes_are_found_without_the_value() {
    let harness = harness();
    in_shop(&harness, || {
        let take = |items: i64| event!(name: "f.order.accept", target: "negative", Level::INFO, items);
        (0..100).for_each(take);
        take(-4711);
        take(-4711);
        event!(name: "f.order.accept", target: "fraction", Level::INFO, items = 47.11);
        event!(name: "f.order.accept", target: "infinite", Level::INFO, items = 1, f.order.weight = f64::INFINITY);
        event!(name: "f.order.accept", target: "huge", Level::INFO, items = u64::MAX);
        event!(name: "f.order.accept", target: "text", Level::INFO, items = "4711");
        event!(name: "f.order.accept", target: "debug", Level::INFO, items = ?4711);
        event!(name: "f.order.accept", target: "variant", Level::INFO, items = 1, outcome = "4711");
        event!(name: "f.order.say", target: "record variant", Level::INFO, f.order.way = "4711");
        event!(name: "f.order.say", target: "bool", Level::INFO, f.order.gift = "4711");
        event!(name: "f.order.say", target: "list", Level::INFO, f.order.tags = 4711);
        drop(info_span!(target: "typed entity", "f.shop", f.shop.id = 4711, f.shop.city = "Bern"));
    });
    let negative = only(&harness, "negative");
    assert_eq!((negative.id, negative.count, negative.attribute.as_deref()), ("measurement_refused", 2, Some("f.order.items")));
    assert_eq!(
        ids(&found(&harness, "fraction")),
        [("type_mismatch", Some("f.order.items")), ("measurement_refused", Some("f.order.items"))]
    );
    assert_eq!(ids(&found(&harness, "infinite")), [("measurement_refused", Some("f.order.weight"))]);
    assert_eq!(ids(&found(&harness, "huge")), [("measurement_refused", Some("f.order.items"))]);
    assert_eq!(ids(&found(&harness, "text")), [("type_mismatch", Some("f.order.items"))]);
    let debug = only(&harness, "debug");
    assert!(debug.id == "type_mismatch" && debug.help.contains("without `?`"), "{debug}");
    for target in ["variant", "record variant"] {
        let variant = only(&harness, target);
        assert_eq!((variant.id, variant.level, variant.count), ("undefined_enum_variant", FindingLevel::Information, 1));
    }
    assert!(only(&harness, "variant").message.contains("`success`, `failure`"));
    assert_eq!(ids(&found(&harness, "bool")), [("type_mismatch", Some("f.order.gift"))]);
    assert_eq!(ids(&found(&harness, "list")), [("type_mismatch", Some("f.order.tags"))]);
    assert_eq!(ids(&found(&harness, "typed entity")), [("type_mismatch", Some("f.shop.id"))]);
    let all: String = harness.weaver.findings(0, usize::MAX).iter().map(|finding| format!("{finding}\n{finding:?}\n")).collect();
    assert!(!all.contains("4711") && !all.contains("47.11"), "{all}");
}

#[test]
fn no_value_stands_in_any_finding() {
    const MARK: &str = "0paqu3-m4rk";
    let harness = harness();
    in_shop(&harness, || {
        event!(name: "f.order.accept", target: "marks", Level::WARN, f.order.pin = MARK, items = MARK, outcome = MARK, f.shop.id = MARK, new = MARK, MARK);
        event!(name: "f.order.unknown", target: "marks", Level::WARN, f.order.pin = MARK, message = MARK);
        event!(name: "f.order.say", target: "marks", Level::WARN, f.order.pin = ?MARK, f.order.way = MARK, f.order.gift = MARK);
        let shop = info_span!(target: "marks", "f.shop", f.shop.id = MARK, f.shop.city = Empty, f.shop.size = MARK, f.order.pin = MARK);
        shop.record("f.shop.city", MARK);
    });
    let found = found(&harness, "marks");
    assert!(found.len() > 8, "{found:#?}");
    assert!(found.iter().all(|finding| !format!("{finding}\n{finding:?}").contains(MARK)), "{found:#?}");
}

#[cfg(feature = "spans")]
#[test]
fn an_entity_opened_directly_under_a_trace_span_is_found() {
    let sink = Arc::new(spans::Spans::default());
    let harness = Harness::new(spans::traced_with(registry_of(REGISTRY), "info", sink));
    let open = |target: &'static str| match target {
        "inside" => info_span!(target: "inside", "f.shop", f.shop.id = "north", f.shop.city = "Bern"),
        "nested" => info_span!(target: "nested", "f.shop", f.shop.id = "north", f.shop.city = "Bern"),
        "given" => info_span!(target: "given", parent: None, "f.shop", f.shop.id = "north", f.shop.city = "Bern"),
        _ => info_span!(target: "outside", "f.shop", f.shop.id = "north", f.shop.city = "Bern"),
    };
    harness.run(|| {
        drop(open("outside"));
        let _trace = info_span!("f.order.process", items = 1).entered();
        let shop = open("inside").entered();
        drop(open("nested"));
        drop(open("given"));
        drop(shop);
    });
    assert_eq!(ids(&found(&harness, "inside")), [("entity_in_trace_span", None)]);
    assert!(["nested", "given", "outside"].iter().all(|target| found(&harness, target).is_empty()));
}

#[cfg(feature = "spans")]
#[test]
fn values_of_a_trace_span_are_looked_at_too() {
    let harness = Harness::new(spans::traced_with(registry_of(REGISTRY), "info", Arc::default()));
    in_shop(&harness, || {
        let span = info_span!(target: "typed span", "f.order.process", items = "three", f.order.note = Empty, otel.kind = "server");
        span.record("f.order.note", "n");
        drop(info_span!(target: "other shop", "f.order.process", items = 3, f.shop.id = "south", f.shop.city = "Bern"));
    });
    assert_eq!(ids(&found(&harness, "typed span")), [("type_mismatch", Some("f.order.items"))]);
    assert_eq!(ids(&found(&harness, "other shop")), [("identity_conflict", Some("f.shop.id"))]);
}

#[test]
fn a_name_of_one_word_is_known_where_the_registry_has_it_and_nobodys_elsewhere() {
    let registry = registry_of(
        "file_format: definition/2\nattributes: [{key: shop.id, type: string, brief: Id., stability: development}]\n\
         entities: [{type: shop, brief: A shop., stability: development, identity: [{ref: shop.id}]}]",
    );
    let harness = Harness::new(Settings::new(registry));
    harness.run(|| {
        drop(info_span!(target: "one word", "shop"));
        drop(info_span!(target: "one word near", "shops"));
    });
    assert_eq!(ids(&found(&harness, "one word")), [("entity_required_attribute_not_present", Some("shop.id"))]);
    assert_eq!(found(&harness, "one word near"), []);
}

#[cfg(feature = "spans")]
#[test]
fn a_trace_context_for_an_entity_span_is_found_and_one_for_any_other_span_is_not() {
    use tracing_weaver_layers::trace_context::extract;

    let header = |_: &str| Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    let harness = Harness::new(spans::traced_with(registry_of(REGISTRY), "info", Arc::default()));
    harness.run(|| {
        extract(&info_span!(target: "into entity", parent: None, "f.shop", f.shop.id = "north", f.shop.city = "Bern"), header);
        extract(&info_span!(target: "into trace", "f.order.process", items = 1), header);
        extract(&span!(target: "into trace", Level::TRACE, "f.order.process", items = 1), header);
    });
    let finding = only(&harness, "into entity");
    assert_eq!((finding.id, finding.count), ("extract_on_entity", 1));
    assert_eq!(found(&harness, "into trace"), []);
}

#[test]
fn a_name_that_would_steer_a_terminal_or_break_out_of_yaml_is_shown_and_written_safely() {
    const TARGET: &str = "hostile";
    let first = harness();
    let program = || event!(name: "f.order.\x1b[2J\": {evil: 1}", target: TARGET, Level::INFO, "f.ä \"x\"\n- ref: y" = "y");
    first.run(program);
    let finding = only(&first, TARGET);
    assert!(!finding.to_string().contains(|c: char| c.is_control() && c != '\n'), "{finding:?}");
    let mut settings = settings("info");
    settings.registry = amended(&finding);
    let second = Harness::new(settings);
    second.run(program);
    assert_eq!(found(&second, TARGET), []);
}
