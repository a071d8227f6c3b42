//! Certificates: which files count, and what becomes of a receiver whose files cannot be used.

use std::fs;

use super::*;

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Files { folder: tempfile::tempdir().unwrap() };
        for name in ["ca", "client", "other"] {
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = rcgen::CertificateParams::new(vec![format!("{name}.example")]).unwrap().self_signed(&key).unwrap();
            files.write(&format!("{name}.pem"), &certificate.pem());
            files.write(&format!("{name}.key"), &key.serialize_pem());
        }
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

const HTTPS: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h:1");
const ROOTS: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";

fn tls(variables: &[(&str, &str)]) -> (Result<crate::export::Tls, String>, Vec<String>) {
    let environment = read(variables);
    (environment.logs.otlp.unwrap().tls, environment.warnings)
}

#[test]
fn roots_and_a_client_certificate_are_read_from_their_files() {
    let files = Files::new();
    let (tls, warnings) =
        tls(&[HTTPS, (ROOTS, &files.path("ca.pem")), (CERTIFICATE, &files.path("client.pem")), (KEY, &files.path("client.key"))]);
    let tls = tls.unwrap();
    assert!(tls.roots.is_some() && tls.identity.is_some() && warnings.is_empty(), "{warnings:?}");
    let key = fs::read_to_string(files.path("client.key")).unwrap();
    let shown = format!("{tls:?}");
    assert!(!shown.contains(key.lines().nth(1).unwrap()), "{shown}");
}

#[test]
fn a_signals_own_file_stands_in_place_of_the_general_one() {
    let files = Files::new();
    let environment = read(&[HTTPS, (ROOTS, "/no/such"), ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", &files.path("ca.pem"))]);
    let is_ok = |sinks: &SignalSinks| sinks.otlp.as_ref().unwrap().tls.is_ok();
    assert_eq!([&environment.logs, &environment.metrics, &environment.traces].map(is_ok), [true, false, false]);
    assert_eq!(environment.warnings.len(), 1, "said once for both: {:?}", environment.warnings);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_variable_and_nothing_is_sent() {
    let files = Files::new();
    files.write("empty", "");
    files.write("damaged", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    files.write("nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    files.write("encrypted", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let client = files.path("client.pem");
    let folder = files.folder.path().to_str().unwrap().to_owned();
    for (variables, name, path) in [
        (vec![(ROOTS, "/no/such/file".to_owned())], ROOTS, "/no/such/file".to_owned()),
        (vec![(ROOTS, folder.clone())], ROOTS, folder),
        (vec![(ROOTS, files.path("empty"))], ROOTS, files.path("empty")),
        (vec![(ROOTS, files.path("damaged"))], ROOTS, files.path("damaged")),
        (vec![(ROOTS, files.path("nonsense"))], ROOTS, files.path("nonsense")),
        (vec![(ROOTS, files.path("ca.key"))], ROOTS, files.path("ca.key")),
        (vec![(CERTIFICATE, client.clone()), (KEY, files.path("encrypted"))], KEY, files.path("encrypted")),
        (vec![(CERTIFICATE, client.clone()), (KEY, files.path("other.key"))], KEY, files.path("other.key")),
        (vec![(CERTIFICATE, files.path("client.key")), (KEY, files.path("client.key"))], CERTIFICATE, files.path("client.key")),
        (vec![(CERTIFICATE, client)], CERTIFICATE, String::new()),
        (vec![(KEY, files.path("client.key"))], KEY, String::new()),
    ] {
        let variables: Vec<_> = variables.iter().map(|(name, path)| (*name, path.as_str())).chain([HTTPS]).collect();
        let (tls, warnings) = tls(&variables);
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.starts_with(&format!("{name}: ")) && warning.contains(&path), "{warning}");
        assert!(warning.ends_with("nothing is sent there"), "{warning}");
        let why = tls.unwrap_err();
        assert!(why.contains(name) && why.contains(&path), "{why}");
    }
}

#[test]
fn files_for_an_endpoint_that_is_not_encrypted_are_said_to_mean_nothing() {
    let (tls, warnings) = tls(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:1"), (ROOTS, "/no/such")]);
    assert!(tls.unwrap().roots.is_none());
    assert!(warnings[0].starts_with(ROOTS) && warnings[0].contains("write `https://`"), "{warnings:?}");
}

#[test]
fn files_of_a_receiver_that_is_not_wanted_are_not_read() {
    assert!(read(&[(ROOTS, "/no/such")]).warnings.is_empty());
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_keeps_nobody_waiting() {
    let files = Files::new();
    let made = std::process::Command::new("mkfifo").arg(files.path("pipe")).status().unwrap();
    assert!(made.success());
    let (tls, _) = tls(&[HTTPS, (ROOTS, &files.path("pipe"))]);
    assert!(tls.unwrap_err().contains("it is no file"));
}

#[test]
fn over_grpc_a_receiver_needs_no_scheme_and_is_spoken_to_in_tls_unless_told_otherwise() {
    let url = |variables: &[(&str, &str)]| {
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        let environment = read(&variables.iter().copied().chain([grpc]).collect::<Vec<_>>());
        assert!(environment.warnings.is_empty(), "{:?}", environment.warnings);
        environment.logs.otlp.unwrap().url
    };
    let endpoint = |address| ("OTEL_EXPORTER_OTLP_ENDPOINT", address);
    assert_eq!(url(&[endpoint("collector:4317")]), "https://collector:4317");
    assert_eq!(url(&[endpoint("localhost:4317"), ("OTEL_EXPORTER_OTLP_INSECURE", "true")]), "http://localhost:4317");
    assert_eq!(url(&[endpoint("https://h:1"), ("OTEL_EXPORTER_OTLP_INSECURE", "true")]), "https://h:1", "a scheme says it itself");
    let own = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "[::1]:4317");
    assert_eq!(url(&[endpoint("http://h:1"), own, ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", "TRUE")]), "http://[::1]:4317");
    for wrong in ["ftp://h:1", "http://h:99999", "h:99999", "a b:1", ":4317"] {
        let environment = read(&[endpoint(wrong), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        assert!(environment.logs.otlp.is_none() && environment.warnings.len() == 1, "{wrong}: {:?}", environment.warnings);
    }
}
