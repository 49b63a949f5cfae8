//! The origin of `npm run bench`, on one thread. Prints `READY <port>`, and ends at the end of its input.

use std::fmt::Write;
use std::io::Result;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, stdin};
use tokio::net::TcpListener;

static KIBIBYTE: [u8; 1024] = [b'x'; 1024];
static MEBIBYTE: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("READY {}", listener.local_addr()?.port());
    let routes = Router::new()
        .route("/kibibyte", get(async || Bytes::from_static(&KIBIBYTE)))
        .route("/mebibyte", get(async || Bytes::from_static(&MEBIBYTE)))
        .route("/headers", get(headers))
        .route("/redirect", get(redirect))
        .route("/upload", post(upload))
        .route("/api/method/frappe.auth.get_logged_user", get(async || r#"{"message":"nobody"}"#));
    // A neighbour's latency must not be Nagle's.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let (mut input, mut ignored) = (stdin(), Vec::new());
    tokio::select! {
        served = axum::serve(listener, routes).into_future() => served,
        _ = input.read_to_end(&mut ignored) => Ok(()),
    }
}

/// What arrived, one field a line.
async fn headers(headers: HeaderMap) -> String {
    headers.iter().fold(String::new(), |mut lines, (name, value)| {
        let _ = writeln!(lines, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        lines
    })
}

/// A `Location` at the origin itself, which a gate has to rewrite.
async fn redirect(headers: HeaderMap) -> Response {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    (StatusCode::FOUND, [("location", format!("http://{host}/kibibyte"))]).into_response()
}

/// Reads a body to its end, and says how long it was.
async fn upload(body: Body) -> String {
    let mut chunks = body.into_data_stream();
    let mut length = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        length += chunk.len();
    }
    length.to_string()
}
