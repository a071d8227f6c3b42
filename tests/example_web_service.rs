//! The example `web_service` as a program of its own: what arrives at a receiver after some requests.
//!
//! Cargo runs it. It speaks HTTP over loopback to the program and ends it as Ctrl-C does. It never looks into the program.

#![cfg(all(unix, feature = "http", feature = "spans", feature = "yaml"))]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use support::example::command_of;
use support::receiver::{Arrived, Receiver, attributes};

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(60);

/// The trace that a caller is in, and the span in it that calls.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// The running service; it ends with the test.
struct Service {
    process: Child,
    /// `127.0.0.1:PORT`.
    address: String,
}

impl Service {
    fn start(environment: &[(&str, &str)]) -> Service {
        let mut process = command_of("web_service")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example runs");
        // Byte by byte, so that the rest stays in the pipe for `stop`.
        let mut lines = BufReader::with_capacity(1, process.stdout.as_mut().expect("a pipe")).lines();
        let line = lines.next().expect("a line").expect("of text");
        let _how_to_call_it = lines.next();
        let address = line.strip_prefix("listening on http://").and_then(|rest| rest.split(',').next());
        let address = address.unwrap_or_else(|| panic!("the first line is `{line}`")).to_owned();
        Service { process, address }
    }

    /// The status of the answer.
    fn post(&self, path: &str, headers: &str, body: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a socket option");
        let length = body.len();
        write!(stream, "POST {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}")
            .expect("it takes a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers and closes");
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("a status in `{answer}`"))
    }

    fn order(&self, items: u32, headers: &str) -> u16 {
        let headers = format!("content-type: application/json\r\n{headers}");
        self.post("/orders", &headers, &format!(r#"{{"items": {items}, "email": "ann@example.com"}}"#))
    }

    /// Ctrl-C; what it wrote from then on, on stdout and on stderr.
    fn stop(mut self) -> (String, String) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("there is a kill").success());
        let until = Instant::now() + LIMIT;
        let status = loop {
            match self.process.try_wait().expect("a child") {
                Some(status) => break status,
                None => assert!(Instant::now() < until, "it does not end"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.process.stdout.as_mut().expect("a pipe").read_to_string(&mut stdout).expect("text");
        self.process.stderr.as_mut().expect("a pipe").read_to_string(&mut stderr).expect("text");
        assert!(status.success(), "{status}\n{stderr}");
        (stdout, stderr)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// All records.
fn records(arrived: &Arrived) -> Vec<LogRecord> {
    arrived.logs.iter().flat_map(|resource| &resource.scope_logs).flat_map(|scope| scope.log_records.clone()).collect()
}

/// All trace spans.
fn spans(arrived: &Arrived) -> Vec<Span> {
    arrived.spans.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn one_order_is_one_trace_from_its_caller_through_every_hop_and_the_items_of_all_orders_are_counted() {
    let receiver = Receiver::start();
    let service = Service::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url())]);
    assert_eq!(service.order(3, &format!("traceparent: 00-{TRACE}-{CALLER}-01\r\n")), 201);
    assert_eq!(service.order(4, ""), 201);
    assert_eq!(service.order(101, ""), 409);
    assert_eq!(service.post("/orders", "content-type: application/json\r\n", "{"), 400);
    service.stop();

    receiver.wait(
        LIMIT,
        |arrived| spans(arrived).len() >= 16,
        |arrived| {
            assert_eq!(arrived.totals()["shop.order.item.count"], 7.0);

            let records = records(arrived);
            assert_eq!(records.iter().map(|record| &*record.event_name).collect::<Vec<_>>(), ["shop.order.accept"; 2]);
            let expected = [("shop.customer.email", "[redacted:personal]"), ("shop.order.items", "3")];
            assert_eq!(attributes(&records[0].attributes), expected.map(|(key, value)| (key.into(), value.into())).into());
            assert_eq!(hex(&records[0].trace_id), TRACE);

            let spans = spans(arrived);
            let of_caller: Vec<&Span> = spans.iter().filter(|span| hex(&span.trace_id) == TRACE).collect();
            let child_of =
                |parent: &str| -> Vec<&Span> { of_caller.iter().filter(|span| hex(&span.parent_span_id) == parent).copied().collect() };
            // Whoever called, the request, the order, the request to the warehouse, the request there, what it does.
            let mut parent = CALLER.to_owned();
            let mut chain = Vec::new();
            while let [span] = child_of(&parent)[..] {
                chain.push((span.name.as_str(), span.kind()));
                if span.name == "shop.order.place" {
                    assert_eq!(records[0].span_id, span.span_id);
                }
                parent = hex(&span.span_id);
            }
            let expected = [
                ("request", SpanKind::Server),
                ("shop.order.place", SpanKind::Internal),
                ("ask_warehouse", SpanKind::Client),
                ("request", SpanKind::Server),
                ("reserve", SpanKind::Internal),
            ];
            assert_eq!(chain, expected);
            assert_eq!(of_caller.len(), expected.len());

            let mut answers: BTreeMap<_, usize> = BTreeMap::new();
            for request in spans.iter().filter(|span| span.name == "request") {
                let attributes = attributes(&request.attributes);
                *answers.entry((attributes["http.route"].clone(), attributes["http.response.status_code"].clone())).or_default() += 1;
            }
            let expected = [("/orders", "201", 2), ("/orders", "400", 1), ("/orders", "409", 1)];
            let expected = expected.into_iter().chain([("/reservations/{items}", "204", 2), ("/reservations/{items}", "409", 1)]);
            assert_eq!(answers, expected.map(|(route, status, number)| ((route.into(), status.into()), number)).collect());
        },
    );
}

#[cfg(feature = "console")]
#[test]
fn by_itself_it_shows_records_on_stderr_and_a_summary_when_it_is_stopped() {
    let service = Service::start(&[]);
    assert_eq!(service.order(3, ""), 201);
    let (stdout, stderr) = service.stop();
    assert!(stderr.contains(r#"shop.order.accept web_service shop.order.items=3 shop.customer.email="[redacted:personal]""#), "{stderr}");
    assert!(stdout.contains("shop.order.item.count"), "{stdout}");
    assert!(!stdout.contains("ann@"), "{stdout}");
}
