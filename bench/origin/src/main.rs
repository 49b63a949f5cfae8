//! The origin of `npm run bench` and of the load in `npm run soak`, on one thread. Prints `READY <port>`, and ends at the end of its input.

use std::convert::Infallible;
use std::fmt::Write;
use std::io::Result;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, stdin};
use tokio::net::TcpListener;
use tokio::time::sleep;

static KIBIBYTE: [u8; 1024] = [b'x'; 1024];
static MEBIBYTE: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];
const LATE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(20);

/// Uploads, late answers and endless ones that are under way.
static UNFINISHED: AtomicUsize = AtomicUsize::new(0);

/// Counts as one of them for as long as it lives.
struct UnderWay;

impl UnderWay {
    fn begin() -> Self {
        UNFINISHED.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNFINISHED.fetch_sub(1, Ordering::Relaxed);
    }
}

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
        .route("/late", get(late))
        .route("/endless", get(endless))
        .route("/unfinished", get(unfinished))
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

/// An answer that a client may not wait for.
async fn late() -> &'static [u8] {
    let _under_way = UnderWay::begin();
    sleep(LATE).await;
    &KIBIBYTE
}

/// A body that ends when nobody wants more of it.
async fn endless() -> Body {
    let pieces = futures_util::stream::unfold(UnderWay::begin(), async |under_way| {
        sleep(PAUSE).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(&KIBIBYTE)), under_way))
    });
    Body::from_stream(pieces)
}

async fn unfinished() -> String {
    UNFINISHED.load(Ordering::Relaxed).to_string()
}

/// Reads a body to its end, and says how long it was.
async fn upload(body: Body) -> String {
    let _under_way = UnderWay::begin();
    let mut chunks = body.into_data_stream();
    let mut length = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        length += chunk.len();
    }
    length.to_string()
}
