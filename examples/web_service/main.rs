//! An ordinary web service with its telemetry: tokio, axum, `#[instrument]`, and the ten lines of `registry/` beside this file.
//!
//! ```text
//! cargo run --example web_service [-- PORT]
//! ```
//!
//! The whole of it is `install` at the start, `shutdown` at the end, and `trace_context` where a request comes in or goes out. All else is
//! `tracing`.

use std::error::Error;
use std::time::Duration;

use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router, body::Body};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use tokio::net::TcpListener;
use tracing::{Instrument as _, Level, Span, error, event, field, info_span, instrument};
use tracing_weaver::trace_context;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = tracing_weaver::builder()
        .registry(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/web_service/registry"))
        .service_name("shop")
        .install()?;

    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse::<u16>())?; // 0: any that is free
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let here = format!("http://{}", listener.local_addr()?);
    println!("listening on {here}, try\n  curl --json '{{\"items\": 3, \"email\": \"ann@example.com\"}}' {here}/orders");

    let shop = Shop { warehouse: here, client: Client::builder(TokioExecutor::new()).build_http() };
    let app = Router::new()
        .route("/orders", post(place_order))
        .route("/reservations/{items}", post(reserve))
        .layer(from_fn(in_span))
        .with_state(shop);
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;

    telemetry.shutdown(Duration::from_secs(5));
    Ok(())
}

/// Ctrl-C; the requests that are being served are finished.
async fn stopped() {
    // Without signals it cannot be stopped like this.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// What the handlers share.
#[derive(Clone)]
struct Shop {
    /// Another service in real life; this one itself here.
    warehouse: String,
    client: Client<HttpConnector, Body>,
}

#[derive(Deserialize)]
struct Order {
    items: u32,
    email: String,
}

/// Around each request: its span, in the trace of whoever sent it.
async fn in_span(route: MatchedPath, request: Request, next: Next) -> Response {
    let span = info_span!(
        "request",
        otel.kind = "server",
        http.request.method = request.method().as_str(),
        http.route = route.as_str(),
        http.response.status_code = field::Empty,
    );
    trace_context::extract(&span, |name| request.headers().get(name)?.to_str().ok().map(str::to_owned));
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    response
}

/// `POST /orders`: the event is a record, and counts the items in `shop.order.item.count`. Who ordered does not leave the process.
#[instrument(name = "shop.order.place", skip_all, fields(shop.order.items = order.items))]
async fn place_order(State(shop): State<Shop>, Json(order): Json<Order>) -> StatusCode {
    match shop.ask_warehouse(order.items).await {
        Ok(StatusCode::NO_CONTENT) => {
            event!(name: "shop.order.accept", Level::INFO, shop.order.items = order.items, shop.customer.email = order.email);
            StatusCode::CREATED
        }
        Ok(_) => StatusCode::CONFLICT,
        Err(error) => {
            error!(error, "the warehouse does not answer");
            StatusCode::BAD_GATEWAY
        }
    }
}

impl Shop {
    /// A request to another service, which goes on with our trace.
    #[instrument(skip(self), fields(otel.kind = "client"))]
    async fn ask_warehouse(&self, items: u32) -> Result<StatusCode, Box<dyn Error + Send + Sync>> {
        let mut request = Request::post(format!("{}/reservations/{items}", self.warehouse)).body(Body::empty())?;
        trace_context::inject(&Span::current(), |name, value| {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                request.headers_mut().insert(name, value);
            }
        });
        Ok(self.client.request(request).await?.status())
    }
}

/// `POST /reservations/{items}`: there are never more than a hundred.
#[instrument]
async fn reserve(Path(items): Path<u32>) -> StatusCode {
    if items <= 100 { StatusCode::NO_CONTENT } else { StatusCode::CONFLICT }
}
