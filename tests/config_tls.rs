//! TLS: whom a program trusts, what it shows of itself, and what becomes of its telemetry where either fails.
//!
//! Each test runs this binary again as [`program`], with an environment of its own, against a receiver on loopback whose certificates it made.
#![cfg(all(feature = "console", feature = "grpc", feature = "http", feature = "spans", feature = "yaml"))]

#[path = "support/again.rs"]
mod again;
#[path = "support/tls.rs"]
mod tls;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use again::Said;
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use tls::{Arrived, Authority, Identity, TlsReceiver};
use tracing::{Level, event, info_span};

const REGISTRY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/registry/acme");

/// A program with something to say in each signal.
#[test]
#[ignore = "the other tests run it"]
fn program() {
    let telemetry = tracing_weaver::builder().registry(REGISTRY).install().unwrap();
    let shop = info_span!("acme.shop", acme.shop.id = "north").entered();
    event!(name: "acme.order.accept", Level::INFO, acme.order.items = 3);
    drop(shop);
    info_span!("delivery").in_scope(|| ());
    println!("{}\n{}", telemetry.describe(), telemetry.shutdown(Duration::from_secs(60)));
    println!("the program went on");
}

/// The line of a report that tells what became of a signal.
fn report<'a>(said: &'a Said, signal: &str) -> &'a str {
    let at = said.stdout.find(&format!("\n{signal}: ")).unwrap_or_else(|| panic!("{signal}: {}", said.stdout));
    said.stdout[at..].trim_start().split_once('\n').unwrap().1.lines().next().unwrap()
}

/// Nothing arrived, all of it was counted, and stderr says why for each signal.
fn assert_lost(said: &Said, receiver: &TlsReceiver, why: &str) {
    assert_eq!(receiver.arrived(), Arrived::default());
    for signal in SIGNALS {
        let report = report(said, signal);
        let lost = report.contains(" 0 exported, ") && report.contains(" dropped (") && !report.contains("in doubt");
        assert!(lost, "{report}: {}", said.stderr);
        let why_said = said.stderr.lines().any(|line| line.starts_with(&format!("tracing-weaver: {signal} to ")) && line.contains(why));
        assert!(why_said, "{signal}, {why}: {}", said.stderr);
    }
    assert!(said.stdout.contains("the program went on"));
}

fn assert_arrived(said: &Said, receiver: &TlsReceiver) {
    let arrived = receiver.arrived();
    assert!(arrived.records == 1 && arrived.spans == 1 && arrived.points >= 2, "{arrived:?}: {} {}", said.stdout, said.stderr);
    for signal in SIGNALS {
        assert!(report(said, signal).ends_with(" exported"), "{}", report(said, signal));
    }
}

fn run(protocol: &str, endpoint: &str, variables: Files<'_>) -> Said {
    let mut all = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), OsString::from(endpoint)),
        ("OTEL_EXPORTER_OTLP_PROTOCOL".to_owned(), protocol.into()),
    ];
    all.extend(variables.iter().map(|(name, path)| (format!("OTEL_EXPORTER_OTLP_{name}"), OsString::from(path))));
    let all: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value)).collect();
    again::run("program", &all)
}

/// As [`run`], where nothing will arrive: soon given up.
fn run_in_vain(protocol: &str, endpoint: &str, variables: Files<'_>) -> Said {
    run(protocol, endpoint, &[variables, &[("TIMEOUT", Path::new("3000"))]].concat())
}

fn localhost(receiver: &TlsReceiver) -> String {
    format!("https://localhost:{}", receiver.port)
}

fn server(authority: &Authority) -> Identity {
    authority.issue("localhost", 2200, ServerAuth)
}

const PROTOCOLS: [&str; 2] = ["http/protobuf", "grpc"];

/// Variables without their prefix, and their files.
type Files<'a> = &'a [(&'a str, &'a Path)];

/// As reports and diagnostics call them.
const SIGNALS: [&str; 3] = ["records", "data points", "spans"];

#[test]
fn a_receiver_whose_authority_is_named_gets_every_signal() {
    let authority = Authority::new("ours");
    for protocol in PROTOCOLS {
        let receiver = TlsReceiver::start(&server(&authority), None);
        let said = run(protocol, &localhost(&receiver), &[("CERTIFICATE", &authority.roots())]);
        assert_arrived(&said, &receiver);
        assert!(said.stdout.contains("(TLS with own roots, timeout 10s)"), "{}", said.stdout);
    }
}

#[test]
fn a_receiver_may_be_named_by_its_address() {
    let authority = Authority::new("ours");
    for protocol in PROTOCOLS {
        let receiver = TlsReceiver::start(&authority.issue("127.0.0.1", 2200, ServerAuth), None);
        let endpoint = format!("https://127.0.0.1:{}", receiver.port);
        assert_arrived(&run(protocol, &endpoint, &[("CERTIFICATE", &authority.roots())]), &receiver);
    }
    // Not every machine speaks IPv6.
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    for protocol in PROTOCOLS {
        let receiver = TlsReceiver::start_at("[::1]:0", &authority.issue("::1", 2200, ServerAuth), None);
        let endpoint = format!("https://[::1]:{}", receiver.port);
        assert_arrived(&run(protocol, &endpoint, &[("CERTIFICATE", &authority.roots())]), &receiver);
    }
}

#[test]
fn the_systems_roots_are_where_the_system_says() {
    let authority = Authority::new("ours");
    for protocol in PROTOCOLS {
        let receiver = TlsReceiver::start(&server(&authority), None);
        let roots = authority.roots();
        let said = again::run(
            "program",
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", localhost(&receiver).as_ref()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", OsStr::new(protocol)),
                ("SSL_CERT_FILE", roots.as_os_str()),
            ],
        );
        assert_arrived(&said, &receiver);
    }
}

#[test]
fn a_client_certificate_opens_a_receiver_that_asks_for_one() {
    let authority = Authority::new("ours");
    let client = authority.issue("client.example", 2200, ClientAuth);
    for protocol in PROTOCOLS {
        let receiver = TlsReceiver::start(&server(&authority), Some(&authority));
        let files: [(&str, &Path); 3] =
            [("CERTIFICATE", &authority.roots()), ("CLIENT_CERTIFICATE", &client.certificate), ("CLIENT_KEY", &client.key)];
        let said = run(protocol, &localhost(&receiver), &files);
        assert_arrived(&said, &receiver);
        assert!(said.stdout.contains("(TLS with own roots, client certificate, "), "{}", said.stdout);
        let key = std::fs::read_to_string(&client.key).unwrap();
        let secret = key.lines().nth(1).unwrap();
        assert!(!said.stdout.contains(secret) && !said.stderr.contains(secret));
    }
}

#[test]
fn a_signals_own_authority_stands_in_place_of_the_general_one() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let receiver = TlsReceiver::start(&server(&authority), None);
    let files: [(&str, &Path); 2] = [("CERTIFICATE", &other.roots()), ("TRACES_CERTIFICATE", &authority.roots())];
    let said = run_in_vain("http/protobuf", &localhost(&receiver), &files);
    assert_eq!(receiver.arrived(), Arrived { spans: 1, ..Arrived::default() }, "{}", said.stderr);
}

#[test]
fn a_receiver_of_another_authority_gets_nothing() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    for protocol in PROTOCOLS {
        let receiver = TlsReceiver::start(&server(&authority), None);
        let said = run_in_vain(protocol, &localhost(&receiver), &[("CERTIFICATE", &other.roots())]);
        assert_lost(&said, &receiver, "signed by nobody who is trusted");
    }
}

#[test]
fn a_receiver_that_none_of_the_systems_roots_signed_gets_nothing() {
    let authority = Authority::new("ours");
    for protocol in PROTOCOLS {
        let receiver = TlsReceiver::start(&server(&authority), None);
        let said = run_in_vain(protocol, &localhost(&receiver), &[]);
        // A system without any roots says that, and which variable helps.
        assert_lost(&said, &receiver, "OTEL_EXPORTER_OTLP_CERTIFICATE");
        assert!(said.stdout.contains("(TLS with the system's roots, "), "{}", said.stdout);
    }
}

#[test]
fn a_receiver_with_the_certificate_of_another_host_gets_nothing() {
    let authority = Authority::new("ours");
    for protocol in PROTOCOLS {
        let receiver = TlsReceiver::start(&authority.issue("collector.example", 2200, ServerAuth), None);
        let said = run_in_vain(protocol, &localhost(&receiver), &[("CERTIFICATE", &authority.roots())]);
        assert_lost(&said, &receiver, "is for another host");
    }
}

#[test]
fn a_receiver_whose_certificate_has_expired_gets_nothing() {
    let authority = Authority::new("ours");
    for protocol in PROTOCOLS {
        let receiver = TlsReceiver::start(&authority.issue("localhost", 2001, ServerAuth), None);
        let said = run_in_vain(protocol, &localhost(&receiver), &[("CERTIFICATE", &authority.roots())]);
        assert_lost(&said, &receiver, "certificate has expired");
    }
}

#[test]
fn a_receiver_that_shows_the_certificate_of_an_authority_is_told_apart() {
    let authority = Authority::new("ours");
    for protocol in PROTOCOLS {
        let receiver = TlsReceiver::start(&authority.itself(), None);
        let said = run_in_vain(protocol, &localhost(&receiver), &[("CERTIFICATE", &authority.roots())]);
        assert_lost(&said, &receiver, "is that of an authority");
    }
}

#[test]
fn a_receiver_that_wants_a_client_certificate_gets_nothing_without_one_or_with_that_of_a_stranger() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let stranger = other.issue("client.example", 2200, ClientAuth);
    let (roots, certificate, key) = (authority.roots(), stranger.certificate.as_path(), stranger.key.as_path());
    for protocol in PROTOCOLS {
        for files in
            [&[("CERTIFICATE", &*roots)][..], &[("CERTIFICATE", &*roots), ("CLIENT_CERTIFICATE", certificate), ("CLIENT_KEY", key)]]
        {
            let receiver = TlsReceiver::start(&server(&authority), Some(&authority));
            let said = run_in_vain(protocol, &localhost(&receiver), files);
            assert_lost(&said, &receiver, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE");
        }
    }
}

#[test]
fn files_that_cannot_be_used_mean_a_warning_and_no_telemetry_there() {
    let authority = Authority::new("ours");
    let client = authority.issue("client.example", 2200, ClientAuth);
    let roots = authority.roots();
    let missing = Path::new("/no/such/file.pem");
    let cases: [(&str, &Path, Files<'_>); 4] = [
        ("CERTIFICATE", missing, &[("CERTIFICATE", missing)]),
        ("CERTIFICATE", &client.key, &[("CERTIFICATE", &client.key)]),
        ("CLIENT_KEY", missing, &[("CERTIFICATE", &roots), ("CLIENT_CERTIFICATE", &client.certificate), ("CLIENT_KEY", missing)]),
        ("CLIENT_CERTIFICATE", Path::new("its key"), &[("CERTIFICATE", &roots), ("CLIENT_CERTIFICATE", &client.certificate)]),
    ];
    for protocol in PROTOCOLS {
        for (name, file, files) in cases {
            let receiver = TlsReceiver::start(&server(&authority), None);
            let said = run(protocol, &localhost(&receiver), files);
            assert_lost(&said, &receiver, name);
            let file = file.to_str().unwrap();
            let warning = format!("tracing-weaver: OTEL_EXPORTER_OTLP_{name}: ");
            let warnings: Vec<_> = said.stderr.lines().filter(|line| line.starts_with(&warning)).collect();
            assert_eq!(warnings.len(), 1, "{}", said.stderr);
            assert!(warnings[0].contains(file) && warnings[0].contains("nothing is sent there"), "{}", warnings[0]);
            assert!(said.stdout.contains("nothing is sent: OTEL_EXPORTER_OTLP_"), "{}", said.stdout);
        }
    }
}

#[test]
fn a_client_certificate_of_an_old_version_is_named_with_the_version_that_is_needed() {
    let authority = Authority::new("ours");
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("old.pem");
    std::fs::write(&certificate, include_str!("support/version_1_certificate.pem")).unwrap();
    let Identity { key, .. } = authority.issue("client.example", 2200, ClientAuth);
    let receiver = TlsReceiver::start(&server(&authority), None);
    let files: Files<'_> = &[("CERTIFICATE", &authority.roots()), ("CLIENT_CERTIFICATE", &certificate), ("CLIENT_KEY", &key)];
    let said = run("http/protobuf", &localhost(&receiver), files);
    let warning = format!(
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: `{}` cannot be used: it is an X.509 certificate of version 1",
        certificate.display()
    );
    assert!(said.stderr.contains(&warning) && said.stderr.contains("version 3 is needed"), "{}", said.stderr);
}

#[test]
fn an_endpoint_that_speaks_no_tls_gets_nothing_either() {
    let authority = Authority::new("ours");
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    std::thread::spawn(move || plain.incoming().flatten().for_each(|stream| drop(std::io::Write::write_all(&mut &stream, b"hello\r\n"))));
    for protocol in PROTOCOLS {
        let said = run_in_vain(protocol, &format!("https://localhost:{port}"), &[("CERTIFICATE", &authority.roots())]);
        for signal in SIGNALS {
            assert!(report(&said, signal).contains(" 0 exported, "), "{}", report(&said, signal));
        }
        assert!(said.stdout.contains("the program went on"));
    }
}
